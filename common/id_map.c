/* SPDX-License-Identifier: Apache-2.0 */
#include "common/id_map.h"

#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

STATIC_ASSERT(ID_MAP_SECRET >= XXH3_SECRET_SIZE_MIN, "XXH3 reads it all");

enum err
id_map_init(struct id_map *m, bool valued, uint64_t max)
{
	*m = (struct id_map){ .valued = valued, .max = max };
	return getrandom(m->secret, sizeof(m->secret), 0) ==
			       (ssize_t)sizeof(m->secret)
		       ? ERR_OK
		       : ERR_IO;
}

void
id_map_fini(struct id_map *m)
{
	for (size_t i = 0; i < ID_MAP_PARTS; i++) {
		free(m->part[i].keys);
		free(m->part[i].values);
	}
	*m = (struct id_map){ 0 };
}

/* The lowest bits choose the part, the highest the slot. */
static uint32_t
slot_of(const struct id_map_part *p, uint64_t key)
{
	uint32_t at = (uint32_t)((key >> 32) * p->cap >> 32);

	while (p->keys[at] != 0 && p->keys[at] != key) {
		at = at + 1 < p->cap ? at + 1 : 0;
	}
	return at;
}

static bool
grow(struct id_map_part *p, bool valued)
{
	uint32_t cap = MAX(16, p->cap + p->cap / 2);
	struct id_map_part bigger = {
		.keys = calloc(cap, sizeof(*p->keys)),
		.values = valued ? calloc(cap, sizeof(*p->values)) : NULL,
		.n = p->n,
		.cap = cap,
	};

	if (bigger.keys == NULL || (valued && bigger.values == NULL)) {
		free(bigger.keys);
		free(bigger.values);
		return false;
	}
	for (uint32_t i = 0; i < p->cap; i++) {
		uint32_t at;

		if (p->keys[i] == 0) {
			continue;
		}
		at = slot_of(&bigger, p->keys[i]);
		bigger.keys[at] = p->keys[i];
		if (valued) {
			bigger.values[at] = p->values[i];
		}
	}
	free(p->keys);
	free(p->values);
	*p = bigger;
	return true;
}

static uint64_t
key_of(const struct id_map *m, struct view id)
{
	uint64_t key = XXH3_64bits_withSecret(id.p, id.len, m->secret,
					      sizeof(m->secret));

	return key != 0 ? key : 1;
}

enum err
id_map_put(struct id_map *m, struct view id, bool *known, uint64_t **value)
{
	uint64_t key = key_of(m, id);
	struct id_map_part *p = &m->part[key % ID_MAP_PARTS];
	uint32_t at;

	if (p->n >= p->cap - p->cap / 4 && !grow(p, m->valued)) {
		return ERR_NOMEM;
	}
	at = slot_of(p, key);
	*known = p->keys[at] == key;
	if (!*known) {
		if (m->n == m->max) {
			return ERR_LIMIT;
		}
		p->keys[at] = key;
		p->n++;
		m->n++;
	}
	if (value != NULL && m->valued) {
		*value = &p->values[at];
	}
	return ERR_OK;
}

uint64_t *
id_map_get(const struct id_map *m, struct view id)
{
	uint64_t key = key_of(m, id);
	const struct id_map_part *p = &m->part[key % ID_MAP_PARTS];
	uint32_t at;

	if (p->n == 0) {
		return NULL;
	}
	at = slot_of(p, key);
	return p->keys[at] == key ? &p->values[at] : NULL;
}
