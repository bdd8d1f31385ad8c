/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_line.h - numbers in few bytes, and a group's key
 *
 * What the writer and the readers of the store must agree on.  Lists are of
 * rising numbers, each the distance to the one before it (the first: to what
 * the list's place says) in groups of seven bits, low ones first (LEB128).
 *
 *   frames.others        numbers (from 0) of a frame's lines that are no
 *                        alerts; distance to -1
 *   group_frames.frames  the frames of a group behind its 'first'
 *
 * Place    above addr; below store_convert.
 * Threads  pure.
 * Memory   none kept.
 * Cost     one hash of 56 bytes a key.
 */
#ifndef COLLECTOR_STORE_LINE_H
#define COLLECTOR_STORE_LINE_H

#include "common/addr.h"

#define STORE_VARINT_MAX 10

/* Writes 'v' to 'out' (STORE_VARINT_MAX bytes); how many it took. */
size_t store_varint_put(uint8_t *out, uint64_t v);
/* Takes one off the front of 'list'; false at its end, or when it is cut. */
bool store_varint_get(struct view *list, uint64_t *v) MUST_CHECK;

/* What alerts of one group have in common; ids are those of the tables. */
struct store_group_key {
	int64_t signature, site, exercise;
	struct addr src, dst;
};
STATIC_ASSERT(sizeof(struct store_group_key) == 56, "hashed as bytes");

/* As in alert_groups.key: the same for ever, because it is kept. */
uint64_t store_group_hash(const struct store_group_key *k);

#endif
