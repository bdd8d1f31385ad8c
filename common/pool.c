/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pool.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Steps of 32 bytes from 64 to 256 bytes, then four to each doubling. */
#define BLOCK_MIN ((size_t)64)
#define FINE_STEP ((size_t)32)
#define FINE_SHIFT 8
#define FINE_MAX ((size_t)1 << FINE_SHIFT)
#define N_FINE ((unsigned)((FINE_MAX - BLOCK_MIN) / FINE_STEP) + 1)
#define MAX_SHIFT 20
#define N_CLASSES (N_FINE + 4 * (MAX_SHIFT - FINE_SHIFT))
#define SLAB_SIZE ((size_t)16 << 20) /* address space: pages come as used */
#define PAGE_SIZE_LEAST 4096

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
	uint64_t refusals, misses;
};

static unsigned
class_of(size_t size)
{
	unsigned shift;

	if (size <= FINE_MAX) {
		return size <= BLOCK_MIN
			       ? 0
			       : (unsigned)((size - BLOCK_MIN + FINE_STEP - 1) /
					    FINE_STEP);
	}
	shift = (unsigned)(63 - __builtin_clzll(size - 1));
	return N_FINE + 4 * (shift - FINE_SHIFT) +
	       (unsigned)((size - 1) >> (shift - 2) & 3);
}

static size_t
size_of(unsigned c)
{
	if (c < N_FINE) {
		return BLOCK_MIN + c * FINE_STEP;
	}
	c -= N_FINE;
	return (size_t)(5 + c % 4) << (FINE_SHIFT - 2 + c / 4);
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

/* 'size' bytes on a border of POOL_REGION_ALIGN, which huge pages ask for. */
static uint8_t *
map_aligned(size_t size)
{
	size_t rest;
	uint8_t *mem, *begin;

	if (size > SIZE_MAX - POOL_REGION_ALIGN) {
		return NULL;
	}
	mem = mmap(NULL, size + POOL_REGION_ALIGN, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem == MAP_FAILED) {
		return NULL;
	}
	rest = -(uintptr_t)mem & (POOL_REGION_ALIGN - 1);
	begin = mem + rest;
	if (rest > 0) {
		munmap(mem, rest);
	}
	if (rest < POOL_REGION_ALIGN) {
		munmap(begin + size, POOL_REGION_ALIGN - rest);
	}
#ifdef MADV_HUGEPAGE
	(void)madvise(begin, size, MADV_HUGEPAGE);
#endif
	return begin;
}

static size_t
region_size(size_t size)
{
	return (size + POOL_REGION_ALIGN - 1) & ~(POOL_REGION_ALIGN - 1);
}

void *
pool_region_get(size_t size)
{
	return size > 0 && size <= SIZE_MAX / 2 ? map_aligned(region_size(size))
						: NULL;
}

void
pool_region_put(void *region, size_t size)
{
	if (region != NULL) {
		munmap(region, region_size(size));
	}
}

void
pool_region_warm(void *region, size_t size)
{
	uint8_t *mem = region;

#ifdef MADV_POPULATE_WRITE
	if (madvise(mem, size, MADV_POPULATE_WRITE) == 0) {
		return;
	}
#endif
	/* an older kernel: a write to each page does the same */
	for (size_t i = 0; i < size; i += PAGE_SIZE_LEAST) {
		volatile uint8_t *page = mem + i;

		*page = *page;
	}
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
	while (p->front != NULL && p->end - p->front >= (ptrdiff_t)BLOCK_MIN) {
		size_t rest = (size_t)(p->end - p->front);
		unsigned c = class_of(MIN(rest, POOL_MAX_BLOCK));
		struct block *b = (struct block *)(void *)p->front;

		c -= size_of(c) > rest;
		b->next = p->free_list[c];
		p->free_list[c] = b;
		p->front += size_of(c);
	}
}

static bool
add_slab(struct pool *p, size_t size)
{
	uint8_t *mem = map_aligned(size);
	struct slab *s = (struct slab *)(void *)mem;

	retire_front(p);
	p->front = p->end = NULL;
	if (mem == NULL) {
		return false;
	}
	*s = (struct slab){ p->slabs, size };
	p->slabs = s;
	p->front = mem + BLOCK_MIN; /* keeps blocks aligned */
	p->end = mem + size;
	return true;
}

static void *
cut_block(struct pool *p, size_t size)
{
	uint8_t *mem;

	if (p->front == NULL || (size_t)(p->end - p->front) < size) {
		p->misses++;
		if (!add_slab(p, SLAB_SIZE)) {
			return NULL;
		}
	}
	mem = p->front;
	p->front += size;
	return mem;
}
#endif

bool
pool_warm(struct pool *p, size_t size)
{
#ifdef POOL_PLAIN
	(void)p;
	(void)size;
#else
	size = region_size(MIN(size, p->limit));
	if (size > 0) {
		if (!add_slab(p, size)) {
			return false;
		}
		pool_region_warm(p->slabs, size);
	}
#endif
	return true;
}

uint64_t
pool_misses(const struct pool *p)
{
	return p->misses;
}

bool
pool_charge(struct pool *p, size_t size)
{
	if (size > p->limit - p->in_use) {
		p->refusals++;
		return false;
	}
	p->in_use += size;
	return true;
}

void
pool_discharge(struct pool *p, size_t size)
{
	p->in_use -= size;
}

size_t
pool_limit(const struct pool *p)
{
	return p->limit;
}

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
	real = size_of(c);
	if (real > p->limit - p->in_use) {
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
	p->in_use -= size_of(c);
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
	return size_of(class_of(size));
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
