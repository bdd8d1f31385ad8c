/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_set.h - a few of many programs, to be met with rows of bits
 *
 * A row has a bit for every program of the set of rules; a part of them is
 * told by the words of the row in which it has any, and their bits there.
 *
 * Place    above common/ only; below header_index.
 * Threads  built by one thread, then read only.
 * Memory   heap; 16 bytes for each word with a member.
 * Cost     a question reads one word of the row for each of the set's.
 */
#ifndef RULES_ORDER_SET_H
#define RULES_ORDER_SET_H

#include "common/base.h"

struct order_word {
	uint64_t bits;
	uint32_t at; /* in the row */
};

struct order_set {
	struct order_word *v;
	uint32_t n;
};

/* False when out of memory.  'orders' are in any order, some perhaps twice. */
bool order_set_build(struct order_set *s, const uint32_t *orders,
		     uint32_t n) MUST_CHECK;
void order_set_fini(struct order_set *s);

/* Whether a member is in 'row', and in 'also' unless that is NULL. */
static inline bool
order_set_meets(const struct order_set *s, const uint64_t *row,
		const uint64_t *also)
{
	for (uint32_t i = 0; i < s->n; i++) {
		uint64_t bits = s->v[i].bits & row[s->v[i].at];

		if (also != NULL) {
			bits &= also[s->v[i].at];
		}
		if (bits != 0) {
			return true;
		}
	}
	return false;
}

#endif
