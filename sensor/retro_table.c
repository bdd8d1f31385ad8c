/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_table.h"

#include <stdlib.h>

enum err
retro_table_init(struct retro_table *t, uint32_t cap)
{
	uint32_t slots = 16;

	while (slots < cap * 2) {
		slots *= 2;
	}
	*t = (struct retro_table){ .cap = cap, .mask = slots - 1 };
	t->v = calloc(cap, sizeof(*t->v));
	t->slot = calloc(slots, sizeof(*t->slot));
	if (t->v == NULL || t->slot == NULL) {
		retro_table_fini(t);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void
retro_table_fini(struct retro_table *t)
{
	free(t->v);
	free(t->slot);
	*t = (struct retro_table){ 0 };
}

/* Addresses are chosen by strangers, whom the secret of the others does not
 * stop; mixed well enough, a probe sequence is as short as the table is empty,
 * and what it costs at worst is the table's size, which is bounded. */
static uint32_t
slot_of(const struct retro_table *t, unsigned kind, const uint8_t *key)
{
	uint64_t h = retro_be64(key) * UINT64_C(0xff51afd7ed558ccd);

	h ^= (retro_key_end(kind, key) + kind) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 32;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(h >> 32) & t->mask;
}

const struct retro_entry *
retro_table_find(const struct retro_table *t, unsigned kind,
		 const uint8_t key[RETRO_KEY_LEN])
{
	uint32_t at = slot_of(t, kind, key);

	for (; t->slot[at] != 0; at = (at + 1) & t->mask) {
		const struct retro_entry *e = &t->v[t->slot[at] - 1];

		if (retro_cmp_key(e->kind, e->key, kind, key) == 0) {
			return e;
		}
	}
	return NULL;
}

bool
retro_table_add(struct retro_table *t, const struct retro_entry *e)
{
	uint32_t at = slot_of(t, e->kind, e->key);

	for (; t->slot[at] != 0; at = (at + 1) & t->mask) {
		struct retro_entry *there = &t->v[t->slot[at] - 1];

		if (retro_cmp(there, e) == 0) {
			retro_join(there, e);
			return true;
		}
	}
	if (t->n == t->cap) {
		return false;
	}
	t->v[t->n++] = *e;
	t->slot[at] = t->n;
	return true;
}

static int
by_key(const void *a, const void *b)
{
	return retro_cmp(a, b);
}

void
retro_table_sort(struct retro_table *t)
{
	qsort(t->v, t->n, sizeof(*t->v), by_key);
	memset(t->slot, 0, ((size_t)t->mask + 1) * sizeof(*t->slot));
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t at = slot_of(t, t->v[i].kind, t->v[i].key);

		while (t->slot[at] != 0) {
			at = (at + 1) & t->mask;
		}
		t->slot[at] = i + 1;
	}
}

void
retro_table_reset(struct retro_table *t)
{
	t->n = 0;
	memset(t->slot, 0, ((size_t)t->mask + 1) * sizeof(*t->slot));
}
