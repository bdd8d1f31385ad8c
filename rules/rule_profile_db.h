/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_profile_db.h - the counters of a profile
 *
 * Internal: included by rule_profile.c and rule_matcher.h only.
 *
 * Place    beside rule_profile.
 * Threads  one for each matcher.
 * Memory   see rule_profile.h.
 * Cost     plain data.
 */
#ifndef RULES_RULE_PROFILE_DB_H
#define RULES_RULE_PROFILE_DB_H

#include "rules/rule_profile.h"
#include "rules/ruleset_db.h"

#define PROFILE_SAMPLE 16 /* one in so many is timed */
#define PROFILE_LINE 64 /* of the cache */
#define PROFILE_KINDS 3 /* enum inspect_kind */

/* Tries with one end: without a match, or with one. */
struct profile_time {
	uint64_t timed, ticks, most;
};

struct profile_cost {
	uint64_t checks, matches;
	struct profile_time miss, hit;
} __attribute__((aligned(PROFILE_LINE)));
STATIC_ASSERT(sizeof(struct profile_cost) == PROFILE_LINE, "a line a program");

/* Calls of one kind, and what finding their candidates took. */
struct profile_gather {
	uint64_t calls, candidates;
	struct profile_time time;
};

struct rule_profile {
	const struct ruleset *rs;
	/* Timed, but others ran meanwhile: left out of every sum. */
	uint64_t interrupted;
	long switches; /* of this thread to others, when last looked */
	struct profile_gather gather[PROFILE_KINDS];
	struct profile_cost of[]; /* by order of evaluation */
};

/*
 * Whether the try or call with this number, from 0, is timed: the first and one
 * in PROFILE_SAMPLE of the others.  Each rule counts for itself, and the steps
 * are uneven: rules that are always tried together, or a rule that matches
 * every other time, would be hit by an even step at the same place each time.
 */
static inline bool
profile_is_timed(uint64_t number)
{
	return (uint32_t)number * UINT32_C(0x9e3779b1) <=
	       UINT32_MAX / PROFILE_SAMPLE;
}

#define PROFILE_LONG 50000 /* ticks; the shortest that a pause may hide in */

/* Whether the thread had to wait since this was last asked. */
bool profile_was_interrupted(struct rule_profile *p);

static inline void
profile_time_add(struct rule_profile *p, struct profile_time *t, uint64_t ticks)
{
	if (UNLIKELY(ticks > PROFILE_LONG) && profile_was_interrupted(p)) {
		p->interrupted++;
		return;
	}
	t->timed++;
	t->ticks += ticks;
	t->most = MAX(t->most, ticks);
}

#endif
