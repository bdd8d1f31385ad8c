/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flow_index.h"

/* 'more' begins at bit 8 of the hash: no fewer buckets than that tells. */
#define MORE_SHIFT 8
#define MIN_BUCKETS ((uint32_t)1 << MORE_SHIFT)
#define MAX_BUCKETS ((uint32_t)1 << (MORE_SHIFT + 16))

/* Splitting begins at 9/2 flows to a bucket.  Four buckets with each new flow
 * are done before there are 4.75; halved, they are at 2.4. */
#define GROW_NUM 9
#define GROW_DEN 2
#define SPLITS_AT_ONCE 4

static uint32_t
power_of_two(uint64_t want)
{
	uint32_t n = MIN_BUCKETS;

	while (n < want && n < MAX_BUCKETS) {
		n *= 2;
	}
	return n;
}

bool
flow_index_init(struct flow_index *ix, struct flow_records *rec, uint64_t start,
		uint64_t max_flows)
{
	uint32_t n = power_of_two(start);

	*ix = (struct flow_index){ .rec = rec };
	ix->cap = MAX(n, power_of_two(max_flows * GROW_DEN / GROW_NUM));
	if (!pool_charge(rec->pool, n * sizeof(*ix->v))) {
		return false;
	}
	ix->v = pool_region_get(ix->cap * sizeof(*ix->v));
	if (ix->v == NULL) {
		pool_discharge(rec->pool, n * sizeof(*ix->v));
		return false;
	}
	ix->mask = n - 1;
	return true;
}

void
flow_index_warm(struct flow_index *ix, uint64_t n_flows)
{
	uint64_t n = MAX(ix->mask + 1, n_flows * GROW_DEN / GROW_NUM);

	pool_region_warm(ix->v, MIN(n, ix->cap) * sizeof(*ix->v));
}

uint64_t
flow_index_bytes(const struct flow_index *ix)
{
	return ((uint64_t)ix->mask + 1 + ix->split) * sizeof(*ix->v);
}

void
flow_index_fini(struct flow_index *ix)
{
	if (ix->v != NULL) {
		pool_discharge(ix->rec->pool, flow_index_bytes(ix));
		pool_region_put(ix->v, ix->cap * sizeof(*ix->v));
	}
}

void
flow_index_reset(struct flow_index *ix)
{
	memset(ix->v, 0, flow_index_bytes(ix));
	ix->n_flows = 0;
}

static void
set_lane(struct flow_bucket *b, unsigned lane, uint64_t hash, uint32_t i)
{
	b->tag[lane] = flow_tag_of(hash);
	b->more[lane] = (uint16_t)(hash >> MORE_SHIFT);
	b->at[lane] = i;
}

static void
put_in(struct flow_index *ix, struct flow_bucket *b, uint64_t hash, uint32_t i)
{
	uint32_t room = flow_bucket_lanes(b, 0);

	if (LIKELY(room != 0)) {
		set_lane(b, flow_first_lane(room), hash, i);
	} else {
		ix->rec->v[i].chain = b->over;
		b->over = i;
	}
}

/* Moves what belongs into the new bucket; 'more' tells without the records. */
static void
split_lanes(struct flow_bucket *from, struct flow_bucket *to, uint16_t bit)
{
	unsigned n = 0;

	for (unsigned lane = 0; lane < FLOW_LANES; lane++) {
		if (from->tag[lane] != 0 && (from->more[lane] & bit) != 0) {
			to->tag[n] = from->tag[lane];
			to->more[n] = from->more[lane];
			to->at[n++] = from->at[lane];
			from->tag[lane] = 0;
		}
	}
}

static void
split_one(struct flow_index *ix)
{
	uint32_t n = ix->mask + 1;
	struct flow_bucket *from = &ix->v[ix->split];
	struct flow_bucket *to = &ix->v[n + ix->split];
	uint32_t i = from->over, after;

	split_lanes(from, to, (uint16_t)(n >> MORE_SHIFT));
	from->over = 0;
	for (; i != 0; i = after) {
		uint64_t hash = ix->rec->v[i].hash;

		after = ix->rec->v[i].chain;
		put_in(ix, (hash & n) != 0 ? to : from, hash, i);
	}
	if (++ix->split == n) {
		ix->mask = n * 2 - 1;
		ix->split = 0;
	}
}

static void
grow(struct flow_index *ix)
{
	if (ix->mask + 1 + ix->split >= ix->cap ||
	    !pool_charge(ix->rec->pool, SPLITS_AT_ONCE * sizeof(*ix->v))) {
		return; /* chains grow longer instead */
	}
	for (unsigned k = 0; k < SPLITS_AT_ONCE; k++) {
		split_one(ix);
	}
}

void
flow_index_add(struct flow_index *ix, uint32_t i)
{
	uint64_t hash = ix->rec->v[i].hash;

	ix->n_flows++;
	if (UNLIKELY(ix->split != 0 ||
		     ix->n_flows * GROW_DEN >
			     ((uint64_t)ix->mask + 1) * GROW_NUM)) {
		grow(ix);
	}
	put_in(ix, flow_bucket_of(ix, hash), hash, i);
}

/* A lane is free: the first of the chain takes it. */
static void
refill(struct flow_index *ix, struct flow_bucket *b, unsigned lane)
{
	uint32_t i = b->over;

	if (LIKELY(i == 0)) {
		b->tag[lane] = 0;
		return;
	}
	b->over = ix->rec->v[i].chain;
	set_lane(b, lane, ix->rec->v[i].hash, i);
}

void
flow_index_remove(struct flow_index *ix, uint32_t i)
{
	uint64_t hash = ix->rec->v[i].hash;
	struct flow_bucket *b = flow_bucket_of(ix, hash);
	uint32_t lanes = flow_bucket_lanes(b, flow_tag_of(hash));
	uint32_t *at = &b->over;

	ix->n_flows--;
	for (; lanes != 0; lanes = flow_next_lanes(lanes)) {
		if (b->at[flow_first_lane(lanes)] == i) {
			refill(ix, b, flow_first_lane(lanes));
			return;
		}
	}
	while (*at != i) {
		at = &ix->rec->v[*at].chain;
	}
	*at = ix->rec->v[i].chain;
}
