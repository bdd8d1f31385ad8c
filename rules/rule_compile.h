/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_compile.h - a draft to the one or two programs that do it
 *
 * Checks what only the whole rule shows (buffers of both directions,
 * protocols that exclude each other), picks the literal that will make the
 * rule a candidate, and settles what an evaluation waits for.
 *
 * Place    above rule_draft; below rule_group and ruleset.
 * Threads  one thread, while rules load.
 * Memory   programs are the arena's.
 * Cost     cold.
 */
#ifndef RULES_RULE_COMPILE_H
#define RULES_RULE_COMPILE_H

#include "rules/rule_draft.h"

/* Sets progs[0] and, when the rule has a second direction, progs[1]. */
enum err rule_compile(struct rule_draft *r, struct rule_prog *progs[2],
		      struct diag *d) MUST_CHECK;

#endif
