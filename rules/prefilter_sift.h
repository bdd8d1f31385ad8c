/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prefilter_sift.h - the second step of a lane, compiled for each path
 *
 * Internal: included by the paths only.
 *
 * Place    beside prefilter_path.h.
 * Threads  pure functions.
 * Memory   none but the caller's.
 * Cost     hot: some cycles for each position that passed the filter.
 */
#ifndef RULES_PREFILTER_SIFT_H
#define RULES_PREFILTER_SIFT_H

#include "rules/prefilter_path.h"

/* See prefilter_path.h. */
static inline size_t
sift(const struct lane *l, struct view data, size_t from, uint16_t *queue,
     size_t n, uint32_t *hash)
{
	const uint8_t *bitmap = l->bitmap;
	const unsigned shift = l->bitmap_shift;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		uint16_t q = queue[i];
		uint32_t h = lane_hash(load_key(data, from + q), l->key_mask);
		uint32_t bit = h >> shift;

		queue[kept] = q;
		hash[kept] = h;
		kept += bitmap[bit / 8] >> (bit % 8) & 1;
	}
	return kept;
}

#endif
