# SPDX-License-Identifier: Apache-2.0
# "make bench" measures all there is; the single ones are built on demand:
# make tests/bench/bench_ioc.
BENCH_LIBS = libsensor.a librules.a libcommon.a $(SENSOR_LIBS) $(RULES_LIBS) \
	$(COMMON_LIBS) -lm
EXTRA_PROGRAMS += tests/bench/bench \
	tests/bench/merge_captures tests/bench/bench_flow \
	tests/bench/bench_stream \
	tests/bench/bench_ioc tests/bench/bench_prefilter \
	tests/bench/make_rules tests/bench/make_indicators \
	tests/bench/bench_retro \
	tests/bench/bench_count
tests_bench_bench_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/measure.c tests/bench/measure.h \
	tests/bench/floor.c tests/bench/floor.h \
	tests/bench/literals.c tests/bench/literals.h \
	tests/bench/product.c tests/bench/product.h \
	tests/bench/row.c tests/bench/row.h \
	tests/bench/frames.c tests/bench/frames.h \
	tests/bench/readdress.c tests/bench/readdress.h \
	tests/bench/section_stages.c tests/bench/section_events.c \
	tests/bench/section_sets.c \
	tests/bench/section_flows.c tests/bench/section_hostile.c \
	tests/bench/section_workers.c tests/bench/targets.c
tests_bench_bench_LDADD = $(BENCH_LIBS)
tests_bench_merge_captures_SOURCES = tests/bench/merge_captures.c \
	tests/bench/readdress.c tests/bench/readdress.h
tests_bench_merge_captures_LDADD = $(BENCH_LIBS)
tests_bench_bench_stream_SOURCES = tests/bench/bench_stream.c
tests_bench_bench_stream_LDADD = $(BENCH_LIBS)
tests_bench_bench_flow_SOURCES = tests/bench/bench_flow.c
tests_bench_bench_flow_LDADD = $(BENCH_LIBS)
tests_bench_bench_ioc_SOURCES = tests/bench/bench_ioc.c
tests_bench_bench_ioc_LDADD = $(BENCH_LIBS)
tests_bench_bench_prefilter_SOURCES = tests/bench/bench_prefilter.c
tests_bench_bench_prefilter_LDADD = $(BENCH_LIBS) $(HS_LIBS)

tests_bench_bench_retro_SOURCES = tests/bench/bench_retro.c
tests_bench_bench_retro_LDADD = $(BENCH_LIBS)

tests_bench_make_rules_SOURCES = tests/bench/make_rules.c
tests_bench_make_indicators_SOURCES = tests/bench/make_indicators.c

# What a packet takes, in instructions: a test of ./check.
tests_bench_bench_count_SOURCES = tests/bench/bench_count.c \
	tests/bench/measure.c tests/bench/measure.h \
	tests/bench/floor.c tests/bench/floor.h \
	tests/bench/literals.c tests/bench/literals.h \
	tests/bench/product.c tests/bench/product.h
tests_bench_bench_count_LDADD = $(BENCH_LIBS)
dist_check_SCRIPTS += tests/bench/instructions.sh

# What summing up contacts takes of it: sh tests/bench/contacts.sh BUILD.
EXTRA_PROGRAMS += tests/bench/count_contacts
tests_bench_count_contacts_SOURCES = tests/bench/count_contacts.c \
	tests/bench/measure.c tests/bench/measure.h \
	tests/bench/frames.c tests/bench/frames.h \
	tests/bench/product.c tests/bench/product.h
tests_bench_count_contacts_LDADD = $(BENCH_LIBS)
EXTRA_DIST += tests/bench/contacts.sh
EXTRA_DIST += tests/bench/instructions.expected tests/bench/page.py tests/bench/mix.sh

# The index of what was seen, with 100 million entries.

dist_check_SCRIPTS += tests/bench/bench.sh
bench: tests/bench/bench tests/bench/merge_captures \
	tests/bench/make_rules tests/bench/make_indicators
	$(SHELL) $(srcdir)/tests/bench/bench.sh $(srcdir)
# A reload while a large capture is replayed, and how loading scales.
dist_check_SCRIPTS += tests/bench/reload.sh
bench-reload: picket-sensor tests/bench/merge_captures tests/bench/make_rules
	$(SHELL) $(srcdir)/tests/bench/reload.sh $(srcdir)
# Packets over a virtual link to a sensor, as root.
dist_check_SCRIPTS += tests/bench/live.sh
bench-live: picket-sensor tests/bench/merge_captures tests/tools/framesend
	$(SHELL) $(srcdir)/tests/bench/live.sh $(srcdir)
# More than a worker takes, for a minute, as root.
dist_check_SCRIPTS += tests/bench/live_overload.sh
bench-overload: picket-sensor tests/tools/framesend
	$(SHELL) $(srcdir)/tests/bench/live_overload.sh $(srcdir)
# Alerts from a sensor's queue to Redis, and from there to the store.
EXTRA_PROGRAMS += tests/bench/bench_transport
tests_bench_bench_transport_SOURCES = tests/bench/bench_transport.c
tests_bench_bench_transport_LDADD = $(BENCH_LIBS)
dist_check_SCRIPTS += tests/bench/transport.sh
bench-transport: picket-sensor picket-collector picketctl storefill \
		tests/bench/bench_transport tests/bench/merge_captures
	$(SHELL) $(srcdir)/tests/bench/transport.sh $(srcdir)
.PHONY: bench bench-live bench-overload bench-reload bench-transport
CLEANFILES += $(EXTRA_PROGRAMS) tests/bench/bench-*.pcap* tests/bench/data/*

if HAVE_CMOCKA
UNIT_TESTS += tests/bench/test_readdress
tests_bench_test_readdress_SOURCES = tests/bench/test_readdress.c \
	tests/bench/readdress.c tests/bench/frames.c tests/bench/measure.c
tests_bench_test_readdress_LDADD = $(LIBS_COMMON)
endif
