/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_parse.h - one rule's text to one draft
 *
 * Place    above every rule_parse_*.c; below rule_compile.
 * Threads  one thread, while rules load.
 * Memory   what lasts is in the environment's arena.
 * Cost     cold.
 */
#ifndef RULES_RULE_PARSE_H
#define RULES_RULE_PARSE_H

#include "rules/rule_draft.h"

struct rule_draft *rule_draft_new(struct rule_env *env);
void rule_draft_free(struct rule_draft *r);

/*
 * Reads 'text' into 'r' and r->rule (new, in the arena).  On failure the diag
 * names the word and the mend.  r->skip: the rule asks for something that is
 * not there ("requires") and is to be left out.
 */
enum err rule_parse(struct rule_draft *r, struct view text,
		    struct diag *d) MUST_CHECK;

#endif
