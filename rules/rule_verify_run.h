/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_verify_run.h - one list being tried on one instance of a buffer
 *
 * Internal: included by rule_verify*.c only.
 *
 * Place    beside rule_verify.
 * Threads  one verifier's.
 * Memory   the caller's stack.
 * Cost     plain data.
 */
#ifndef RULES_RULE_VERIFY_RUN_H
#define RULES_RULE_VERIFY_RUN_H

#include "rules/rule_verify.h"

struct run {
	struct verifier *v;
	const struct op *ops;
	uint16_t n;
	struct view data;
	uint64_t offset;
	size_t beyond;
	uint64_t dry_begin, dry_end;
	uint32_t *steps;
	uint64_t *work;
};

/* Where content 'op' may lie when the match before it ended at 'pos': offsets
 * from '*lo' up to and without '*hi'; false when it fits nowhere. */
bool verify_window(const struct run *r, const struct op *op, size_t pos,
		   size_t *lo, size_t *hi);
/* The next place of content 'op' in [from, hi); -1 when there is none. */
int64_t verify_next(const struct run *r, const struct op *op, size_t from,
		    size_t hi);
/* Runs expression 'op' on 's' from 'from' on; what PCRE2 said. */
int verify_pcre(const struct run *r, const struct op *op, struct view s,
		size_t from);

/* rule_verify_need.c: false when 'l' cannot match, whatever its tests find. */
bool verify_needs(const struct run *r, const struct rule_list *l);

#endif
