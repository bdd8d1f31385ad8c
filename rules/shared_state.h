/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_state.h - what rules leave for other flows: xbits, hostbits, datasets
 *
 * Asked and changed where all workers' hits meet, in packet order, so that a
 * replay gives the same alerts with any number of workers.  Time is packet
 * time.
 *
 * Place    above ruleset_db; below rule_match and the sensor's sink.
 * Threads  one state, one thread.
 * Memory   host.memcap and ippair.memcap bound the bits, a set's memcap the
 *          values; nothing is reserved for what no loaded rule uses.
 * Cost     one hash a bit or value; a new value is a heap block.
 */
#ifndef RULES_SHARED_STATE_H
#define RULES_SHARED_STATE_H

#include "rules/ruleset.h"

struct shared_state;
struct shared_next;

struct shared_counters {
	uint64_t host_bits_evicted, pair_bits_evicted; /* before their end */
	uint64_t values_refused; /* a set had reached its memcap */
	/* Of STIX patterns: observations that wait for others, those that gave
	 * way to newer ones, and searches that took too many steps. */
	uint64_t patterns_kept, patterns_evicted, patterns_limited;
};

enum err shared_state_new(struct shared_state **out, const struct ruleset *rs,
			  const struct conf *conf, struct diag *d) MUST_CHECK;
void shared_state_free(struct shared_state *s);

/*
 * What 's' will need when claims come from 'rs', which will replace the set
 * that it works for.  Changes nothing, so that another thread may do this, as
 * long as no other set follows in between.
 */
enum err shared_next_new(struct shared_next **out, const struct shared_state *s,
			 const struct ruleset *rs, const struct conf *conf,
			 struct diag *d) MUST_CHECK;
void shared_next_free(struct shared_next *n);

/*
 * From now on claims come from the set of 'n', which is used up.  Bits stay,
 * and so do the values of sets that change in both, by name; those that ended
 * are saved.  Names of bits must have the same numbers in both.
 */
void shared_state_follow(struct shared_state *s, struct shared_next *n);

/*
 * The rest of a rule that matched: tests of bits, then of values, which may
 * add and remove, then changes of bits.  False when a test does not hold; then
 * nothing behind it is done.
 */
bool shared_state_apply(struct shared_state *s, const struct shared_claim *c);

/* Whether any set has "save" or "state". */
bool shared_state_saves(const struct shared_state *s);
/* Writes those; says in the log what failed. */
enum err shared_state_save(const struct shared_state *s) MUST_CHECK;
struct shared_counters shared_state_counters(const struct shared_state *s);

#endif
