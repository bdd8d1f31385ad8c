# SPDX-License-Identifier: Apache-2.0

# transport
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_frame tests/fuzz/fuzz_spool
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c
tests_fuzz_fuzz_frame_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_frame_LDADD = libcommon.a $(COMMON_LIBS)
tests_fuzz_fuzz_spool_SOURCES = tests/fuzz/fuzz_spool.c
tests_fuzz_fuzz_spool_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_spool_LDADD = libsensor.a libcommon.a $(COMMON_LIBS)
endif
EXTRA_DIST += tests/fuzz/frame.in tests/fuzz/spool.in
