/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_claim.h - what a hit still has to ask of shared state, and with what
 *
 * A worker decides all of a rule that one flow can tell.  The rest, xbits,
 * hostbits and datasets that rules change, is decided where all workers' hits
 * meet; the claim carries the values there.  They are bytes: for each list of
 * the program whose datasets change, in order, how many values the buffer
 * offers, and each value behind its length.
 *
 * Place    above rule_prog.h and dataset.h; below rule_match.
 * Threads  one matcher's.
 * Memory   one buffer of fixed size; claims are good until it is reset.
 * Cost     a copy of each value.
 */
#ifndef RULES_SHARED_CLAIM_H
#define RULES_SHARED_CLAIM_H

#include "rules/rule_prog.h"

#define CLAIM_ROOM ((size_t)1 << 20)

struct claim_buf {
	uint8_t *p; /* CLAIM_ROOM bytes */
	size_t base; /* where the claim at hand begins */
	size_t len;
	size_t count_at; /* where the number of values of this list stands */
	bool full; /* the claim at hand did not fit */
};

void claim_reset(struct claim_buf *b); /* forgets all */
void claim_begin(struct claim_buf *b); /* forgets the claim at hand */
void claim_list(struct claim_buf *b); /* of the claim at hand: a new list */
void claim_value(struct claim_buf *b, struct view value);
/* The values of the claim at hand, which is kept. */
struct view claim_keep(struct claim_buf *b);

/* Reading: how many values the next list has, and the next value. */
uint32_t claim_next_list(struct view *values);
struct view claim_next_value(struct view *values);

#endif
