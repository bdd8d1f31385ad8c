/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_search_path.h - the loops of rule_search, one for each processor
 *
 * Internal: included by rule_search*.c only.
 *
 * Place    beside rule_search.
 * Threads  pure.
 * Memory   none.
 * Cost     see rule_search.h.
 */
#ifndef RULES_RULE_SEARCH_PATH_H
#define RULES_RULE_SEARCH_PATH_H

#include "rules/rule_search.h"

/* Where the search for a content begins, and what it may cost. */
struct find_job {
	const struct content *c;
	const uint8_t *p;
	size_t n; /* places: the content fits behind each */
	bool nocase;
	/* Bytes that may still be compared in vain; below zero the search is
	 * for one that no input slows down. */
	int64_t budget;
};

/*
 * The first place of [0, j->n) where the content stands; j->n when there is
 * none.  When the budget is used up, a place before which there is none.
 */
typedef size_t find_fn(struct find_job *j);

/* NULL where this build or this processor has none. */
find_fn *find_best_x86(enum find_path path);
find_fn *find_best_arm(enum find_path path);

/* The content's 'len' bytes at 'p', which are there. */
bool find_equal(const struct content *c, bool nocase, const uint8_t *p);

/* A place where the two bytes stand and perhaps the others. */
static inline bool
find_check(struct find_job *j, size_t at)
{
	j->budget -= j->c->len;
	return find_equal(j->c, j->nocase, j->p + at);
}

#endif
