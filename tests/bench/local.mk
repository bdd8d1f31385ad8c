# SPDX-License-Identifier: Apache-2.0
# "make bench" measures the whole path stage by stage; the single ones are
# built on demand: make tests/bench/bench_ioc.
BENCH_LIBS = libsensor.a librules.a libcommon.a $(SENSOR_LIBS) $(RULES_LIBS) \
	$(COMMON_LIBS) -lm
EXTRA_PROGRAMS += tests/bench/bench_stages tests/bench/merge_captures \
	tests/bench/bench_flow tests/bench/bench_stream tests/bench/bench_ioc \
	tests/bench/bench_prefilter
tests_bench_bench_stages_SOURCES = tests/bench/bench_stages.c
tests_bench_bench_stages_LDADD = $(BENCH_LIBS)
tests_bench_merge_captures_SOURCES = tests/bench/merge_captures.c
tests_bench_merge_captures_LDADD = $(BENCH_LIBS)
tests_bench_bench_stream_SOURCES = tests/bench/bench_stream.c
tests_bench_bench_stream_LDADD = $(BENCH_LIBS)
tests_bench_bench_flow_SOURCES = tests/bench/bench_flow.c
tests_bench_bench_flow_LDADD = $(BENCH_LIBS)
tests_bench_bench_ioc_SOURCES = tests/bench/bench_ioc.c
tests_bench_bench_ioc_LDADD = $(BENCH_LIBS)
tests_bench_bench_prefilter_SOURCES = tests/bench/bench_prefilter.c
tests_bench_bench_prefilter_LDADD = $(BENCH_LIBS)

dist_check_SCRIPTS += tests/bench/bench.sh
bench: tests/bench/bench_stages tests/bench/merge_captures
	$(SHELL) $(srcdir)/tests/bench/bench.sh $(srcdir)
# A reload while a large capture is replayed, and how loading scales.
dist_check_SCRIPTS += tests/bench/reload.sh
bench-reload: picket-sensor tests/bench/merge_captures
	$(SHELL) $(srcdir)/tests/bench/reload.sh $(srcdir)
.PHONY: bench bench-reload
CLEANFILES += $(EXTRA_PROGRAMS) tests/bench/bench-*.pcap
