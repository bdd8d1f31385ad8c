/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pool.h"

#include <stdlib.h>
#include <sys/mman.h>

#define CLASS_MIN_SHIFT 6
#define CLASS_MAX_SHIFT 20
#define N_CLASSES (CLASS_MAX_SHIFT - CLASS_MIN_SHIFT + 1)
#define SLAB_SIZE ((size_t)2 << 20)

#if defined(__SANITIZE_ADDRESS__)
#define POOL_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define POOL_PLAIN 1
#endif
#endif

struct block {
	struct block *next;
};

struct slab {
	struct slab *next;
	size_t size;
};

struct pool {
	struct block *free_list[N_CLASSES];
	uint8_t *front, *end; /* uncut rest of the newest slab */
	struct slab *slabs;
	size_t limit, in_use;
	uint64_t refusals;
};

static unsigned
class_of(size_t size)
{
	if (size <= (size_t)1 << CLASS_MIN_SHIFT) {
		return 0;
	}
	return (unsigned)(64 - __builtin_clzll(size - 1)) - CLASS_MIN_SHIFT;
}

struct pool *
pool_new(size_t limit)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p != NULL) {
		p->limit = limit;
	}
	return p;
}

void
pool_free(struct pool *p)
{
	if (p == NULL) {
		return;
	}
	while (p->slabs != NULL) {
		struct slab *s = p->slabs;

		p->slabs = s->next;
		munmap(s, s->size);
	}
	free(p);
}

#ifndef POOL_PLAIN
/* The tail of the old slab is cut into free blocks so that none is lost. */
static void
retire_front(struct pool *p)
{
	while (p->front != NULL && p->end - p->front >= 64) {
		size_t rest = (size_t)(p->end - p->front);
		unsigned c = (unsigned)(63 - __builtin_clzll(rest)) -
			     CLASS_MIN_SHIFT;
		struct block *b = (struct block *)(void *)p->front;

		c = MIN(c, (unsigned)N_CLASSES - 1);
		b->next = p->free_list[c];
		p->free_list[c] = b;
		p->front += (size_t)1 << (c + CLASS_MIN_SHIFT);
	}
}

static void *
cut_block(struct pool *p, size_t size)
{
	uint8_t *mem;

	if (p->front == NULL || (size_t)(p->end - p->front) < size) {
		retire_front(p);
		mem = mmap(NULL, SLAB_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (mem == MAP_FAILED) {
			p->front = p->end = NULL;
			return NULL;
		}
		struct slab *s = (struct slab *)(void *)mem;
		s->next = p->slabs;
		s->size = SLAB_SIZE;
		p->slabs = s;
		p->front = mem + 64; /* keeps blocks cache-line aligned */
		p->end = mem + SLAB_SIZE;
	}
	mem = p->front;
	p->front += size;
	return mem;
}
#endif

void *
pool_get(struct pool *p, size_t size)
{
	unsigned c;
	size_t real;
	void *mem;

	if (size > POOL_MAX_BLOCK) {
		p->refusals++;
		return NULL;
	}
	c = class_of(size);
	real = (size_t)1 << (c + CLASS_MIN_SHIFT);
	if (p->in_use + real > p->limit) {
		p->refusals++;
		return NULL;
	}
#ifdef POOL_PLAIN
	mem = malloc(size > 0 ? size : 1);
#else
	if (p->free_list[c] != NULL) {
		mem = p->free_list[c];
		p->free_list[c] = p->free_list[c]->next;
	} else {
		mem = cut_block(p, real);
	}
#endif
	if (mem == NULL) {
		p->refusals++;
		return NULL;
	}
	p->in_use += real;
	return mem;
}

void
pool_put(struct pool *p, void *block, size_t size)
{
	unsigned c = class_of(size);

	if (block == NULL) {
		return;
	}
	p->in_use -= (size_t)1 << (c + CLASS_MIN_SHIFT);
#ifdef POOL_PLAIN
	free(block);
#else
	struct block *b = block;
	b->next = p->free_list[c];
	p->free_list[c] = b;
#endif
}

size_t
pool_class_size(size_t size)
{
#ifdef POOL_PLAIN
	return size;
#else
	return (size_t)1 << (class_of(size) + CLASS_MIN_SHIFT);
#endif
}

size_t
pool_in_use(const struct pool *p)
{
	return p->in_use;
}

uint64_t
pool_refusals(const struct pool *p)
{
	return p->refusals;
}
