/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_search.h - find one content in some bytes
 *
 * Two bytes of the content, the rarest that it has, are looked for at once
 * at as many places as the processor has lanes; only where both stand are
 * the others compared.  Bytes made so that this happens everywhere are
 * searched by an algorithm that no input slows down.
 *
 * Place    above rule_prog.h.
 * Threads  pure; rule_find_use() belongs to tests and benches.
 * Memory   none.
 * Cost     linear in 'data', whatever the bytes.
 */
#ifndef RULES_RULE_SEARCH_H
#define RULES_RULE_SEARCH_H

#include "rules/rule_prog.h"

/* Offset of the first occurrence at or behind 'from'; -1 when there is none.
 * 'c' is as rule_find_prepare() left it. */
int64_t rule_find(const struct content *c, bool nocase, struct view data,
		  size_t from);
/* Whether the content stands exactly at 'at'. */
bool rule_find_at(const struct content *c, bool nocase, struct view data,
		  size_t at);

/* Chooses the bytes of 'c' that rule_find() looks for; 'c' has its bytes and,
 * without case, KMP's table. */
void rule_find_prepare(struct content *c, bool nocase);

/* How often the bytes that rule_find() looks for come in traffic: higher is
 * more often, and only the order means something. */
int rule_find_rank(const struct content *c, bool nocase);

enum find_path {
	FIND_PORTABLE,
	FIND_SSE2,
	FIND_AVX2,
	FIND_AVX512,
	FIND_NEON,
	FIND_PATHS,
};

/* Makes rule_find() use 'path', the best at start; false, and no change, when
 * this processor has not got it. */
bool rule_find_use(enum find_path path);
const char *rule_find_name(enum find_path path);

#endif
