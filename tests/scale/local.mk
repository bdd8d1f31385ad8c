# SPDX-License-Identifier: Apache-2.0
# What is too heavy for "make check": "make scale" runs it.
SCALE_PROGRAMS = tests/scale/read_indicators
SCALE_TESTS = tests/scale/indicators.sh
EXTRA_PROGRAMS += $(SCALE_PROGRAMS)
EXTRA_DIST += $(SCALE_TESTS)
tests_scale_read_indicators_SOURCES = tests/scale/read_indicators.c
tests_scale_read_indicators_LDADD = libcommon.a $(COMMON_LIBS) -lm

.PHONY: scale
scale: $(SCALE_PROGRAMS) picket-sensor picket-collector
	@for t in $(SCALE_TESTS); do \
		echo "== $$t"; \
		srcdir='$(srcdir)' sh $(srcdir)/$$t || exit 1; \
	done
