/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_index.h - from a flow's hash to its record, one cache line away
 *
 * Internal header, included only by flow*.c.
 *
 * A bucket is one cache line: for each of seven flows 16 bits of the hash to
 * tell them apart (the tag), 16 bits that say where the flow goes when the
 * bucket is split, and the record's index.  What does not fit hangs in a
 * chain through the records.  A lookup thus reads one line, and nearly always
 * only the record that it wants.
 *
 * The index grows by splitting its buckets one after the other (linear
 * hashing), a few with each new flow once there are more than 4.5 flows to a
 * bucket: nothing ever stops to rehash, and a split reads no record.  It does
 * not shrink.
 *
 * Place    between flow.h and flow.c.
 * Threads  one worker.
 * Memory   a region (common/pool.h), charged bucket by bucket: 14 to 29 bytes
 *          for each flow.
 * Cost     see above; a chain costs one record more for each link.
 */
#ifndef SENSOR_FLOW_INDEX_H
#define SENSOR_FLOW_INDEX_H

#include "sensor/flow_records.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define FLOW_LANES 7

struct flow_bucket {
	uint16_t tag[8]; /* 0: free; the last one is never used */
	uint16_t more[8]; /* bits 8 to 23 of the hash */
	uint32_t at[FLOW_LANES];
	uint32_t over; /* chain of those that had no room; 0: none */
} __attribute__((aligned(64)));
STATIC_ASSERT(sizeof(struct flow_bucket) == 64, "one cache line");

struct flow_index {
	struct flow_bucket *v;
	uint32_t mask; /* of the buckets there were before splitting began */
	uint32_t split; /* those below this were split */
	uint32_t cap; /* buckets at most */
	uint64_t n_flows;
	struct flow_records *rec;
};

/* Room for 'max_flows', 'start' buckets to begin with. */
bool flow_index_init(struct flow_index *ix, struct flow_records *rec,
		     uint64_t start, uint64_t max_flows);
/* Has the pages that 'n_flows' need come into being. */
void flow_index_warm(struct flow_index *ix, uint64_t n_flows);
void flow_index_fini(struct flow_index *ix);
/* Forgets every flow. */
void flow_index_reset(struct flow_index *ix);
uint64_t flow_index_bytes(const struct flow_index *ix);

void flow_index_add(struct flow_index *ix, uint32_t i);
void flow_index_remove(struct flow_index *ix, uint32_t i);

static inline uint16_t
flow_tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48); /* bit 63 is always set */
}

static inline struct flow_bucket *
flow_bucket_of(const struct flow_index *ix, uint64_t hash)
{
	uint32_t i = (uint32_t)hash & ix->mask;

	if (i < ix->split) {
		i = (uint32_t)hash & (ix->mask * 2 + 1);
	}
	return &ix->v[i];
}

/*
 * Lanes whose tag is 'tag': lane i is told by bits 2i and 2i + 1.
 */
static inline uint32_t
flow_bucket_lanes(const struct flow_bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	__m128i t = _mm_load_si128((const __m128i *)(const void *)b->tag);

	t = _mm_cmpeq_epi16(t, _mm_set1_epi16((short)tag));
	return (uint32_t)_mm_movemask_epi8(t) & 0x3fff;
#else
	uint32_t m = 0;

	for (unsigned i = 0; i < FLOW_LANES; i++) {
		m |= (b->tag[i] == tag ? (uint32_t)3 : 0) << (2 * i);
	}
	return m;
#endif
}

static inline unsigned
flow_first_lane(uint32_t lanes)
{
	return (unsigned)__builtin_ctz(lanes) / 2;
}

static inline uint32_t
flow_next_lanes(uint32_t lanes)
{
	lanes &= lanes - 1;
	return lanes & (lanes - 1);
}

#endif
