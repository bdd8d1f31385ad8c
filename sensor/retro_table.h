/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_table.h - what was seen and is not on disk yet
 *
 * Place    above retro_entry.h; below retro_index.
 * Threads  one.
 * Memory   fixed: 64 bytes an entry and 8 a slot.
 * Cost     one probe, mostly one cache miss, an entry.
 */
#ifndef SENSOR_RETRO_TABLE_H
#define SENSOR_RETRO_TABLE_H

#include "sensor/retro_entry.h"

struct retro_table {
	struct retro_entry *v;
	uint32_t *slot; /* number of an entry + 1; 0: free */
	uint32_t n, cap, mask;
};

/* For 'cap' entries; ERR_NOMEM. */
enum err retro_table_init(struct retro_table *t, uint32_t cap) MUST_CHECK;
void retro_table_fini(struct retro_table *t);
/* False when it is full and has no such entry. */
bool retro_table_add(struct retro_table *t,
		     const struct retro_entry *e) MUST_CHECK;
const struct retro_entry *retro_table_find(const struct retro_table *t,
					   unsigned kind,
					   const uint8_t key[RETRO_KEY_LEN]);
/* In the order of keys. */
void retro_table_sort(struct retro_table *t);
void retro_table_reset(struct retro_table *t);

#endif
