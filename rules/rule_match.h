/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_match.h - candidates and inspect in, hits out
 *
 * Place    top of rules/; called by the sensor's worker.
 * Threads  one matcher per worker; the ruleset is shared and read only.
 * Memory   all scratch is reserved by rule_matcher_new(); flow and
 *          transaction state come from in->pool, bounded per flow.
 * Cost     rule_match() does not allocate from the heap, lock, log or print.
 */
#ifndef RULES_RULE_MATCH_H
#define RULES_RULE_MATCH_H

#include "rules/rule_notes.h"
#include "rules/ruleset.h"
#include "rules/shared_state.h"

struct rule_matcher;
struct rule_profile;

struct rule_matcher *rule_matcher_new(const struct ruleset *rs);
void rule_matcher_free(struct rule_matcher *m);
const struct ruleset *rule_matcher_rules(const struct rule_matcher *m);
/* The counters of 'old', which 'm' replaces, go on in 'm'; what flows remember
 * of the plans of 'old' means nothing to it. */
void rule_matcher_follow(struct rule_matcher *m,
			 const struct rule_matcher *old);

/*
 * From now on hits with a claim are settled in 's' at once, instead of where
 * all workers' hits meet: for one worker alone, when ruleset_undivided().
 */
void rule_matcher_settle(struct rule_matcher *m, struct shared_state *s);

/*
 * What of a packet, or of new bytes of a stream, decides whether any rule
 * could match: all that is asked before a struct inspect is worth filling in.
 */
struct rule_look {
	struct inspect_ends ends; /* turned to ends.dir */
	uint8_t type; /* TCP's flags, ICMP's type, 0 for all others */
	bool in_stream; /* the payload was taken by stream reassembly */
	bool established; /* as in struct inspect_flow */
	bool first; /* of its flow and direction, or there is no flow */
	bool has_events; /* decoder or stream events of this packet */
	uint8_t app; /* enum app_proto of the flow */
	struct view payload; /* the packet's, or the stream's window */
	uint32_t seen; /* of the window: scanned by former calls */
	uint64_t offset; /* of the window, in the stream */
	uint64_t packet; /* a number of the packet in hand's own, so that its
			  * bytes need not be scanned again as the stream's; 0:
			  * there is no packet */
	struct rule_flow **state; /* the flow's; NULL: there is no flow */
	uint32_t *plan; /* two words of the matcher's in the flow, a pair each
			 * direction: 0 at first, and when the flow is turned
			 * round; or NULL */
};

/*
 * Whether rule_match() has anything to do for this packet, or for these bytes
 * of the stream.  If so it must be the next call, with an inspect of the same
 * packet or bytes: what was found in them is kept for it.  If not, it need
 * not be called.  A packet is asked for even when it was not filled in.
 */
bool rule_wants_packet(struct rule_matcher *m, const struct rule_look *l);
bool rule_wants_stream(struct rule_matcher *m, const struct rule_look *l);

/*
 * Appends to 'out' every rule that matches 'in' and did not match this
 * transaction (or this part of the stream) before.  Applies flowbits and
 * pass rules; thresholds are the sink's (threshold.h), because they count
 * across workers, and so are claims (shared_state.h), which belong to
 * silent hits too.  Claims and notes are good until the next call.
 */
void rule_match(struct rule_matcher *m, struct inspect *in,
		struct rule_hits *out);

/*
 * Appends what patterns say of a flow that is over: 'in' has its last facts
 * (INSPECT_PACKET, turned to the server) and its sums.
 */
void rule_match_end(struct rule_matcher *m, const struct inspect *in,
		    struct rule_hits *out);

/*
 * Counts and times the rules from now on; nothing when that is done already.
 * False when out of memory.
 */
bool rule_matcher_profile(struct rule_matcher *m) MUST_CHECK;
/* What was counted, also of the sets before; NULL: was not asked for. */
const struct rule_profile *rule_matcher_costs(const struct rule_matcher *m);

/* Release what rule_match() left in a flow's or transaction's slot. */
void rule_flow_free(struct rule_flow *f, struct pool *pool);
void rule_tx_free(struct rule_tx *t, struct pool *pool);

#define RULE_META_BITS 64
#define RULE_META_INTS 64

/* What rules remember of a flow, as EVE's metadata shows it. */
struct rule_metadata {
	const char *bits[RULE_META_BITS]; /* flowbits that are set */
	struct {
		const char *name;
		uint32_t value;
	} ints[RULE_META_INTS];
	uint32_t n_bits, n_ints;
	const struct notes *notes; /* NULL: none */
	const char *const *names; /* of notes, by number */
};

/* Fills 'out', which borrows from 'rs' and 'f'; 'f' may be NULL. */
void rule_metadata_of(const struct ruleset *rs, const struct rule_flow *f,
		      struct rule_metadata *out);

/* Whether a pass rule silenced the whole flow; 'f' may be NULL. */
bool rule_flow_passed(const struct rule_flow *f);

struct rule_matcher_stats {
	uint64_t calls, candidates, verified, hits;
	uint64_t
		pcre_limit; /* match limit, JIT stack: counted, not "no match" */
	uint64_t pattern_facts_dropped; /* observations had no room for */
	uint64_t step_limit; /* a list took too many steps or too much search */
	uint64_t prefilter_linear; /* blocks: see struct prefilter_work */
	uint64_t pending_full;
};
const struct rule_matcher_stats *
rule_matcher_stats(const struct rule_matcher *m);

#endif
