/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr_front.h - where to begin the search for an IPv4 address
 *
 * Pieces of address space stand sorted by where they begin.  For every block
 * of IPv4 addresses with the same first bits a table says between which
 * pieces their search may stay.
 *
 * Place    above common/ only; below range_classes and addr_index.
 * Threads  built by one thread, then read only.
 * Memory   16 KiB of heap, where there are enough pieces to be worth it.
 * Cost     two loads.
 */
#ifndef RULES_ADDR_FRONT_H
#define RULES_ADDR_FRONT_H

#include "common/base.h"

#define ADDR_FRONT_BITS 12
#define ADDR_FRONT_MIN 64 /* pieces */

struct addr_front {
	/* pieces that begin before block i, and before its end; or NULL */
	uint32_t *before;
};

/* The i-th of 'n' pieces begins at '*(lo + i * stride)'.  False when out of
 * memory. */
bool addr_front_build(struct addr_front *f, const void *lo, size_t stride,
		      uint32_t n) MUST_CHECK;
void addr_front_fini(struct addr_front *f);

/* Pieces from '*hi' on begin behind 'x', and those before '*lo' do not; an
 * address that is not IPv4 leaves both as they are. */
static inline void
addr_front_narrow(const struct addr_front *f, unsigned __int128 x, uint32_t *lo,
		  uint32_t *hi)
{
	uint32_t block = (uint32_t)x >> (32 - ADDR_FRONT_BITS);

	if (f->before != NULL && x >> 32 == 0xffff) {
		*lo = f->before[block];
		*hi = f->before[block + 1];
	}
}

#endif
