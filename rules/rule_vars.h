/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_vars.h - address and port groups by name, and the lists that use them
 *
 * Reads what stands before and behind a rule's arrow: "any", numbers, ranges,
 * "[a,!b]", "$NAME", each negated or nested.  Names are
 * vars.address-groups.NAME and vars.port-groups.NAME of the settings, with
 * Suricata's defaults where they are not set.
 *
 * Place    above range_set; below rule_parse.
 * Threads  one thread, while rules load.
 * Memory   sets are the arena's and shared by all rules that spell them alike.
 * Cost     each spelling is worked out once.
 */
#ifndef RULES_RULE_VARS_H
#define RULES_RULE_VARS_H

#include "common/conf.h"
#include "rules/range_set.h"

struct rule_vars;

struct rule_vars *rule_vars_new(const struct conf *conf, struct arena *a);
void rule_vars_free(struct rule_vars *v);

/* '*out' is NULL for "any".  ERR_FORMAT with diag when 'text' is no such
 * list, names an unknown group or leaves nothing to match. */
enum err rule_vars_addrs(struct rule_vars *v, struct view text,
			 const struct range_set **out,
			 struct diag *d) MUST_CHECK;
enum err rule_vars_ports(struct rule_vars *v, struct view text,
			 const struct range_set **out,
			 struct diag *d) MUST_CHECK;

#endif
