/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aged_table.h - bounded entries found by key and kept by age
 *
 * The caller's entries begin with a struct aged_entry, their key behind it;
 * keys are compared and hashed whole.  Entries lie in one array and on a list
 * by time of last use; when all are taken the oldest makes room.
 *
 * Place    above keyhash.h; below threshold and shared_bits.
 * Threads  one table, one thread.
 * Memory   all of it is reserved by aged_table_init().
 * Cost     one hash.  The index is of open addressing, at most half full;
 *          removal moves later entries back, so that runs stay short however
 *          long the table lives.
 */
#ifndef RULES_AGED_TABLE_H
#define RULES_AGED_TABLE_H

#include "rules/keyhash.h"

#define AGED_MAX_ENTRIES ((size_t)1 << 28)
#define AGED_INDEX_COST (4 * sizeof(uint32_t)) /* of an entry, at most */

struct aged_entry {
	uint32_t hash;
	uint32_t older, newer; /* free ones: 'newer' is the next */
	uint32_t count; /* the caller's */
};

struct aged_table {
	struct keyhash hash;
	uint8_t *entries;
	size_t entry_size, key_size;
	uint32_t n, max; /* n: used at any time */
	uint32_t free, oldest, newest;
	uint32_t *index; /* entry numbers */
	uint32_t mask;
};

/*
 * Room for 'max' entries of 'entry_size' bytes, their key included.  False
 * when 'max' is 0 or above AGED_MAX_ENTRIES, or without memory.
 */
bool aged_table_init(struct aged_table *t, size_t max, size_t entry_size,
		     size_t key_size) MUST_CHECK;
void aged_table_fini(struct aged_table *t);

/* The entry of 'key', or NULL. */
void *aged_table_find(const struct aged_table *t, const void *key);
/* Makes 'entry' the newest. */
void aged_table_touch(struct aged_table *t, void *entry);
/* What the next aged_table_add() pushes out; NULL while there is room. */
const void *aged_table_next_out(const struct aged_table *t);
/* A new entry, the newest, zero behind 'key', which must not be there yet. */
void *aged_table_add(struct aged_table *t, const void *key);
void aged_table_drop(struct aged_table *t, void *entry);

#endif
