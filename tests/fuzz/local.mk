# SPDX-License-Identifier: Apache-2.0

EXTRA_DIST += tests/fuzz/stream.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_stream
tests_fuzz_fuzz_stream_SOURCES = tests/fuzz/fuzz_stream.c
tests_fuzz_fuzz_stream_LDADD = $(LIBS_SENSOR)
tests_fuzz_fuzz_stream_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
endif
