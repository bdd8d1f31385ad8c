/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tap_clock.h"

bool
tap_clock_is_foreign(const char *timestamp)
{
	return strncmp(timestamp, "host", 4) != 0;
}

void
tap_clock_reset(struct tap_clock *c, bool watched)
{
	*c = (struct tap_clock){ .watched = watched };
}

static void
shift(struct batch_frames *b, int64_t us)
{
	for (uint32_t i = 0; i < b->n; i++) {
		b->frame[i].ts_us += (uint64_t)us;
	}
}

void
tap_clock_check(struct tap_clock *c, struct batch_frames *b, uint64_t wall_us,
		uint64_t mono_us, uint64_t hold_us)
{
	bool bounded = c->empty_us != 0;
	int64_t first, last, least, most = (int64_t)wall_us;

	if (!c->watched || b->n == 0) {
		return;
	}
	first = (int64_t)b->frame[0].ts_us;
	last = (int64_t)b->frame[b->n - 1].ts_us;
	least = most - (int64_t)(mono_us - c->empty_us + hold_us);
	if (!c->off && last <= most + TAP_CLOCK_FAR_US &&
	    (!bounded || first >= least - TAP_CLOCK_FAR_US)) {
		return;
	}
	if (bounded && first >= least && last <= most) {
		c->off = false; /* somebody has set it right */
		c->shift_us = 0;
		return;
	}
	c->off = true;
	if (last + c->shift_us > most) {
		c->shift_us = most - last;
	} else if (bounded && first + c->shift_us < least) {
		c->shift_us = MIN(least - first, most - last);
	}
	shift(b, c->shift_us);
}
