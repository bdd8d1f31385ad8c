/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_matcher.h - the inside of a matcher: one call's candidates and scratch
 *
 * Internal: included by rule_match.c, rule_gather.c and rule_try.c only.
 *
 * Place    above rule_state and ruleset_db; below rule_match.
 * Threads  one matcher per worker.
 * Memory   reserved by rule_matcher_new().
 * Cost     plain data.
 */
#ifndef RULES_RULE_MATCHER_H
#define RULES_RULE_MATCHER_H

#include "rules/rule_facts.h"
#include "rules/rule_match.h"
#include "rules/rule_verify.h"
#include "rules/ruleset_db.h"

#define MAX_INSTANCES 256 /* of one buffer that are looked at */

struct rule_matcher {
	const struct ruleset *rs;
	const struct rule_groups *groups;
	struct prefilter_scratch *scratch;
	struct verifier verifier;
	uint64_t *candidates, *summary; /* bit per program; per word of it */
	uint32_t n_words, n_summary;
	uint64_t *id_bits; /* what the prefilter has seen */
	uint32_t *ids;
	struct rule_matcher_stats stats;

	/* of the present call */
	struct inspect *in;
	struct rule_hits *out;
	struct call_facts facts;
	struct rule_flow *flow;
	struct rule_tx *tx;
	bool passed;
	/* captured for alerts */
	struct note context[NOTES_MAX];
	uint32_t n_context;
};

/* rule_gather.c: marks the programs that the call's bytes and facts suggest. */
void gather_packet(struct rule_matcher *m);
/* The flow's first flowbit was set: rules from 'order' on that ask for one. */
void gather_bits(struct rule_matcher *m, uint32_t order);
void gather_stream(struct rule_matcher *m);
void gather_tx(struct rule_matcher *m);

/* rule_try.c: verifies one candidate, leaves its state and its hit. */
void try_plain(struct rule_matcher *m, const struct rule_prog *p);
void try_tx(struct rule_matcher *m, const struct rule_prog *p);

#endif
