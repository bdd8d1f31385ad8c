# SPDX-License-Identifier: Apache-2.0
# A library to preload that makes calls fail; see its head.
check_DATA += tests/faults/failing_io.so
CLEANFILES += tests/faults/failing_io.so
EXTRA_DIST += tests/faults/failing_io.c
tests/faults/failing_io.so: tests/faults/failing_io.c
	$(AM_V_CC)$(MKDIR_P) tests/faults && $(CC) -D_GNU_SOURCE -std=gnu11 \
		-Wall -Wextra -O2 -g -fPIC -shared \
		-o $@ $(srcdir)/tests/faults/failing_io.c -ldl
