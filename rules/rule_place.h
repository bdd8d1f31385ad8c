/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_place.h - where in a set of groups a program belongs
 *
 * A place is a group's: a buffer of transactions, the streams or a class of
 * packets, in one direction.
 *
 * Place    rule_group's own: included by rule_group.c, rule_place.c and
 *          rule_bare.c.
 * Threads  one, while a set is built.
 * Memory   rule_bare_*() keep theirs in the group; rule_groups_fini() frees it.
 */
#ifndef RULES_RULE_PLACE_H
#define RULES_RULE_PLACE_H

#include "rules/rule_group.h"

/* Where in the set a group stands; says which programs belong to it. */
struct rule_place {
	enum {
		AT_TX,
		AT_TX_BARE,
		AT_STREAM,
		AT_PAYLOAD,
		AT_ALWAYS,
		AT_EVENT,
		AT_BITS,
		AT_FIRST
	} at;
	unsigned which; /* buffer, protocol or packet class */
	unsigned dir;
};

/* Whether 'p' is one of the programs of the group at 'at'. */
bool rule_belongs(const struct rule_prog *p, const struct rule_place *at);
/* The protocol of all packets of a group; 0 when it is not about packets. */
uint8_t rule_place_proto(const struct rule_place *at);

/* -- rule_bare.c: rules without a literal -- */

/* Moves those that an address tells apart from 'bare' into the group's
 * indexes. */
enum err rule_bare_index(struct rule_group *g, const struct rule_place *at,
			 struct rule_gather *bare) MUST_CHECK;
/* The others, as the group's list. */
enum err rule_bare_build(struct rule_group *g, const struct rule_place *at,
			 const struct rule_gather *bare,
			 struct diag *d) MUST_CHECK;

#endif
