/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_pattern_run.h - whether an observation satisfies what stands in brackets
 *
 * Place    above ioc_pattern_prog.h; below ioc_pattern_set.
 * Threads  one worker's scratch.
 * Memory   reserved by ioc_run_init().
 * Cost     linear in tests and facts; LIKE and MATCHES are bounded by steps,
 *          and a value that took more counts as one that does not match.
 */
#ifndef RULES_IOC_PATTERN_RUN_H
#define RULES_IOC_PATTERN_RUN_H

#include "rules/ioc_pattern_prog.h"

#define IOC_RUN_STEPS 100000 /* of all LIKE of one observation */
#define IOC_RUN_MATCH_LIMIT 20000 /* PCRE2's, of one MATCHES, at most */
/*
 * PCRE2 counts anew at each place where a match may begin, so that its limit
 * goes down with the value's length: all places together may take so many.  One
 * that is stopped may try harder, a few times for each observation; when many
 * were stopped, the rest of an observation's are not asked.
 */
#define IOC_RUN_MATCH_SUM 200000
#define IOC_RUN_MATCH_LEAST 50
#define IOC_RUN_HARD_SUM 2000000
#define IOC_RUN_HARD_LEAST 2000
#define IOC_RUN_HARD_TRIES 4
#define IOC_RUN_STOPPED 256
#define IOC_RUN_HEAP_KIB 1024 /* without its JIT */

struct ioc_run {
	struct observation *obs;
	pcre2_match_data *match_data;
	pcre2_match_context *context;
	pcre2_jit_stack *jit_stack;
	/* Of this observation: */
	uint32_t steps_left;
	uint32_t tries_left, stops_left; /* of MATCHES */
	uint64_t limited; /* tests that ran into a bound, ever */
};

/* A new observation may take as much as any. */
static inline void
ioc_run_begin(struct ioc_run *r)
{
	r->steps_left = IOC_RUN_STEPS;
	r->tries_left = IOC_RUN_HARD_TRIES;
	r->stops_left = IOC_RUN_STOPPED;
}

bool ioc_run_init(struct ioc_run *r) MUST_CHECK;
void ioc_run_fini(struct ioc_run *r);

/*
 * Whether all of 'leaf' is true of one object of r->obs, and something that it
 * takes is news.
 */
bool ioc_run_leaf(struct ioc_run *r, const struct ioc_prog *p,
		  const struct ioc_leaf *leaf);
/* STIX's LIKE: '%' any characters, '_' one.  '*steps' goes down; at 0: false. */
bool ioc_like(struct view text, struct view like, uint32_t *steps);

#endif
