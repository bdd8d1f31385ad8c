# SPDX-License-Identifier: Apache-2.0

# capture, decode
EXTRA_DIST += tests/fuzz/capture.in tests/fuzz/decode.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_capture tests/fuzz/fuzz_decode
tests_fuzz_fuzz_capture_SOURCES = tests/fuzz/fuzz_capture.c
tests_fuzz_fuzz_capture_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_capture_LDADD = libsensor.a libcommon.a $(SENSOR_LIBS) $(COMMON_LIBS)
tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz_decode.c
tests_fuzz_fuzz_decode_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_decode_LDADD = libsensor.a libcommon.a $(SENSOR_LIBS) $(COMMON_LIBS)
endif

EXTRA_DIST += tests/fuzz/stream.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_stream
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c
tests_fuzz_fuzz_stream_LDADD = $(LIBS_SENSOR)
tests_fuzz_fuzz_stream_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
endif
