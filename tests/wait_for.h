/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait_for.h - waits for a condition rather than for a time
 *
 * A machine may be ten times slower than the one a test was written on, and run
 * much else: give the seconds after which something is broken on a machine of
 * its own, not those it takes.
 */
#ifndef TESTS_WAIT_FOR_H
#define TESTS_WAIT_FOR_H

#include <unistd.h>

#include "common/clock.h"

/* How many times the seconds given are waited before the test fails. */
#define WAIT_PATIENCE 6

/* Fails the test, saying for what it waited. */
#define wait_for(seconds, condition) \
	do { \
		uint64_t end_ = \
			clock_mono_us() + WAIT_PATIENCE * (seconds)*US_PER_S; \
\
		while (!(condition)) { \
			if (clock_mono_us() > end_) { \
				fail_msg("waited %d s for: %s", \
					 WAIT_PATIENCE *(int)(seconds), \
					 #condition); \
			} \
			usleep(5000); \
		} \
	} while (0)

#endif
