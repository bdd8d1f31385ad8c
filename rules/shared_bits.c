/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/shared_bits.h"

#include <stdlib.h>

#include "rules/keyhash.h"

/*
 * Entries lie in one array, on one list by time of setting or on the list of
 * free ones.  An index of open addressing, at most half full, leads from bit
 * to entry; removal moves later entries back, so that runs stay short.
 */
#define NONE UINT32_MAX
#define MAX_ENTRIES ((size_t)1 << 28)
#define ENTRY_COST (sizeof(struct entry) + 4 * sizeof(uint32_t))

struct entry {
	struct shared_bit bit;
	uint64_t end_s;
	uint32_t hash;
	uint32_t older, newer; /* free ones: 'newer' is the next */
};

struct shared_bits {
	struct keyhash hash;
	struct entry *entries;
	uint32_t n, max; /* n: used at any time */
	uint32_t free, oldest, newest;
	uint32_t *index; /* entry numbers or NONE */
	uint32_t mask;
	uint64_t evicted;
};

struct shared_bits *
shared_bits_new(size_t memcap)
{
	size_t max = MIN(memcap / ENTRY_COST, MAX_ENTRIES), cap = 8;
	struct shared_bits *t;

	if (max == 0) {
		return NULL;
	}
	while (cap < 2 * max) {
		cap *= 2;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL) {
		return NULL;
	}
	t->entries = calloc(max, sizeof(*t->entries));
	t->index = malloc(cap * sizeof(*t->index));
	if (t->entries == NULL || t->index == NULL ||
	    keyhash_init(&t->hash) != ERR_OK) {
		shared_bits_free(t);
		return NULL;
	}
	memset(t->index, 0xff, cap * sizeof(*t->index));
	t->mask = (uint32_t)cap - 1;
	t->max = (uint32_t)max;
	t->free = t->oldest = t->newest = NONE;
	return t;
}

void
shared_bits_free(struct shared_bits *t)
{
	if (t != NULL) {
		free(t->entries);
		free(t->index);
		free(t);
	}
}

static uint32_t
hash_of(const struct shared_bits *t, const struct shared_bit *bit)
{
	return (uint32_t)keyhash(&t->hash, view_of(bit, sizeof(*bit)));
}

/* The index position of 'bit', or the free one where it belongs. */
static uint32_t
position(const struct shared_bits *t, const struct shared_bit *bit,
	 uint32_t hash)
{
	uint32_t pos = hash & t->mask;

	while (t->index[pos] != NONE) {
		const struct entry *e = &t->entries[t->index[pos]];

		if (e->hash == hash &&
		    memcmp(&e->bit, bit, sizeof(*bit)) == 0) {
			break;
		}
		pos = (pos + 1) & t->mask;
	}
	return pos;
}

static void
unlist(struct shared_bits *t, uint32_t i)
{
	const struct entry *e = &t->entries[i];

	if (e->older != NONE) {
		t->entries[e->older].newer = e->newer;
	} else {
		t->oldest = e->newer;
	}
	if (e->newer != NONE) {
		t->entries[e->newer].older = e->older;
	} else {
		t->newest = e->older;
	}
}

static void
enlist(struct shared_bits *t, uint32_t i)
{
	struct entry *e = &t->entries[i];

	e->older = t->newest;
	e->newer = NONE;
	if (t->newest != NONE) {
		t->entries[t->newest].newer = i;
	} else {
		t->oldest = i;
	}
	t->newest = i;
}

/* Takes the entry at index position 'hole' out of index and list. */
static void
drop(struct shared_bits *t, uint32_t hole)
{
	uint32_t i = t->index[hole], pos = hole;

	for (;;) {
		uint32_t home;

		pos = (pos + 1) & t->mask;
		if (t->index[pos] == NONE) {
			break;
		}
		home = t->entries[t->index[pos]].hash & t->mask;
		/* moves back unless its home lies after the hole */
		if (((pos - home) & t->mask) >= ((pos - hole) & t->mask)) {
			t->index[hole] = t->index[pos];
			hole = pos;
		}
	}
	t->index[hole] = NONE;
	unlist(t, i);
	t->entries[i].newer = t->free;
	t->free = i;
}

/* A fresh entry; the one set the longest ago when all are taken. */
static uint32_t
take(struct shared_bits *t, uint64_t now_s)
{
	uint32_t i;

	if (t->free == NONE && t->n < t->max) {
		return t->n++;
	}
	if (t->free == NONE) {
		const struct entry *e = &t->entries[t->oldest];

		t->evicted += e->end_s >= now_s;
		drop(t, position(t, &e->bit, e->hash));
	}
	i = t->free;
	t->free = t->entries[i].newer;
	return i;
}

bool
shared_bits_has(struct shared_bits *t, const struct shared_bit *bit,
		uint64_t now_s)
{
	uint32_t pos = position(t, bit, hash_of(t, bit));

	if (t->index[pos] == NONE) {
		return false;
	}
	if (t->entries[t->index[pos]].end_s < now_s) {
		drop(t, pos);
		return false;
	}
	return true;
}

void
shared_bits_set(struct shared_bits *t, const struct shared_bit *bit,
		uint64_t now_s, uint64_t end_s)
{
	uint32_t hash = hash_of(t, bit);
	uint32_t i = t->index[position(t, bit, hash)];

	if (i != NONE) {
		unlist(t, i);
	} else {
		i = take(t, now_s);
		t->entries[i].bit = *bit;
		t->entries[i].hash = hash;
		/* an eviction may have moved the free position */
		t->index[position(t, bit, hash)] = i;
	}
	t->entries[i].end_s = end_s;
	enlist(t, i);
}

void
shared_bits_unset(struct shared_bits *t, const struct shared_bit *bit)
{
	uint32_t pos = position(t, bit, hash_of(t, bit));

	if (t->index[pos] != NONE) {
		drop(t, pos);
	}
}

uint64_t
shared_bits_evicted(const struct shared_bits *t)
{
	return t != NULL ? t->evicted : 0;
}
