# SPDX-License-Identifier: Apache-2.0
# What is too heavy for "make check": "make scale" runs it; SCALE="taps retro"
# some of it.
SCALE_BINS = tests/scale/read_indicators tests/scale/arming
SCALE_BINS += tests/scale/findings
SCALE_RUNS = tests/scale/indicators.sh tests/scale/patterns.sh \
	tests/scale/common_set.sh tests/scale/arming.sh \
	tests/scale/retro.sh tests/scale/taps.sh
SCALE_RUNS += tests/scale/findings.sh
SCALE_RUNS += tests/scale/failover.sh tests/scale/takeover.sh
SCALE_RUNS += tests/scale/exchange.sh
SCALE_RUNS += tests/scale/inbox.sh
SCALE_RUNS += tests/scale/parts.sh
SCALE_RUNS += tests/scale/release.sh
SCALE_RUNS += tests/scale/times.sh
EXTRA_DIST += tests/scale/parts.py
EXTRA_PROGRAMS += $(SCALE_BINS)
EXTRA_DIST += $(SCALE_RUNS)
tests_scale_read_indicators_SOURCES = tests/scale/read_indicators.c
tests_scale_read_indicators_LDADD = libcommon.a $(COMMON_LIBS) -lm
tests_scale_arming_SOURCES = tests/scale/arming.c tests/arm_rows.h \
	tests/arm_rows.c tests/redis_fixture.h tests/redis_fixture.c
tests_scale_arming_LDADD = libcollector.a libsensor.a librules.a libcommon.a \
	$(COLLECTOR_LIBS) $(SENSOR_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm

tests_scale_findings_SOURCES = tests/scale/findings.c \
	tests/finding_world.h tests/finding_world.c \
	tests/finding_world_state.h tests/finding_lines.c
tests_scale_findings_LDADD = $(LIBS_COLLECTOR)

.PHONY: scale
scale: patterncases leasewatch storefill framepush tests/bench/bench_retro
scale: tests/faults/fault_proxy
scale: tests/collector/share_drive $(SCALE_BINS) picket-sensor picket-collector picketctl
	@for t in $(SCALE_RUNS); do \
		name=`basename $$t .sh`; \
		case " $${SCALE:-$$name} " in *" $$name "*) ;; *) continue ;; esac; \
		echo "== $$t"; \
		srcdir='$(srcdir)' sh $(srcdir)/$$t || exit 1; \
	done
