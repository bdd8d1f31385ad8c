/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/drop_report.h"

#include <inttypes.h>

#include "common/clock.h"
#include "common/log.h"

static void
say_begun(struct drop_report *r, uint64_t seen, uint64_t dropped)
{
	log_warn("the kernel drops packets, as workers are behind: %" PRIu64
		 " of the last %" PRIu64,
		 dropped - r->dropped, seen - MIN(r->seen, seen));
}

static void
say_over(const struct drop_report *r)
{
	log_info("the kernel drops no more packets: %" PRIu64 " of %" PRIu64
		 " were dropped within %.1f s",
		 r->dropped - r->from_dropped,
		 r->seen - MIN(r->from_seen, r->seen),
		 (double)(r->last_us - r->began_us) / (double)US_PER_S);
}

void
drop_report(struct drop_report *r, uint64_t seen, uint64_t dropped,
	    uint64_t now_us)
{
	if (dropped > r->dropped) {
		if (!r->dropping) {
			say_begun(r, seen, dropped);
			r->from_seen = r->seen;
			r->from_dropped = r->dropped;
			r->began_us = now_us;
			r->dropping = true;
		}
		r->last_us = now_us;
	} else if (r->dropping && now_us - r->last_us >= DROP_REPORT_QUIET_US) {
		say_over(r);
		r->dropping = false;
	} else if (r->dropping) {
		return; /* what came in quiet is not of the loss */
	}
	r->seen = seen;
	r->dropped = dropped;
}
