/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_profile.h - what each rule cost
 *
 * A matcher that is told to keeps a count for each program: how often it was
 * tried, how often it matched, and how long that took.  Every try is counted;
 * a rule's first and one in PROFILE_SAMPLE of the others is timed, so that the
 * clock does not cost more than what it measures.  Looking for candidates is
 * measured too, call by call.
 *
 * Place    above ruleset_db; below rule_matcher.
 * Threads  one for each matcher; summed when no worker runs.
 * Memory   one line of counters a program, on the heap, from
 *          rule_profile_new() on.
 * Cost     a counter a try; two readings of the clock a timed one.
 */
#ifndef RULES_RULE_PROFILE_H
#define RULES_RULE_PROFILE_H

#include <stdio.h>
#include <time.h>

#include "common/json.h"

struct rule_profile;
struct ruleset;

/* Empty; NULL when out of memory. */
struct rule_profile *rule_profile_new(const struct ruleset *rs);
const struct ruleset *rule_profile_rules(const struct rule_profile *p);
void rule_profile_free(struct rule_profile *p);
/* Adds what 'from' has, of another worker or a former set, for the rules that
 * the set of 'to' has too. */
void rule_profile_add(struct rule_profile *to, const struct rule_profile *from);

/*
 * The rules that were tried, the most expensive first: a table of the first
 * 'limit' for people, or all for programs.  'ticks_per_us' is of the clock
 * below.  False when out of memory.
 */
bool rule_profile_print(const struct rule_profile *p, double ticks_per_us,
			uint32_t limit, FILE *out) MUST_CHECK;
bool rule_profile_json(const struct rule_profile *p, double ticks_per_us,
		       struct json *j) MUST_CHECK;

/* A clock that costs little: the processor's where it has one. */
static inline uint64_t
profile_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
	return t;
#else
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) +
	       (uint64_t)ts.tv_nsec;
#endif
}

#endif
