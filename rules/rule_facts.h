/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_facts.h - a rule's header, flow and number tests against one call
 *
 * Place    above rule_state; below rule_match.
 * Threads  pure.
 * Memory   none.
 * Cost     a few compares; addresses by binary search.
 */
#ifndef RULES_RULE_FACTS_H
#define RULES_RULE_FACTS_H

#include "rules/rule_state.h"

/* What every candidate of a call asks, worked out once. */
struct call_facts {
	unsigned __int128 src, dst;
	uint8_t proto; /* enum prog_proto */
	uint8_t version; /* 1: v4, 2: v6 */
};

void call_facts_of(const struct inspect *in, struct call_facts *f);

/* Protocol, addresses, ports and flow words; 'swap': against the packet's
 * direction. */
bool facts_header(const struct rule_prog *p, const struct inspect *in,
		  const struct call_facts *c, bool swap);
/* Numbers, flags, events, protocols and flow variables. */
bool facts_tests(const struct rule_prog *p, const struct inspect *in,
		 const struct rule_flow *flow);
bool facts_bits(const struct rule_prog *p, const struct inspect *in,
		const struct rule_flow *flow);

#endif
