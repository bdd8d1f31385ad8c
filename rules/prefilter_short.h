/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_short.h - taking down what the search for shorts came upon
 *
 * Internal: included by the paths only.
 *
 * Place    beside prefilter_path.h.
 * Threads  pure functions.
 * Memory   none but the caller's.
 * Cost     hot, but only where a literal is found for the first time.
 */
#ifndef RULES_PREFILTER_SHORT_H
#define RULES_PREFILTER_SHORT_H

#include "rules/prefilter_path.h"

/* At 'p' stand those of 'classes' that do not reach behind the data. */
static inline void
take_shorts(struct short_search *x, size_t p, unsigned classes)
{
	for (unsigned c = classes & x->wanted; c != 0; c &= c - 1) {
		unsigned i = (unsigned)__builtin_ctz(c);
		size_t end = p + x->shorts->len[i];

		if (p < x->to && end > x->fresh && end <= x->data.len) {
			x->at[i] = (uint32_t)p;
			x->wanted &= ~(1u << i);
			x->found |= 1u << i;
		}
	}
}

#endif
