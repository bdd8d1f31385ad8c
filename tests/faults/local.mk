# SPDX-License-Identifier: Apache-2.0
# A library to preload that makes calls fail; see its head.
check_DATA += tests/faults/failing_io.so
CLEANFILES += tests/faults/failing_io.so
EXTRA_DIST += tests/faults/failing_io.c
tests/faults/failing_io.so: tests/faults/failing_io.c
	$(AM_V_CC)$(MKDIR_P) tests/faults && $(CC) -D_GNU_SOURCE -std=gnu11 \
		-Wall -Wextra -O2 -g -fPIC -shared \
		-o $@ $(srcdir)/tests/faults/failing_io.c -ldl

# The spool on a disk whose power is cut.
check_PROGRAMS += tests/faults/power_cut
tests_faults_power_cut_SOURCES = tests/faults/power_cut.c tests/rnd.h
tests_faults_power_cut_LDADD = libsensor.a librules.a libcommon.a \
	$(SENSOR_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm -ldl
FAULT_TESTS = tests/faults/power_cut.sh tests/faults/crash_points.sh
dist_check_SCRIPTS += $(FAULT_TESTS)
TESTS += $(FAULT_TESTS)
