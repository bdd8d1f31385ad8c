/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/aged_table.h"

#include <stdlib.h>

#define NONE UINT32_MAX

static struct aged_entry *
at(const struct aged_table *t, uint32_t i)
{
	return (struct aged_entry *)(void *)(t->entries + i * t->entry_size);
}

static uint32_t
number_of(const struct aged_table *t, const void *entry)
{
	return (uint32_t)((size_t)((const uint8_t *)entry - t->entries) /
			  t->entry_size);
}

bool
aged_table_init(struct aged_table *t, size_t max, size_t entry_size,
		size_t key_size)
{
	size_t cap = 8;

	memset(t, 0, sizeof(*t));
	if (max == 0 || max > AGED_MAX_ENTRIES) {
		return false;
	}
	while (cap < 2 * max) {
		cap *= 2;
	}
	t->entries = calloc(max, entry_size);
	t->index = malloc(cap * sizeof(*t->index));
	if (t->entries == NULL || t->index == NULL ||
	    keyhash_init(&t->hash) != ERR_OK) {
		aged_table_fini(t);
		return false;
	}
	memset(t->index, 0xff, cap * sizeof(*t->index));
	t->entry_size = entry_size;
	t->key_size = key_size;
	t->mask = (uint32_t)cap - 1;
	t->max = (uint32_t)max;
	t->free = t->oldest = t->newest = NONE;
	return true;
}

void
aged_table_fini(struct aged_table *t)
{
	free(t->entries);
	free(t->index);
	memset(t, 0, sizeof(*t));
}

static uint32_t
hash_of(const struct aged_table *t, const void *key)
{
	return (uint32_t)keyhash(&t->hash, view_of(key, t->key_size));
}

/* The index position of 'key', or the free one where it belongs. */
static uint32_t
position(const struct aged_table *t, const void *key, uint32_t hash)
{
	uint32_t pos = hash & t->mask;

	while (t->index[pos] != NONE) {
		const struct aged_entry *e = at(t, t->index[pos]);

		if (e->hash == hash && memcmp(e + 1, key, t->key_size) == 0) {
			break;
		}
		pos = (pos + 1) & t->mask;
	}
	return pos;
}

static void
unlist(struct aged_table *t, const struct aged_entry *e)
{
	if (e->older != NONE) {
		at(t, e->older)->newer = e->newer;
	} else {
		t->oldest = e->newer;
	}
	if (e->newer != NONE) {
		at(t, e->newer)->older = e->older;
	} else {
		t->newest = e->older;
	}
}

static void
enlist(struct aged_table *t, struct aged_entry *e)
{
	uint32_t i = number_of(t, e);

	e->older = t->newest;
	e->newer = NONE;
	if (t->newest != NONE) {
		at(t, t->newest)->newer = i;
	} else {
		t->oldest = i;
	}
	t->newest = i;
}

void *
aged_table_find(const struct aged_table *t, const void *key)
{
	uint32_t i = t->index[position(t, key, hash_of(t, key))];

	return i != NONE ? at(t, i) : NULL;
}

void
aged_table_touch(struct aged_table *t, void *entry)
{
	unlist(t, entry);
	enlist(t, entry);
}

const void *
aged_table_next_out(const struct aged_table *t)
{
	return t->free == NONE && t->n == t->max ? at(t, t->oldest) : NULL;
}

void
aged_table_drop(struct aged_table *t, void *entry)
{
	struct aged_entry *e = entry;
	uint32_t hole = position(t, e + 1, e->hash), pos = hole;

	for (;;) {
		uint32_t home;

		pos = (pos + 1) & t->mask;
		if (t->index[pos] == NONE) {
			break;
		}
		home = at(t, t->index[pos])->hash & t->mask;
		/* moves back unless its home lies after the hole */
		if (((pos - home) & t->mask) >= ((pos - hole) & t->mask)) {
			t->index[hole] = t->index[pos];
			hole = pos;
		}
	}
	t->index[hole] = NONE;
	unlist(t, e);
	e->newer = t->free;
	t->free = number_of(t, e);
}

void *
aged_table_add(struct aged_table *t, const void *key)
{
	uint32_t hash = hash_of(t, key), i = t->free;
	struct aged_entry *e;

	if (i == NONE && t->n < t->max) {
		i = t->n++;
		e = at(t, i);
	} else {
		if (i == NONE) {
			aged_table_drop(t, at(t, t->oldest));
			i = t->free;
		}
		e = at(t, i);
		t->free = e->newer;
	}
	memset(e, 0, t->entry_size);
	memcpy(e + 1, key, t->key_size);
	e->hash = hash;
	t->index[position(t, key, hash)] = i;
	enlist(t, e);
	return e;
}
