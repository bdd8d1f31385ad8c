/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_kind.h - the kind of program a rule becomes, and what it is asked of
 *
 * Internal: included by rule_compile.c only.
 *
 * Place    above rule_shape; below rule_compile.
 * Threads  one thread, while rules load.
 * Memory   the draft's.
 * Cost     cold.
 */
#ifndef RULES_RULE_KIND_H
#define RULES_RULE_KIND_H

#include "rules/rule_shape.h"

/*
 * Sets in r->prog the kind (transaction, payload, packet, addresses alone),
 * whether raw content is looked for in packets, in the stream or in both, and
 * whether the rule speaks once.  Refuses what no kind can ask together.
 */
enum err rule_kind_choose(struct rule_draft *r,
			  const struct rule_shape *s) MUST_CHECK;

#endif
