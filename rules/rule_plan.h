/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_plan.h - all that the rules can ask of one direction of a flow
 *
 * What rules say of protocol, addresses and ports is settled by a flow's first
 * packet.  A plan is the answer: the programs whose header fits, and what of
 * a packet must be so before one of them can match.  Flows with the same
 * classes of ends share a plan; a flow remembers where its plan stands.
 *
 * Place    above rule_group.h; below rule_match.
 * Threads  one table of plans per matcher.
 * Memory   reserved by rule_plans_init(); when it is full all plans are
 *          dropped at once, and flows ask anew.
 * Cost     one compare for a flow that remembers; else a look-up by classes,
 *          and for new classes one pass over the rows.
 */
#ifndef RULES_RULE_PLAN_H
#define RULES_RULE_PLAN_H

#include "rules/rule_group.h"

#define RULE_PLANS_MAX 4096

/* What the plan's rules wait for in packets of one kind. */
struct rule_plan_packet {
	/* By whether the flow is established: literals to find anywhere, and
	 * at the front; NULL: there are none. */
	const struct rule_scan *far[2], *near[2];
	uint64_t apps; /* of those bound to protocols, a bit each */
	bool event, bits, first; /* rules that wait for these */
	/* Whether there is any type in... */
	bool has_types, has_payload_types, has_end_types;
	/* ...the types of packet for which rules without a literal are tried:
	 * always, when there is a payload, and for certain addresses. */
	struct type_set types, payload_types, end_types;
};

struct rule_plan {
	uint64_t classes; /* of the four ends */
	uint32_t rest; /* of what the plan is for: protocol, version, ... */
	uint8_t kind; /* enum packet_class; that of TCP is PACKET_TCP */
	bool stream_bare; /* rules that look at each news of the stream */
	const uint64_t *fits; /* bit per program */
	const struct rule_scan *stream_near, *stream_far; /* or NULL */
	uint64_t stream_apps;
	/* by whether the payload is in the stream as well */
	struct rule_plan_packet packet[2];
};

struct rule_plans {
	const struct rule_groups *groups;
	struct rule_plan *v;
	uint64_t *rows; /* of v[i].fits */
	uint32_t n, cap;
	uint32_t *slots; /* plan + 1, by hash */
	uint32_t mask;
	uint32_t serial; /* of what flows remember; never 0 */
};

bool rule_plans_init(struct rule_plans *p,
		     const struct rule_groups *groups) MUST_CHECK;
void rule_plans_fini(struct rule_plans *p);
/* What flows remember of the plans of 'old' is nothing to 'p'. */
void rule_plans_follow(struct rule_plans *p, const struct rule_plans *old);

/* Finds or makes the plan; the next call of this may drop it. */
const struct rule_plan *rule_plan_make(struct rule_plans *p,
				       const struct inspect_ends *ends,
				       uint32_t slot[2]);

/*
 * The plan of a direction; 'slot' is where its flow remembers it, 0 at first,
 * or NULL.  Good until the next call.
 */
static inline const struct rule_plan *
rule_plan_find(struct rule_plans *p, const struct inspect_ends *ends,
	       uint32_t slot[2])
{
	if (LIKELY(slot != NULL && slot[0] == p->serial)) {
		return &p->v[slot[1]];
	}
	return rule_plan_make(p, ends, slot);
}

/* Which kind of packet 'proto' makes; 'in_stream': a TCP segment with payload
 * that reassembly took. */
enum packet_class packet_class_of(uint8_t proto, bool in_stream);

#endif
