/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_linear.h - the same literals, at a cost that no byte can raise
 *
 * A lane is fast because few positions get as far as its literals.  Who knows
 * them can send bytes that do.  For these there is an automaton as Aho and
 * Corasick describe it: it goes through the bytes once, two steps for each at
 * most, and says where a literal ends.  It folds case; the literal's own bytes
 * decide, as they do for a lane.
 *
 * Internal: included by the prefilter's own parts only.
 *
 * Place    beside prefilter_db.h.
 * Threads  immutable once built.
 * Memory   heap: 16 bytes for each byte that tells literals apart, and a row
 *          for each place where more than LINEAR_KIDS bytes may follow.
 * Cost     some 15 cycles a byte while the tables are in cache.
 */
#ifndef RULES_PREFILTER_LINEAR_H
#define RULES_PREFILTER_LINEAR_H

#include "common/base.h"

#define LINEAR_KIDS 3
#define LINEAR_ROW 255 /* as 'n_kids': the state has a row */
#define LINEAR_ENDS 64 /* that are told at a time */

/* What was read last is the beginning of a literal, as long as it can be. */
struct linear_state {
	uint32_t
		fail; /* the next shorter such beginning; or where its row is */
	uint32_t kids; /* the first; the others follow */
	uint32_t ends; /* 1 + index of the first literal that ends here, or 0 */
	uint8_t n_kids, by[LINEAR_KIDS]; /* classes that lead to the kids */
};

STATIC_ASSERT(sizeof(struct linear_state) == 16, "four to a line");

struct linear_end {
	uint32_t entry; /* of the lane's table */
	uint32_t next; /* 1 + index of another that ends here, or 0 */
};

struct linear {
	uint8_t class_of[256]; /* 0: in no literal */
	unsigned n_classes;
	struct linear_state *states; /* the first one: nothing was read */
	uint32_t *rows; /* n_classes states each */
	struct linear_end *ends;
	uint32_t n_states, n_rows, n_ends;
};

/* The state behind one more byte. */
static inline uint32_t
linear_step(const struct linear *l, uint32_t s, uint8_t class)
{
	for (;;) {
		const struct linear_state *x = &l->states[s];

		if (x->n_kids == LINEAR_ROW) {
			return l->rows[x->fail + class];
		}
		for (unsigned i = 0; i < x->n_kids; i++) {
			if (x->by[i] == class) {
				return x->kids + i;
			}
		}
		s = x->fail; /* the first state has a row */
	}
}

/* A search that goes on; all zero but 'at' and 'to' before the first step.
 * 'end' is what is still to be told, as linear_state.ends. */
struct linear_run {
	size_t at, to; /* in the data: what is to be read next, and its end */
	uint32_t state, end;
};

struct linear_found {
	uint32_t entry;
	size_t end; /* in the data, behind its last byte */
};

/* The next of what ends in the data, LINEAR_ENDS at most; none: that is all. */
unsigned linear_find(const struct linear *l, struct view data,
		     struct linear_run *r,
		     struct linear_found found[LINEAR_ENDS]);

#endif
