/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/name_table.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

void
name_table_init(struct name_table *t, struct arena *a)
{
	*t = (struct name_table){ .arena = a };
}

void
name_table_fini(struct name_table *t)
{
	free(t->names);
	free(t->slots);
	*t = (struct name_table){ .arena = NULL };
}

static uint32_t *
slot_of(const struct name_table *t, uint32_t *slots, uint32_t n_slots,
	struct view name)
{
	uint32_t i = (uint32_t)XXH3_64bits(name.p, name.len) & (n_slots - 1);

	while (slots[i] != 0 &&
	       !view_eq(view_cstr(t->names[slots[i] - 1]), name)) {
		i = (i + 1) & (n_slots - 1);
	}
	return &slots[i];
}

static bool
grow(struct name_table *t)
{
	uint32_t cap = t->cap == 0 ? 64 : t->cap * 2;
	const char **names = realloc(t->names, cap * sizeof(*names));
	uint32_t *slots;

	if (names == NULL) {
		return false;
	}
	t->names = names;
	slots = calloc((size_t)cap * 2, sizeof(*slots));
	if (slots == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		*slot_of(t, slots, cap * 2, view_cstr(names[i])) = i + 1;
	}
	free(t->slots);
	t->slots = slots;
	t->n_slots = cap * 2;
	t->cap = cap;
	return true;
}

bool
name_table_add(struct name_table *t, struct view name, uint32_t *id)
{
	uint32_t *slot;
	char *copy;

	if (t->n == t->cap && !grow(t)) {
		return false;
	}
	slot = slot_of(t, t->slots, t->n_slots, name);
	if (*slot == 0) {
		copy = arena_alloc(t->arena, name.len + 1);
		if (copy == NULL) {
			return false;
		}
		memcpy(copy, name.p, name.len);
		copy[name.len] = '\0';
		t->names[t->n++] = copy;
		*slot = t->n;
	}
	*id = *slot - 1;
	return true;
}

bool
name_table_copy(struct name_table *t, const struct name_table *from)
{
	uint32_t id;

	for (uint32_t i = 0; i < from->n; i++) {
		if (!name_table_add(t, view_cstr(from->names[i]), &id)) {
			return false;
		}
	}
	return true;
}
