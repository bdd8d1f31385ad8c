# SPDX-License-Identifier: Apache-2.0

# prefilter, indicators
EXTRA_DIST += tests/fuzz/ioc.in tests/fuzz/prefilter.in
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_ioc tests/fuzz/fuzz_prefilter
tests_fuzz_fuzz_ioc_SOURCES = tests/fuzz/fuzz_ioc.c
tests_fuzz_fuzz_ioc_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_ioc_LDADD = $(LIBS_RULES)
tests_fuzz_fuzz_prefilter_SOURCES = tests/fuzz/fuzz_prefilter.c
tests_fuzz_fuzz_prefilter_LDFLAGS = -fsanitize=fuzzer $(AM_LDFLAGS)
tests_fuzz_fuzz_prefilter_LDADD = $(LIBS_RULES)
endif
