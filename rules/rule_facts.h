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

#define FACTS_KNOWN 8 /* a power of two */

/* What every candidate of a call asks, worked out once; zeroed at first. */
struct call_facts {
	unsigned __int128 src, dst;
	uint32_t ports;
	uint8_t proto; /* enum prog_proto */
	uint8_t version; /* 1: v4, 2: v6 */
	/* Few sets stand in most rules, as variables: what was asked of them
	 * since the ends are these.  A set's address with the answer in the
	 * lowest bits. */
	uint64_t known[FACTS_KNOWN];
};

/* 'f' is of the call before. */
void call_facts_of(const struct inspect *in, struct call_facts *f);

/* Protocol, addresses and ports, and whose transaction it is: what stays so
 * while that lasts.  'swap': against the packet's direction. */
bool facts_lasting(const struct rule_prog *p, const struct inspect *in,
		   struct call_facts *c, bool swap);
/* Flow words, of this packet. */
bool facts_flow(const struct rule_prog *p, const struct inspect *in);
/* A number that 'p' asks for is known, will not change, and is another. */
bool facts_refused(const struct rule_prog *p, const struct inspect *in);
/* Numbers, flags, events, protocols and flow variables. */
bool facts_tests(const struct rule_prog *p, const struct inspect *in,
		 const struct rule_flow *flow);
bool facts_bits(const struct rule_prog *p, const struct inspect *in,
		const struct rule_flow *flow);

#endif
