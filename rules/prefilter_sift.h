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

/* Of queue[i..n), to be put down from queue[kept] on; says how many. */
static inline size_t
sift_from(const struct lane *l, struct view data, size_t from, uint16_t *queue,
	  size_t i, size_t n, size_t kept)
{
	const uint8_t *at = data.p + from, *bitmap = l->bitmap;
	const uint64_t mask = l->key_mask;
	const unsigned shift = l->bitmap_shift;
	size_t left = data.len - from, before = kept, whole = n;

	/* behind the last one with eight bytes */
	while (whole > i && queue[whole - 1] + (size_t)8 > left) {
		whole--;
	}
	for (; i < whole; i++) {
		uint16_t q = queue[i];
		uint64_t h = key_hash(load_le64(at + q), mask, 0) >> shift;

		queue[kept] = q;
		kept += bitmap[h / 8] >> (h % 8) & 1;
	}
	for (; i < n; i++) {
		uint16_t q = queue[i];
		uint64_t v = load_to_end(data, from + q);
		uint64_t h = key_hash(v, mask, 0) >> shift;

		queue[kept] = q;
		kept += bitmap[h / 8] >> (h % 8) & 1;
	}
	return kept - before;
}

static inline size_t
sift(const struct lane *l, struct view data, size_t from, uint16_t *queue,
     size_t n)
{
	return sift_from(l, data, from, queue, 0, n, 0);
}

#endif
