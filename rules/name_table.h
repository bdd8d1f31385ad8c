/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name_table.h - names to small numbers, in order of first use
 *
 * Place    above common/.
 * Threads  one thread while it grows, then read only.
 * Memory   names are the arena's, the index is heap.
 * Cost     one hash probe.
 */
#ifndef RULES_NAME_TABLE_H
#define RULES_NAME_TABLE_H

#include "common/arena.h"

struct name_table {
	struct arena *arena;
	const char **names;
	uint32_t n, cap;
	uint32_t *slots; /* number + 1; 0 is free */
	uint32_t n_slots;
};

void name_table_init(struct name_table *t, struct arena *a);
void name_table_fini(struct name_table *t);
/* The number of 'name', new when it was not known; false without memory. */
bool name_table_add(struct name_table *t, struct view name,
		    uint32_t *id) MUST_CHECK;

/* The names of 'from', with their numbers, into an empty table. */
bool name_table_copy(struct name_table *t,
		     const struct name_table *from) MUST_CHECK;

#endif
