# SPDX-License-Identifier: Apache-2.0

noinst_PROGRAMS += tests/bench/bench_stream
tests_bench_bench_stream_SOURCES = tests/bench/bench_stream.c
tests_bench_bench_stream_LDADD = $(LIBS_SENSOR)
# prefilter, indicators
EXTRA_PROGRAMS += tests/bench/bench_ioc tests/bench/bench_prefilter
tests_bench_bench_ioc_SOURCES = tests/bench/bench_ioc.c
tests_bench_bench_ioc_LDADD = $(LIBS_RULES)
tests_bench_bench_prefilter_SOURCES = tests/bench/bench_prefilter.c
tests_bench_bench_prefilter_LDADD = $(LIBS_RULES)
