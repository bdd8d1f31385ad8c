/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blind_overload.h - whom a sensor did not see while it was overloaded
 *
 * A sensor that cannot keep up gives up traffic by the priority of addresses
 * (ledger_overload.h).  Of a flow the more important end counts, so what was
 * given up of priority 3 is missing of assets with priority 3, 4 and 5, and of
 * none above: one number says whose it was.
 *
 * Place    above common/ledger.h; below blind and store_blind.
 * Threads  values.
 * Memory   the caller's.
 * Cost     some comparisons; a priority, one for each network told.
 */
#ifndef COLLECTOR_BLIND_OVERLOAD_H
#define COLLECTOR_BLIND_OVERLOAD_H

#include "common/ledger.h"

/* An asset's priority: 1 to LEDGER_PRIORITIES, or why it is not known.  Those
 * miss whatever anybody misses. */
#define BLIND_PRIORITY_UNTOLD 6 /* the sensor says nothing of priorities */
#define BLIND_PRIORITY_CUT 7 /* it has more networks than it tells */

/* From which priority on something is missing; of everybody, of nobody. */
#define BLIND_EVERYBODY 1
#define BLIND_NOBODY 8

/* Packets by priority from 1 on, as one ledger sums them up. */
struct blind_given_up {
	uint64_t all[LEDGER_PRIORITIES]; /* all of the flow */
	/* Of encrypted and of very large flows. */
	uint64_t payload[LEDGER_PRIORITIES];
	uint64_t passed; /* events, whoever's */
};

struct blind_overload {
	/* When it was last so; 0: it was not. */
	uint64_t all_us[LEDGER_PRIORITIES], payload_us[LEDGER_PRIORITIES];
	uint64_t passed_us;
	/* Of the interval that is open. */
	unsigned all_from, payload_from;
};

struct blind_given_up blind_given_up_of(const struct ledger *l);

/* At 'at_us' it is known that 's' was given up, of which 'p' before. */
void blind_overload_mark(struct blind_overload *o,
			 const struct blind_given_up *s,
			 const struct blind_given_up *p, uint64_t at_us);
/* Of whom something was missing less than 'window_us' before 'now_us'. */
void blind_overload_from(const struct blind_overload *o, uint64_t now_us,
			 uint64_t window_us, unsigned *all_from,
			 unsigned *payload_from);
/* What is not seen in the open interval, and how much was given up between 'p'
 * and 's', in words; 'cap' is 80 at the least. */
void blind_overload_describe(const struct blind_overload *o,
			     const struct blind_given_up *s,
			     const struct blind_given_up *p, char *out,
			     size_t cap);

/*
 * The priority that 'net' of the mission map, whose asset is so critical (0 to
 * 100), has at the sensor that told 'o': of the networks there that hold it,
 * the map's own among them when the sensor has a map, the longest counts.
 * Where parts of it have another priority, the least important.
 */
unsigned blind_priority(const struct ledger_overload *o, const struct cidr *net,
			unsigned criticality);
/* Whether both give each network the same. */
bool blind_priorities_same(const struct ledger_overload *a,
			   const struct ledger_overload *b);

#endif
