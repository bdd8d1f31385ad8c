# SPDX-License-Identifier: Apache-2.0
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_eve
tests_fuzz_fuzz_eve_SOURCES = tests/fuzz/fuzz_eve.c
tests_fuzz_fuzz_eve_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_eve_LDADD = libcollector.a libcommon.a $(COLLECTOR_LIBS) $(COMMON_LIBS) -lm
endif
EXTRA_DIST += tests/fuzz/eve.in
