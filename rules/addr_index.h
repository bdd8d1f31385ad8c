/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_index.h - which rules name this address?
 *
 * Thousands of rules are lists of addresses and nothing else.  Their ranges
 * are cut at every border, and each piece knows the rules that hold it, so
 * that a packet costs one binary search instead of one look at every rule.
 *
 * Place    above range_set.h; below rule_group.
 * Threads  built by one thread, then read only.
 * Memory   heap; pieces and their lists, bounded by ADDR_INDEX_MAX entries.
 * Cost     a look-up is one binary search, a short one for IPv4.
 */
#ifndef RULES_ADDR_INDEX_H
#define RULES_ADDR_INDEX_H

#include "common/err.h"
#include "rules/addr_front.h"
#include "rules/range_set.h"

#define ADDR_INDEX_MAX ((size_t)1 << 24)

/* A piece of address space; it ends where the next one begins. */
struct addr_piece {
	unsigned __int128 lo;
	uint32_t first, n; /* in 'ids' */
};

struct addr_index {
	struct addr_piece *pieces;
	uint32_t n_pieces;
	struct addr_front front; /* of the pieces' beginnings */
	uint32_t *ids;
	size_t n_ids;
};

struct addr_index_entry {
	const struct range_set *addrs;
	uint32_t id;
};

/* ERR_LIMIT when overlaps make it too large: keep the rules in a list. */
enum err addr_index_build(struct addr_index *ix,
			  const struct addr_index_entry *v,
			  size_t n) MUST_CHECK;
void addr_index_fini(struct addr_index *ix);
/* Whether a set is narrow enough to be worth indexing. */
bool addr_index_suits(const struct range_set *s);
/* How many addresses a set that suits has; blocks of IPv6 count as one. */
uint64_t addr_index_width(const struct range_set *s);

/* The ids of all entries that hold 'x'; '*n' is how many. */
static inline const uint32_t *
addr_index_find(const struct addr_index *ix, unsigned __int128 x, uint32_t *n)
{
	uint32_t lo = 0, hi = ix->n_pieces;

	addr_front_narrow(&ix->front, x, &lo, &hi);
	*n = 0;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ix->pieces[mid].lo <= x) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	if (lo == 0) {
		return NULL;
	}
	*n = ix->pieces[lo - 1].n;
	return ix->ids + ix->pieces[lo - 1].first;
}

#endif
