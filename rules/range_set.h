/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_set.h - sets of addresses or ports, as sorted disjoint ranges
 *
 * Addresses are their 128-bit value (IPv4 mapped, as in addr.h) and ports are
 * small numbers, so that one algebra of union, difference and look-up serves
 * both sides of a rule's header.
 *
 * Place    above common/.
 * Threads  a sealed set is read only.
 * Memory   lists are heap while they are built; sets are the arena's.
 * Cost     look-up is a binary search.
 */
#ifndef RULES_RANGE_SET_H
#define RULES_RANGE_SET_H

#include "common/addr.h"
#include "common/arena.h"

#define RANGE_MAX (~(unsigned __int128)0)

struct range {
	unsigned __int128 lo, hi; /* both included */
};

/* Immutable; ranges ascend and do not touch. */
struct range_set {
	const struct range *v;
	uint32_t n;
};

/* A set under construction. Zeroed is empty. */
struct range_list {
	struct range *v;
	size_t n, cap;
};

static inline unsigned __int128
addr_value(const struct addr *a)
{
	return (unsigned __int128)load_be64(a->b) << 64 | load_be64(a->b + 8);
}

/* False when out of memory. */
bool range_list_add(struct range_list *l, unsigned __int128 lo,
		    unsigned __int128 hi) MUST_CHECK;
bool range_list_add_set(struct range_list *l,
			const struct range_set *s) MUST_CHECK;
/* Sorts and merges in place. */
void range_list_normalise(struct range_list *l);
/* a - b into 'out'; both are normalised first. */
bool range_list_subtract(struct range_list *a, struct range_list *b,
			 struct range_list *out) MUST_CHECK;
/* A normalised list as a set of the arena's; NULL when out of memory. */
const struct range_set *range_list_seal(const struct range_list *l,
					struct arena *a);
void range_list_fini(struct range_list *l);

bool range_set_has(const struct range_set *s, unsigned __int128 x);

#endif
