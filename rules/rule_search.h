/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_search.h - find one content in some bytes
 *
 * Place    above rule_prog.h.
 * Threads  pure.
 * Memory   none.
 * Cost     linear in 'data', whatever the bytes.
 */
#ifndef RULES_RULE_SEARCH_H
#define RULES_RULE_SEARCH_H

#include "rules/rule_prog.h"

/* Offset of the first occurrence at or behind 'from'; -1 when there is none. */
int64_t rule_find(const struct content *c, bool nocase, struct view data,
		  size_t from);
/* Whether the content stands exactly at 'at'. */
bool rule_find_at(const struct content *c, bool nocase, struct view data,
		  size_t at);

#endif
