/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literal_table.h - rules that are indicators in disguise, found by hashing
 *
 * A quarter to a third of the rules in the field ask one thing of a short
 * buffer: that it is "evil.example", or ends with it.  Scanning for such
 * literals costs every byte of every name; here one backward pass over the
 * buffer hashes its ends and looks up those whose length some rule has.  The
 * pass goes no further than to where a literal could begin: a filter on the
 * last bytes and one on the first byte of each length tell.  Found rules are
 * candidates: they are verified as all others are, so case and the rest of the
 * rule keep their meaning.
 *
 * Place    above rule_prog.h; below rule_group.
 * Threads  built by one thread, then read only.
 * Memory   heap: 16 bytes a slot at a load of at most one half, 4 a rule, and
 *          2 kB for each table.
 * Cost     a few ns where nothing ends like a literal; else about 1 ns a
 *          byte as far as the longest that may be there, one look-up for each
 *          length that occurs.
 */
#ifndef RULES_LITERAL_TABLE_H
#define RULES_LITERAL_TABLE_H

#include "rules/rule_prog.h"

struct literal_slot {
	uint64_t hash; /* 0: empty */
	uint32_t first, n; /* of 'orders' */
};

#define LITERAL_TAIL 4 /* last bytes that are told apart */
#define LITERAL_TAIL_BITS 12

/* What tells that no literal is there before anything is hashed. */
struct literal_filter {
	uint64_t lengths[(FAST_KEY_MAX + 1) / 64 + 1]; /* of suffixes */
	uint64_t wholes[(FAST_KEY_MAX + 1) / 64 + 1]; /* of whole buffers */
	/* Of all literals of LITERAL_TAIL bytes and more, by a hash of these:
	 * a bit each.  Of shorter suffixes, by the last byte in lower case. */
	uint64_t tails[(1 << LITERAL_TAIL_BITS) / 64];
	uint64_t lasts[256 / 64];
	/* By length: the first bytes, each a bit of its lowest five. */
	uint32_t heads[FAST_KEY_MAX + 1];
};

struct literal_table {
	uint64_t factor; /* secret: traffic cannot aim at a slot */
	struct literal_filter *filter;
	struct literal_slot *slots;
	uint32_t mask; /* slots - 1; slots NULL: empty table */
	uint32_t *orders; /* programs, by slot */
	uint32_t n_orders;
};

/* Room for all that one buffer can find: a suffix of each length, and the
 * whole of it with and without a dot before it. */
#define LITERAL_TABLE_FOUND (FAST_KEY_MAX + 3)

/*
 * Takes those of progs[0..*n) whose 'fast_form' is a suffix or a whole buffer
 * and moves the rest to the front; *n is how many stay.  False without
 * memory.
 */
bool literal_table_build(struct literal_table *t,
			 const struct rule_prog **progs, uint32_t *n);
void literal_table_fini(struct literal_table *t);
size_t literal_table_memory(const struct literal_table *t); /* bytes */

/*
 * The slots whose literal 'value', or a dot and 'value', ends with or is.
 * Returns how many of 'found' are set.
 */
uint32_t
literal_table_find(const struct literal_table *t, struct view value,
		   const struct literal_slot *found[LITERAL_TABLE_FOUND]);

#endif
