# SPDX-License-Identifier: Apache-2.0
# What is too heavy for "make check": "make scale" runs it.
SCALE_BINS = tests/scale/read_indicators
SCALE_RUNS = tests/scale/indicators.sh
SCALE_RUNS += tests/scale/patterns.sh
SCALE_RUNS = tests/scale/indicators.sh tests/scale/common_set.sh
EXTRA_PROGRAMS += $(SCALE_BINS)
EXTRA_DIST += $(SCALE_RUNS)
tests_scale_read_indicators_SOURCES = tests/scale/read_indicators.c
tests_scale_read_indicators_LDADD = libcommon.a $(COMMON_LIBS) -lm

.PHONY: scale
scale: patterncases
scale: $(SCALE_BINS) picket-sensor picket-collector
	@for t in $(SCALE_RUNS); do \
		echo "== $$t"; \
		srcdir='$(srcdir)' sh $(srcdir)/$$t || exit 1; \
	done
