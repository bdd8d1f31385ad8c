/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - one worker's bounded memory, in size classes
 *
 * Everything that traffic can make a worker remember comes from its pool:
 * segments, transactions, buffers.  Classes stand 32 bytes apart up to 256
 * bytes, then four to each doubling up to 1 MiB, so that little is lost by
 * rounding up; memory is taken from the system in slabs and never given back
 * before pool_free(), so that a warmed-up worker makes no system call.
 * pool_warm() takes the first slab at once, with its pages; a block that was
 * given back last is handed out first.
 *
 * A table that grows with traffic may have a region instead: address space
 * whose pages come into being when they are first written.  It costs nothing
 * but what is charged for it.
 *
 * Place    above base.h.
 * Threads  one pool per worker; nothing here may be shared.
 * Memory   never above the limit given to pool_new(); beyond it pool_get()
 *          returns NULL and counts.  Under AddressSanitizer each block is a
 *          malloc of its own, so that it can see every object.
 * Cost     get and put are a list pop and push.
 */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

#include "common/base.h"

#define POOL_MAX_BLOCK ((size_t)1 << 20)

struct pool;

/* 'limit' in bytes.  NULL when the system has no memory. */
struct pool *pool_new(size_t limit);
void pool_free(struct pool *p);

/*
 * Takes 'size' bytes (the limit at most) from the system now, pages and all,
 * so that what needs no more than that meets no page fault later; false when
 * the system has no room.
 */
bool pool_warm(struct pool *p, size_t size) MUST_CHECK;

/* NULL when 'size' exceeds POOL_MAX_BLOCK or the limit is reached. */
void *pool_get(struct pool *p, size_t size);
/* 'size' must be what pool_get() was given (or its class size). NULL is ok. */
void pool_put(struct pool *p, void *block, size_t size);

/*
 * A region of zero bytes on a border of POOL_REGION_ALIGN; NULL when the
 * system has no room.  Whoever uses it charges what it uses.
 */
#define POOL_REGION_ALIGN ((size_t)2 << 20)
void *pool_region_get(size_t size);
void pool_region_put(void *region, size_t size);
/* Has the pages of its first 'size' bytes come into being. */
void pool_region_warm(void *region, size_t size);

/* Counts 'size' bytes of a region as handed out; false (and a refusal) when
 * that would be above the limit. */
bool pool_charge(struct pool *p, size_t size) MUST_CHECK;
void pool_discharge(struct pool *p, size_t size);
size_t pool_limit(const struct pool *p);

/* What a block asked for with 'size' really holds. */
size_t pool_class_size(size_t size);

size_t pool_in_use(const struct pool *p); /* bytes handed out */
uint64_t pool_refusals(const struct pool *p); /* times the limit said no */
/* Times that a block had to come from a new slab. */
uint64_t pool_misses(const struct pool *p);

#endif
