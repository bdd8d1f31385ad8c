/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_need.h - what a list cannot match without, cheapest question first
 *
 * A list's tests are tried in their order, each from where the one before
 * left off.  Most candidates fail, and most of these because something is
 * nowhere in the buffer at all; that is asked first, in the order of what it
 * costs and of how rarely it is there.
 *
 * Internal: included by rule_compile.c only.
 *
 * Place    above rule_search; below rule_compile.
 * Threads  one thread, while rules load.
 * Memory   the ruleset's arena.
 * Cost     cold.
 */
#ifndef RULES_RULE_NEED_H
#define RULES_RULE_NEED_H

#include "rules/rule_draft.h"

/* Sets l->needs and what else can be told of the list.  'known': the bytes of
 * the content whose presence made the rule a candidate, which is not asked for
 * again; or empty. */
enum err rule_need_choose(struct rule_draft *r, struct rule_list *l,
			  struct view known) MUST_CHECK;
/* Of a program whose lists and tests are chosen: what holds for all of them. */
void rule_need_settle(struct rule_prog *p, const struct rule_list *lists,
		      const struct test *tests);

#endif
