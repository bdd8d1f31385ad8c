/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mark_set.h - distinct markings, each kept once
 *
 * Hundreds of thousands of keys bear few different markings.  A set hands out
 * one lasting copy of each, so that a key needs a pointer only and a join of
 * what is joined already costs nothing.
 *
 * Place    above marking.h; below sighting.
 * Threads  one.
 * Memory   MARK_SET_MAX markings, some 2 MiB of address space, of which what
 *          is used is touched.  Beyond that every new one is MARK_NOBODY: what
 *          a flood of markings leads to is silence, never a release.
 * Cost     a hash of the marking.
 */
#ifndef COLLECTOR_MARK_SET_H
#define COLLECTOR_MARK_SET_H

#include "common/marking.h"

#define MARK_SET_MAX 4096

/* Red, and to nobody: of what is not known, and the lattice's top. */
extern const struct marking mark_nobody;

struct mark_set;

struct mark_set *mark_set_new(void); /* NULL when out of memory */
void mark_set_free(struct mark_set *s);

/* The lasting copy. */
const struct marking *mark_set_keep(struct mark_set *s,
				    const struct marking *m);
/* The join of two of this set's; NULL is no marking yet, the neutral one. */
const struct marking *mark_set_join(struct mark_set *s, const struct marking *a,
				    const struct marking *b);

/* Whether both say the same; and a hash that is the same then. */
bool mark_same(const struct marking *a, const struct marking *b);
uint64_t mark_hash(const struct marking *m);
/* marking_read(), but what cannot be read is mark_nobody. */
void mark_read_kept(struct marking *m, struct view text);

#endif
