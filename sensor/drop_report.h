/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drop_report.h - that the kernel drops packets, told to the log
 *
 * One line when it begins, and one with all of it when nothing was dropped for
 * half a minute; so that there are no more than two lines in that time.
 *
 * Place    above log.h; below sensor_tick.c, which knows the counters.
 * Threads  one.
 * Memory   caller's, which begins with nothing but zeroes.
 * Cost     two comparisons.
 */
#ifndef SENSOR_DROP_REPORT_H
#define SENSOR_DROP_REPORT_H

#include "common/base.h"

#define DROP_REPORT_QUIET_US UINT64_C(30000000)

struct drop_report {
	uint64_t seen, dropped; /* as of the last look */
	uint64_t from_seen, from_dropped; /* before it began */
	uint64_t began_us, last_us; /* of the drops */
	bool dropping;
};

/* 'seen' and 'dropped' packets, of all interfaces since the start; rising. */
void drop_report(struct drop_report *r, uint64_t seen, uint64_t dropped,
		 uint64_t now_us);

#endif
