# SPDX-License-Identifier: Apache-2.0
# A library to preload that makes calls fail; see its head.
check_DATA += tests/faults/failing_io.so
CLEANFILES += tests/faults/failing_io.so
FAILING_IO = tests/faults/failing_io.c tests/faults/failing_rules.c
EXTRA_DIST += $(FAILING_IO) tests/faults/failing_rules.h
tests/faults/failing_io.so: $(FAILING_IO) tests/faults/failing_rules.h
	$(AM_V_CC)$(MKDIR_P) tests/faults && $(CC) -D_GNU_SOURCE -std=gnu11 \
		-Wall -Wextra -O2 -g -fPIC -shared \
		-o $@ $(FAILING_IO:%=$(srcdir)/%) -ldl

# Another, that sets a program's clock off.
check_DATA += tests/faults/clock_off.so
CLEANFILES += tests/faults/clock_off.so
EXTRA_DIST += tests/faults/clock_off.c
tests/faults/clock_off.so: tests/faults/clock_off.c
	$(AM_V_CC)$(MKDIR_P) tests/faults && $(CC) -D_GNU_SOURCE -std=gnu11 \
		-Wall -Wextra -O2 -g -fPIC -shared \
		-o $@ $(srcdir)/tests/faults/clock_off.c

# The spool on a disk whose power is cut.
check_PROGRAMS += tests/faults/power_cut
tests_faults_power_cut_SOURCES = tests/faults/power_cut.c tests/rnd.h
tests_faults_power_cut_LDADD = libsensor.a librules.a libcommon.a \
	$(SENSOR_LIBS) $(RULES_LIBS) $(COMMON_LIBS) -lm -ldl
DISK_FAULT_TESTS = tests/faults/power_cut.sh tests/faults/crash_points.sh \
	tests/faults/torture.sh
dist_check_SCRIPTS += $(DISK_FAULT_TESTS)
TESTS += $(DISK_FAULT_TESTS)

# All of it; LIMIT bounds the calls that fail of each kind.
torture: all tests/faults/failing_io.so tests/faults/power_cut
	for t in $(DISK_FAULT_TESTS); do \
		echo "== $$t" && srcdir='$(srcdir)' builddir='$(builddir)' \
			$(SHELL) $(srcdir)/$$t full || exit 1; \
	done
.PHONY: torture
