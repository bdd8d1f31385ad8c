/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pair_owners.h - which worker has what belongs to a pair of addresses
 *
 * Once a pair, or rather all that share its bucket, has an owner, it keeps it:
 * flows are there.  Who it is makes no difference to what is found, so that it
 * may be the worker with the least to do when the pair first comes.
 *
 * Place    above decode.h, below worker.
 * Threads  shared by all; a bucket is settled once, by whoever is first.
 * Memory   64 KiB, from the heap; given back by free().
 * Cost     a load.
 */
#ifndef SENSOR_PAIR_OWNERS_H
#define SENSOR_PAIR_OWNERS_H

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base.h"

#define PAIR_BUCKETS 65536
#define PAIR_OWNER_NONE UINT_MAX

struct pair_owners {
	unsigned n; /* workers, at most 255 */
	_Atomic uint8_t of[PAIR_BUCKETS]; /* 0: nobody yet; else one more */
};

static inline struct pair_owners *
pair_owners_new(unsigned n_workers)
{
	struct pair_owners *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->n = n_workers;
	}
	return t;
}

/* 'pair' as decode.h hashes it. */
static inline unsigned
pair_owner_known(struct pair_owners *t, uint32_t pair)
{
	return (unsigned)atomic_load_explicit(&t->of[pair % PAIR_BUCKETS],
					      memory_order_relaxed) -
	       1;
}

/* The owner; it becomes 'otherwise' when there was none. */
static inline unsigned
pair_owner(struct pair_owners *t, uint32_t pair, unsigned otherwise)
{
	uint8_t known = 0;

	/* on failure 'known' is what another wrote */
	if (atomic_compare_exchange_strong(&t->of[pair % PAIR_BUCKETS], &known,
					   (uint8_t)(otherwise + 1))) {
		return otherwise;
	}
	return known - 1u;
}

#endif
