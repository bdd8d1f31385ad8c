/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fast_pattern.h - the literal of a rule that is looked for first
 *
 * Internal: included by rule_compile.c only.
 *
 * The content that fast_pattern names, else the one that is found least often:
 * long, of bytes that are not everywhere, in a buffer that says something.
 *
 * Place    above rule_draft; below rule_compile.
 * Threads  one thread, while rules load.
 * Memory   the views it sets lie in the set's arena.
 * Cost     cold.
 */
#ifndef RULES_FAST_PATTERN_H
#define RULES_FAST_PATTERN_H

#include "rules/rule_draft.h"

/*
 * Sets p->fast and what belongs to it; p->fast_list stays -1 when no content
 * will do.  'numbers' maps a list of the draft to its place in 'lists', the
 * program's; -1: not there.
 */
void fast_pattern_choose(const struct rule_draft *r, struct rule_prog *p,
			 const struct rule_list *lists,
			 const int8_t numbers[RULE_MAX_LISTS]);

#endif
