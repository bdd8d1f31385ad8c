/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ioc_table.h - from a 64-bit hash to the numbers of the records that have it
 *
 * Open addressing over two arrays: a byte of the hash per slot, which settles
 * nearly every miss within one cache line, and a record number per slot.
 * Records lie elsewhere; the owner compares them.
 *
 * Place    above base.h; below ioc_set.
 * Threads  built by one thread, then read only.
 * Memory   5 bytes a slot, 1.25 slots a record once settled.
 * Cost     about one cache line per probe.
 */
#ifndef RULES_IOC_TABLE_H
#define RULES_IOC_TABLE_H

#include "common/err.h"

#define IOC_TABLE_NONE UINT32_MAX

struct ioc_table {
	uint32_t *slot;
	uint8_t *tag; /* 0: free */
	uint32_t cap, n;
};

/* The hash of a record that is in the table already. */
typedef uint64_t ioc_table_hash_fn(const void *owner, uint32_t record);

static inline uint8_t
ioc_table_tag(uint64_t hash)
{
	return (uint8_t)hash != 0 ? (uint8_t)hash : 1;
}

/* Where a search for 'hash' begins; any table size will do. */
static inline uint32_t
ioc_table_first(const struct ioc_table *t, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * t->cap >> 32);
}

/* The line where a search for 'hash' begins is on its way. */
static inline void
ioc_table_fetch(const struct ioc_table *t, uint64_t hash)
{
	__builtin_prefetch(t->tag + ioc_table_first(t, hash));
}

/*
 * The next record that may have 'hash', or IOC_TABLE_NONE; '*pos' begins at
 * ioc_table_first().  The table must not be empty.
 */
static inline uint32_t
ioc_table_next(const struct ioc_table *t, uint64_t hash, uint32_t *pos)
{
	uint8_t want = ioc_table_tag(hash);

	while (t->tag[*pos] != 0) {
		uint32_t at = *pos;

		*pos = at + 1 < t->cap ? at + 1 : 0;
		if (t->tag[at] == want) {
			return t->slot[at];
		}
	}
	return IOC_TABLE_NONE;
}

/* Adds a record; the caller has seen that it is not there. */
enum err ioc_table_add(struct ioc_table *t, uint64_t hash, uint32_t record,
		       ioc_table_hash_fn *hash_of,
		       const void *owner) MUST_CHECK;
/* Gives back what growth left over. */
enum err ioc_table_settle(struct ioc_table *t, ioc_table_hash_fn *hash_of,
			  const void *owner) MUST_CHECK;
void ioc_table_fini(struct ioc_table *t);
size_t ioc_table_memory(const struct ioc_table *t);

#endif
