/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory that ends together, and a growing byte buffer
 *
 * Place    above pool.h.
 * Threads  as the pool it draws on: one worker.
 * Memory   chunks of the pool; arena_reset() returns them all.  An arena that
 *          is filled while programs start may take larger blocks from the heap.
 * Cost     arena_alloc() bumps a pointer.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include "common/pool.h"

struct arena_chunk;

struct arena {
	struct pool *pool;
	struct arena_chunk *chunks; /* newest first */
	uint8_t *front, *end;
	size_t limit, used; /* bytes drawn */
	bool heap; /* for what the pool has no block for */
};

/* 'limit' bounds what this arena may draw, in bytes. */
void arena_init(struct arena *a, struct pool *pool, size_t limit);
/* Blocks above POOL_MAX_BLOCK come from the heap; never on the packet path. */
void arena_allow_heap(struct arena *a);
/* Aligned to 16 bytes, not cleared.  NULL at the limit. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
/* A copy of 'v' that lives as long as the arena; VIEW_NONE at the limit. */
struct view arena_copy(struct arena *a, struct view v);
void arena_reset(struct arena *a);

/* Contiguous bytes that grow by doubling, up to 'limit'. Zeroed is empty. */
struct buf {
	uint8_t *p;
	size_t len, cap, limit;
	struct pool *pool;
};

void buf_init(struct buf *b, struct pool *pool, size_t limit);
/*
 * Appends as much of 'v' as limit and pool allow and returns how much; a
 * short count is the caller's to count.
 */
size_t buf_append(struct buf *b, struct view v);
/* Room for 'n' more contiguous bytes at b->p + b->len; false at the limit. */
bool buf_reserve(struct buf *b, size_t n) MUST_CHECK;
/* Drops the first 'n' bytes, moving the rest down. */
void buf_consume(struct buf *b, size_t n);
void buf_fini(struct buf *b);

static inline struct view
buf_view(const struct buf *b)
{
	return view_of(b->p, b->len);
}

#endif
