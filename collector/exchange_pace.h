/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_pace.h - how many bundles of one party are applied, and whose turn
 * it is
 *
 * Each leaves a record in the audit log, which keeps all, and a commit: so who
 * sends small ones without end gets EXCHANGE_PACE_BURST of them at once, and
 * from then on EXCHANGE_PACE_S a second.  What is beyond waits; its sender makes
 * fewer and larger ones meanwhile.
 *
 * Place    on its own; below the pipeline.
 * Threads  the caller's.
 * Memory   the caller's; zeroed is new.
 * Cost     a few comparisons.
 */
#ifndef COLLECTOR_EXCHANGE_PACE_H
#define COLLECTOR_EXCHANGE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define EXCHANGE_PACE_BURST 4096
#define EXCHANGE_PACE_S 4

struct exchange_pace {
	uint64_t used; /* of the burst */
	uint64_t at_us; /* monotonic: up to when some were given back */
};

/* Whether one more may be applied at 'now_us' (monotonic). */
bool exchange_pace_may(struct exchange_pace *p, uint64_t now_us);
/* One was. */
void exchange_pace_count(struct exchange_pace *p);

/* Who is first in the next slice of time, when this one was spent after
 * 'served' parties from 'first' on, of 'n': nobody waits longer than it takes
 * to serve each of the others once. */
unsigned exchange_pace_first(unsigned first, unsigned served, unsigned n);

#endif
