/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overload.h - what a worker gives up when it cannot keep up
 *
 * A worker that falls behind loses packets in any case; unless it chooses, the
 * kernel does, blindly.  Here it chooses, in levels that the settings make:
 *
 *   0          nothing is given up
 *   1          the payload of encrypted and of very large flows, but not of
 *              the most important addresses
 *   2 and on   all of the flows of the least important addresses, then of
 *              the next, up to but not with the most important
 *   the last   the payload of the encrypted and very large flows of these
 *
 * Who has no priorities has one level: the payload of all such flows.  The
 * level follows the fill of the capture buffers: up step by step, down one at
 * a time after some calm.
 *
 * Place    above flow.h and asset_priority.h; below worker.
 * Threads  the settings are read only; the state is one worker's.
 * Memory   caller's.
 * Cost     nothing at level 0; a flow's priority is looked up once, and only
 *          when a level asks for it.
 */
#ifndef SENSOR_OVERLOAD_H
#define SENSOR_OVERLOAD_H

#include "sensor/asset_priority.h"
#include "sensor/flow.h"

#define OVERLOAD_MAX_LEVELS (PRIORITY_LAST + 2)
#define OVERLOAD_FULL 1000 /* of a capture buffer's fill */

struct overload_conf {
	bool enabled;
	/* Fill, of OVERLOAD_FULL: at the first one level more, at the second
	 * even while the buffer empties; below the third, one less. */
	unsigned start, urgent, stop;
	uint64_t step_us; /* at the least between two levels up */
	uint64_t calm_us; /* and down: all the time below 'stop' */
	uint64_t elephant_bytes; /* a flow above is very large */
	uint64_t elephant_keep; /* of a direction, always inspected */
	uint8_t default_priority; /* of what the table does not name */
	struct asset_priorities *table;
	bool missions; /* of it, some are of a mission map */
	/* By level: flows from this priority on lose the payload of encrypted
	 * and large ones, and all; above PRIORITY_LAST: none does. */
	struct {
		uint8_t payload, all;
	} level[OVERLOAD_MAX_LEVELS];
	unsigned n_levels; /* with level 0 */
};

/* Fills in 'level' by the priorities in use: a bit for each. */
void overload_make_levels(struct overload_conf *c, unsigned used);

enum overload_shed {
	SHED_ENCRYPTED, /* payload */
	SHED_ELEPHANT, /* payload */
	SHED_PRIORITY_1, /* all, by priority; this one never */
	SHED_PRIORITY_2,
	SHED_PRIORITY_3,
	SHED_PRIORITY_4,
	SHED_PRIORITY_5,
	SHED_REASONS,
	SHED_NONE = SHED_REASONS
};

/* "encrypted", "elephant", "priority_1" ... */
const char *overload_shed_name(enum overload_shed s);

/* Of one priority, a part of what it sends; times are the packets'. */
struct overload_span {
	uint64_t frames; /* of a tunnel's, each packet in it */
	uint64_t since_us, last_us; /* of the latest overload that took any */
	uint64_t spell; /* which that was */
};

struct overload_counters {
	struct {
		uint64_t packets, bytes; /* frames, as long as on the wire */
		uint64_t flows;
	} shed[SHED_REASONS];
	struct overload_span payload[PRIORITY_LAST + 1]; /* by priority */
	struct overload_span all[PRIORITY_LAST + 1];
	uint64_t spells; /* times that level 0 was left */
	uint64_t raised, lowered; /* times the level changed */
	uint64_t overloaded_us; /* time above level 0 */
	unsigned highest; /* level so far */
};

struct overload {
	const struct overload_conf *conf; /* NULL: nothing is ever given up */
	uint8_t level;
	unsigned fill; /* as told last */
	uint64_t gauged_us; /* when it was told */
	uint64_t changed_us; /* when the level did */
	uint64_t calm_since_us; /* fill below 'stop' since; 0: it is not */
	struct overload_counters count;
};

/*
 * The fill of the fullest capture buffer is 'fill' of OVERLOAD_FULL (which is
 * also what a packet that was dropped comes to).  'now_us': any clock that does
 * not jump.
 */
void overload_gauge(struct overload *o, unsigned fill, uint64_t now_us);

/*
 * What 'f' gives up of a packet that goes 'dir', at a level above 0.
 * 'encrypted': both its ends encrypt by now.  Notes the priority in the flow.
 */
enum overload_shed overload_verdict(const struct overload *o, struct flow *f,
				    enum flow_dir dir, bool encrypted);
/* One more packet of 'f', of this time, that gives it up; the frame is the
 * caller's to count, once. */
void overload_count(struct overload *o, struct flow *f, enum overload_shed s,
		    uint32_t frames, uint64_t bytes, uint64_t ts_us);

static inline bool
overload_sheds_all(enum overload_shed s)
{
	return s >= SHED_PRIORITY_1 && s <= SHED_PRIORITY_5;
}

#endif
