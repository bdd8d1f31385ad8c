/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_order.h - what the spool holds, worst first
 *
 * Of what was not handed out yet, the oldest of the most severe class comes
 * first; within a class, order is kept.  So numbers overtake each other, by at
 * most SPOOL_ORDER_SPAN: whoever keeps book of what has arrived must be able
 * to.  Numbers that no class has are gaps, told once everything before them
 * was handed out.
 *
 * Place    above spool.h, below sender.h.
 * Threads  the spool's.
 * Memory   caller's.
 * Cost     reads each record once, and its head twice.
 */
#ifndef SENSOR_SPOOL_ORDER_H
#define SENSOR_SPOOL_ORDER_H

#include "sensor/spool.h"

/* As many as the collector can keep apart when every other one is missing
 * (DEDUPE_MAX_RANGES). */
#define SPOOL_ORDER_SPAN 131072

struct spool_order {
	/* Of each class the next to hand out; only its own place counts. */
	struct spool_cursor next[SPOOL_CLASSES];
	struct spool_cursor front; /* all below was handed out */
};

/* Numbers of class c below next[c] count as handed out; gaps are told again
 * from 'front' on. */
void spool_order_seek(struct spool_order *o, const uint64_t next[SPOOL_CLASSES],
		      uint64_t front);
/*
 * The next batch or gap; '*cls' is its class, SPOOL_CLASSES for a gap.  With
 * 'oldest', the first in order of numbers instead.  ERR_EOF when there is none
 * that is synced, ERR_IO when the system refuses: call again later.
 */
enum err spool_order_next(struct spool *s, struct spool_order *o, bool oldest,
			  struct spool_item *out, unsigned *cls) MUST_CHECK;
/* The first number that was not handed out, or not told as a gap. */
uint64_t spool_order_front(struct spool *s, struct spool_order *o);
/* Bytes handed out and not committed. */
uint64_t spool_order_held(struct spool *s, struct spool_order *o);

#endif
