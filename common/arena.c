/* SPDX-License-Identifier: Apache-2.0 */
#include "common/arena.h"

#include <stdlib.h>

#define CHUNK_FIRST 1024
#define CHUNK_MAX ((size_t)64 << 10)
#define ALIGN 16

struct arena_chunk {
	struct arena_chunk *next;
	size_t size;
};
STATIC_ASSERT(sizeof(struct arena_chunk) % ALIGN == 0, "aligned payload");

void
arena_init(struct arena *a, struct pool *pool, size_t limit)
{
	*a = (struct arena){ .pool = pool, .limit = limit };
}

void
arena_allow_heap(struct arena *a)
{
	a->heap = true;
}

static bool
add_chunk(struct arena *a, size_t need)
{
	size_t size = a->chunks != NULL ? MIN(a->chunks->size * 2, CHUNK_MAX)
					: CHUNK_FIRST;
	struct arena_chunk *c;

	bool large = need > POOL_MAX_BLOCK - sizeof(*c);

	if (large && !a->heap) {
		return false;
	}
	size = MAX(size, need + sizeof(*c));
	size = large ? size : pool_class_size(size);
	if (a->used + size > a->limit) {
		return false;
	}
	c = large ? malloc(size) : pool_get(a->pool, size);
	if (c == NULL) {
		return false;
	}
	c->next = a->chunks;
	c->size = size;
	a->chunks = c;
	a->front = (uint8_t *)(c + 1);
	a->end = (uint8_t *)c + size;
	a->used += size;
	return true;
}

void *
arena_alloc(struct arena *a, size_t size)
{
	size_t need;
	void *mem;

	if (size > (a->heap ? a->limit : POOL_MAX_BLOCK)) {
		return NULL;
	}
	need = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if ((a->front == NULL || (size_t)(a->end - a->front) < need) &&
	    !add_chunk(a, need)) {
		return NULL;
	}
	mem = a->front;
	a->front += need;
	return mem;
}

void *
arena_zalloc(struct arena *a, size_t size)
{
	void *mem = arena_alloc(a, size);

	if (mem != NULL) {
		memset(mem, 0, size);
	}
	return mem;
}

struct view
arena_copy(struct arena *a, struct view v)
{
	uint8_t *mem;

	if (v.len == 0) {
		return VIEW_NONE;
	}
	mem = arena_alloc(a, v.len);
	if (mem == NULL) {
		return VIEW_NONE;
	}
	memcpy(mem, v.p, v.len);
	return view_of(mem, v.len);
}

void
arena_reset(struct arena *a)
{
	while (a->chunks != NULL) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		if (c->size > POOL_MAX_BLOCK) {
			free(c);
		} else {
			pool_put(a->pool, c, c->size);
		}
	}
	a->front = a->end = NULL;
	a->used = 0;
}

void
buf_init(struct buf *b, struct pool *pool, size_t limit)
{
	*b = (struct buf){ .pool = pool, .limit = limit };
}

bool
buf_reserve(struct buf *b, size_t n)
{
	size_t cap;
	uint8_t *mem;

	if (b->cap - b->len >= n) {
		return true;
	}
	if (n > POOL_MAX_BLOCK || b->len + n > b->limit) {
		return false;
	}
	cap = pool_class_size(MAX(MAX(b->cap * 2, b->len + n), (size_t)256));
	cap = MIN(cap, POOL_MAX_BLOCK);
	if (cap < b->len + n) {
		return false;
	}
	mem = pool_get(b->pool, cap);
	if (mem == NULL) {
		return false;
	}
	if (b->len > 0) {
		memcpy(mem, b->p, b->len);
	}
	pool_put(b->pool, b->p, b->cap);
	b->p = mem;
	b->cap = cap;
	return true;
}

size_t
buf_append(struct buf *b, struct view v)
{
	size_t n = MIN(v.len, b->limit - MIN(b->len, b->limit));

	if (n == 0 || !buf_reserve(b, n)) {
		return 0;
	}
	memcpy(b->p + b->len, v.p, n);
	b->len += n;
	return n;
}

void
buf_consume(struct buf *b, size_t n)
{
	n = MIN(n, b->len);
	if (n == 0) {
		return;
	}
	b->len -= n;
	memmove(b->p, b->p + n, b->len);
}

void
buf_fini(struct buf *b)
{
	if (b->pool != NULL) {
		pool_put(b->pool, b->p, b->cap);
	}
	b->p = NULL;
	b->len = b->cap = 0;
}
