/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor.h - which handshakes are told of, so that clocks can be compared
 *
 * Two taps that see the same handshakes know by how much their clocks differ,
 * if both tell of the same ones.  Which these are follows from the sequence
 * numbers alone: of a level, those whose mixed number ends in so many zero
 * bits.  A sensor that tells too often goes up a level, which halves what it
 * picks; what a busy sensor picks a quiet one picks too.
 *
 * Place    above common/trace.h; below worker.
 * Threads  one worker's.
 * Memory   none but the struct.
 * Cost     a few instructions a handshake.
 */
#ifndef SENSOR_ANCHOR_H
#define SENSOR_ANCHOR_H

#include "common/trace.h"

#define ANCHOR_LEVELS 24
#define ANCHOR_ROOM 256 /* told at once, at most, of one level */
#define ANCHOR_PER_S 4 /* and for long */

struct anchor_pace {
	uint64_t from_us; /* up to when 'room' was filled up; 0: new */
	uint32_t room;
	uint8_t level;
};

/*
 * Whether the handshake of these initial sequence numbers, seen at 'us' of the
 * packets' clock, is to be told of; it counts as told then.
 */
static inline bool
anchor_take(struct anchor_pace *a, uint32_t client, uint32_t server,
	    uint64_t us)
{
	uint64_t h = trace_connection(client, server);
	uint64_t add;

	if (a->from_us == 0) {
		*a = (struct anchor_pace){ us, ANCHOR_ROOM, 0 };
	}
	add = us > a->from_us ? (us - a->from_us) * ANCHOR_PER_S / 1000000 : 0;
	if (add > 0) {
		a->from_us = us;
		a->room =
			(uint32_t)MIN(a->room + add, (uint64_t)2 * ANCHOR_ROOM);
	}
	if (a->room == 2 * ANCHOR_ROOM && a->level > 0) {
		a->level--;
		a->room = ANCHOR_ROOM;
	}
	if ((h & ((UINT64_C(1) << a->level) - 1)) != 0 || a->room == 0) {
		return false;
	}
	if (--a->room == 0 && a->level < ANCHOR_LEVELS) {
		a->level++;
		a->room = ANCHOR_ROOM / 2;
	}
	return true;
}

#endif
