# SPDX-License-Identifier: Apache-2.0

noinst_PROGRAMS += tests/bench/bench_stream
tests_bench_bench_stream_SOURCES = tests/bench/bench_stream.c
tests_bench_bench_stream_LDADD = $(LIBS_SENSOR)
