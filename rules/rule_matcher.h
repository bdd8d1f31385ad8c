/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_matcher.h - the inside of a matcher: one call's candidates and scratch
 *
 * Internal: included by rule_match.c, rule_gather.c, rule_shared.c, rule_hit.c
 * and rule_try*.c only.
 *
 * Place    above rule_state and ruleset_db; below rule_match.
 * Threads  one matcher per worker.
 * Memory   reserved by rule_matcher_new().
 * Cost     plain data.
 */
#ifndef RULES_RULE_MATCHER_H
#define RULES_RULE_MATCHER_H

#include "rules/ioc_pattern_match.h"
#include "rules/rule_facts.h"
#include "rules/rule_match.h"
#include "rules/rule_plan.h"
#include "rules/rule_profile_db.h"
#include "rules/rule_verify.h"
#include "rules/ruleset_db.h"
#include "rules/shared_claim.h"
#include "rules/shared_state.h"

#define MAX_INSTANCES 256 /* of one buffer that are looked at */
#define MAX_DATA 128 /* of one call's hits */

struct rule_matcher {
	const struct ruleset *rs;
	const struct rule_groups *groups;
	struct ioc_live_reader *live; /* NULL: none is armed */
	struct prefilter_scratch *scratch;
	struct verifier verifier;
	uint64_t *candidates, *summary; /* bit per program; per word of it */
	uint32_t n_words, n_summary;
	bool any; /* a candidate was added since rule_match() looked */
	bool gathered; /* for the call to come: rule_wants_...() has scanned */
	struct rule_plans plans;
	/* what candidates must be in; 'fits' NULL: anything */
	const uint64_t *fits, *fits_app, *fits_state;
	uint64_t *id_bits; /* what the prefilter has seen */
	struct prefilter_hit *ids;
	/* What the payload of a segment had of its flow's scans, one for its
	 * ports and one for its protocol, for the stream. */
	struct {
		uint64_t packet; /* as rule_look names it */
		struct view payload;
		uint8_t dir;
		struct {
			const struct rule_scan *of; /* NULL: none */
			uint32_t *ids;
			uint32_t n;
		} scan[2];
	} segment;
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
	bool swap; /* the rule at hand meets the packet turned round */
	const struct rule_list *raw_missed; /* its raw bytes that just failed */
	struct claim_buf claims;
	struct rule_datum data[MAX_DATA];
	uint32_t n_data, data_kept; /* kept: they belong to hits */
	struct ioc_matching *patterns; /* NULL: there are none */
	uint64_t facts_dropped; /* by the matchers before */
	struct shared_state *shared; /* NULL: claims go out with the hits */
	struct rule_profile *profile; /* NULL: nobody asked for it */
};

/* rule_gather.c: marks the programs that the call's bytes and facts suggest. */
void gather_packet(struct rule_matcher *m, const struct rule_look *l);
/* The flow's first flowbit was set: rules from 'order' on that ask for one. */
void gather_bits(struct rule_matcher *m, uint32_t order);
void gather_stream(struct rule_matcher *m, const struct rule_look *l);
/* Of the stream, those that wait for more of it. */
void gather_pending(struct rule_matcher *m);
void gather_tx(struct rule_matcher *m);

/* rule_try.c: verifies a candidate of a packet or of the stream. */
void try_plain(struct rule_matcher *m, const struct rule_prog *p);
/* rule_try_tx.c: of a transaction, or of the files in it. */
void try_tx(struct rule_matcher *m, const struct rule_prog *p);

/* rule_try_lists.c: whether the lists of 'p' match, each in its buffer. */
bool try_lists(struct rule_matcher *m, const struct rule_prog *p);
/* False when a list whose buffer is final, and with it the answer, does not
 * match: then 'p' never will in this transaction. */
bool try_settled(struct rule_matcher *m, const struct rule_prog *p);
/* The payload list alone, against the stream's window or the packet. */
bool try_payload(struct rule_matcher *m, const struct rule_prog *p,
		 const struct rule_list *l);

/* rule_hit.c: 'p' matched: leaves its state, and its hit if it has one. */
void hit_emit(struct rule_matcher *m, const struct rule_prog *p);

/* rule_shared.c: datasets and the rest that a rule asks beyond its flow. */
/* BUF_IP_SRC or BUF_IP_DST of this call; empty when it has none. */
struct view shared_addr_buffer(const struct rule_matcher *m,
			       enum inspect_buf b);
/* In front of a rule's lists; 'swap': it meets the packet turned round. */
void shared_begin(struct rule_matcher *m, bool swap);
void shared_list(struct rule_matcher *m, const struct rule_list *l);
/* The value that verify_list() left: asks the sets that never change, and
 * notes it for those that do. */
bool shared_value_ok(struct rule_matcher *m, const struct rule_list *l);
/* Gives 'hit' its notes and its claim; false when a claim that is settled
 * here does not hold, or has no room. */
bool shared_settle(struct rule_matcher *m, const struct rule_prog *p,
		   struct rule_hit *hit);

#endif
