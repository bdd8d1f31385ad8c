/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_check.h - contents that can never match where the rule looks for them
 *
 * Place    above rule_draft; below rule_compile.
 * Threads  one thread, while rules load.
 * Memory   what it changes is copied to the set's arena.
 * Cost     cold.
 */
#ifndef RULES_RULE_CHECK_H
#define RULES_RULE_CHECK_H

#include "rules/rule_draft.h"

/*
 * Refuses contents that dsize, bsize or the form of the buffer shut out, and
 * writes hashes and serials in the case that their buffer has.
 */
enum err rule_check(struct rule_draft *r) MUST_CHECK;

#endif
