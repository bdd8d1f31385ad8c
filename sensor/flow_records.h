/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_records.h - the flows of a table in one region, by index
 *
 * Internal header, included only by flow*.c.
 *
 * A record is three cache lines; buckets, chains and the timing wheel name it
 * by 32 bits.  Index 0 is nobody's.  Returned records are used again first,
 * the last one soonest; those never used are not touched, so that a high
 * flow.memcap costs nothing until it is needed.
 *
 * Place    between flow.h and flow.c.
 * Threads  one worker.
 * Memory   a region (common/pool.h), charged record by record.
 * Cost     take and put are a pop and a push.
 */
#ifndef SENSOR_FLOW_RECORDS_H
#define SENSOR_FLOW_RECORDS_H

#include "sensor/flow.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p))
#define UNPOISON(p, n) ((void)(p))
#endif

/* Values of struct flow's 'timer' that are no timer. */
#define FLOW_TIMER_FREE 0xfe /* the record is nobody's */
#define FLOW_TIMER_ENDED 0xff /* waits for flow_release() */

struct flow_records {
	struct flow *v;
	uint32_t n; /* those below were used before */
	uint32_t free; /* chain of returned ones through 'next' */
	uint32_t cap;
	struct pool *pool;
};

static inline uint32_t
flow_index_of(const struct flow_records *r, const struct flow *f)
{
	return (uint32_t)(f - r->v);
}

static inline bool
flow_records_init(struct flow_records *r, struct pool *pool, uint32_t max)
{
	*r = (struct flow_records){ .pool = pool, .n = 1, .cap = max + 1 };
	r->v = (struct flow *)pool_region_get(r->cap * sizeof(*r->v));
	return r->v != NULL;
}

static inline void
flow_records_fini(struct flow_records *r)
{
	if (r->v != NULL) {
		UNPOISON(r->v, r->n * sizeof(*r->v));
		pool_region_put(r->v, r->cap * sizeof(*r->v));
	}
}

/* A record of zeroes; 0 when the table or the pool is full. */
static inline uint32_t
flow_records_take(struct flow_records *r)
{
	uint32_t i = r->free;
	struct flow *f;

	if ((i == 0 && r->n == r->cap) || !pool_charge(r->pool, sizeof(*f))) {
		return 0;
	}
	if (i != 0) {
		f = &r->v[i];
		r->free = f->next;
		UNPOISON(f->pkts, 64);
		memset(f, 0, sizeof(*f));
		f = &r->v[r->free];
	} else {
		i = r->n++;
		f = &r->v[i + 1];
	}
	/* The next one, behind the last is room for it. */
	__builtin_prefetch(f, 1);
	__builtin_prefetch((uint8_t *)f + 64, 1);
	__builtin_prefetch((uint8_t *)f + 128, 1);
	return i;
}

static inline void
flow_records_put(struct flow_records *r, struct flow *f)
{
	f->timer = FLOW_TIMER_FREE;
	f->next = r->free;
	r->free = flow_index_of(r, f);
	POISON(f->pkts, 64); /* the sanitizer sees late use */
	pool_discharge(r->pool, sizeof(*f));
}

#endif
