/* SPDX-License-Identifier: Apache-2.0 */
/*
 * range_classes.h - which of many sets hold this value, as one number
 *
 * The borders of all sets cut the line of values into pieces; pieces that lie
 * in the same sets are one class.  What hangs on the sets is worked out once a
 * class, so that a value costs one look-up however many sets there are.
 *
 * Place    above range_set.h; below header_index.
 * Threads  built by one thread, then read only.
 * Memory   heap; a row of bits a class, RANGE_CLASSES_MEMORY in all.
 * Cost     a look-up is one binary search.
 */
#ifndef RULES_RANGE_CLASSES_H
#define RULES_RANGE_CLASSES_H

#include "common/err.h"
#include "rules/addr_front.h"
#include "rules/range_set.h"

#define RANGE_CLASSES_MAX 65535
#define RANGE_CLASSES_MEMORY ((size_t)32 << 20)

struct range_classes {
	unsigned __int128 *lo; /* where a piece begins; the first one at 0 */
	uint16_t *class; /* of each piece */
	uint32_t n_pieces, n_classes;
	struct addr_front front; /* of 'lo' */
	uint32_t n_words; /* of a row */
	uint64_t *rows; /* by class: bit per id whose set holds it */
};

struct range_classes_entry {
	const struct range_set *set; /* NULL: every value */
	uint32_t id;
};

/*
 * Ids are below 'n_ids'; those that have no entry are in no row.  Where the
 * sets would need too much memory their ids are in every row: the rows never
 * say less than is true.  'v' is sorted in place.
 */
enum err range_classes_build(struct range_classes *c,
			     struct range_classes_entry *v, size_t n,
			     uint32_t n_ids) MUST_CHECK;
void range_classes_fini(struct range_classes *c);
size_t range_classes_memory(const struct range_classes *c); /* bytes */

/* The classes that hold most of IPv4's addresses, up to 'most' of them, the
 * widest first; returns how many. */
uint32_t range_classes_widest(const struct range_classes *c, uint32_t *classes,
			      uint32_t most);

static inline uint32_t
range_classes_find(const struct range_classes *c, unsigned __int128 x)
{
	uint32_t lo = 0, hi = c->n_pieces;

	addr_front_narrow(&c->front, x, &lo, &hi);
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->lo[mid] <= x) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return c->class[lo - 1]; /* the first piece begins at 0 */
}

static inline const uint64_t *
range_classes_row(const struct range_classes *c, uint32_t class)
{
	return c->rows + (size_t) class * c->n_words;
}

#endif
