/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share_held.h - what is on record as held, so that it is not put there again
 *
 * What is held back is looked at whenever it changes, and what is attacked
 * changes every second.  The audit log, which keeps all, is told once of each
 * thing, why it is held and by what marking; again when one of these or the
 * policy is another, and when it was long ago or before the start.
 *
 * Place    above share; below exchange_fill.
 * Threads  one.
 * Memory   fixed: SHARE_HELD_SLOTS things, the oldest of a few go first.  All
 *          zeros is an empty one.
 * Cost     a hash of each thing.
 */
#ifndef COLLECTOR_SHARE_HELD_H
#define COLLECTOR_SHARE_HELD_H

#include "collector/share.h"

#define SHARE_HELD_SLOTS 65536

struct share_held_known {
	uint64_t slots[SHARE_HELD_SLOTS]; /* hashes; 0 is free */
};

/* Takes out of the notes and counts of 'b' what is known as held by 'policy'
 * (its digest). */
void share_held_news(const struct share_held_known *k, const char *policy,
		     struct share_bundle *b);
/* What 'b' has as held is known, once it is on record. */
void share_held_note(struct share_held_known *k, const char *policy,
		     const struct share_bundle *b);

#endif
