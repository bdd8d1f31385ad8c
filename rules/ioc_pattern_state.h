/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_pattern_state.h - what patterns of several observations wait for
 *
 * Of each pattern the observations that satisfied one of its leaves are kept,
 * IOC_STATE_KEPT at most; then the oldest of those that satisfied the same
 * leaves gives way, so that a flood displaces itself.  A match is a choice of different observations, with the
 * newest among them, that does what operators and qualifiers ask (STIX 2.1,
 * 9.3 and 9.5).  It uses up all that is kept of its pattern.
 *
 * Place    above ioc_pattern_set.h; below shared_state.
 * Threads  one state, one thread.
 * Memory   16 bytes an observation, IOC_STATE_TOTAL of all patterns together.
 * Cost     a search of at most IOC_STATE_STEPS steps an observation.
 */
#ifndef RULES_IOC_PATTERN_STATE_H
#define RULES_IOC_PATTERN_STATE_H

#include "rules/ioc_pattern_set.h"

#define IOC_STATE_KEPT 1024
#define IOC_STATE_TOTAL ((uint64_t)1 << 20)
#define IOC_STATE_STEPS 20000

struct ioc_kept {
	uint64_t ts_us, leaves;
};

/* What is kept of one pattern, in the order of arrival. */
struct ioc_partial {
	struct ioc_kept *v;
	uint32_t n, cap;
};

struct ioc_state_counters {
	uint64_t kept; /* now */
	uint64_t evicted; /* gave way unused */
	uint64_t limited; /* searches that were given up */
	uint64_t no_memory;
};

struct ioc_pattern_state;

struct ioc_pattern_state *ioc_pattern_state_new(uint32_t n_stateful);
void ioc_pattern_state_free(struct ioc_pattern_state *s);
/*
 * An observation at 'ts_us' satisfied these leaves of 'p': whether that
 * completes a match.
 */
bool ioc_pattern_state_apply(struct ioc_pattern_state *s,
			     const struct ioc_prog *p, uint64_t leaves,
			     uint64_t ts_us);
/* 'to', which is empty, takes over what 'from' keeps of a pattern. */
void ioc_pattern_state_move(struct ioc_pattern_state *to, uint32_t to_state,
			    struct ioc_pattern_state *from,
			    uint32_t from_state);
struct ioc_state_counters
ioc_pattern_state_counters(const struct ioc_pattern_state *s);

/* ioc_pattern_search.c: whether 'q', whose last is new, has a match with it;
 * '*limited': it was given up. */
bool ioc_pattern_search(const struct ioc_prog *p, const struct ioc_partial *q,
			bool *limited);

#endif
