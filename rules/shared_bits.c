/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/shared_bits.h"

#include <stdlib.h>

#include "rules/aged_table.h"

#define ENTRY_COST (sizeof(struct entry) + AGED_INDEX_COST)

struct entry {
	struct aged_entry aged;
	struct shared_bit bit;
	uint64_t end_s;
};
STATIC_ASSERT(offsetof(struct entry, bit) == sizeof(struct aged_entry),
	      "the key follows");

struct shared_bits {
	struct aged_table table; /* by time of setting */
	uint64_t evicted;
};

struct shared_bits *
shared_bits_new(size_t memcap)
{
	size_t max = MIN(memcap / ENTRY_COST, AGED_MAX_ENTRIES);
	struct shared_bits *t = calloc(1, sizeof(*t));

	if (t != NULL && !aged_table_init(&t->table, max, sizeof(struct entry),
					  sizeof(struct shared_bit))) {
		free(t);
		t = NULL;
	}
	return t;
}

void
shared_bits_free(struct shared_bits *t)
{
	if (t != NULL) {
		aged_table_fini(&t->table);
		free(t);
	}
}

bool
shared_bits_has(struct shared_bits *t, const struct shared_bit *bit,
		uint64_t now_s)
{
	struct entry *e = aged_table_find(&t->table, bit);

	if (e != NULL && e->end_s < now_s) {
		aged_table_drop(&t->table, e);
		e = NULL;
	}
	return e != NULL;
}

void
shared_bits_set(struct shared_bits *t, const struct shared_bit *bit,
		uint64_t now_s, uint64_t end_s)
{
	struct entry *e = aged_table_find(&t->table, bit);

	if (e != NULL) {
		aged_table_touch(&t->table, e);
	} else {
		const struct entry *out = aged_table_next_out(&t->table);

		t->evicted += out != NULL && out->end_s >= now_s;
		e = aged_table_add(&t->table, bit);
	}
	e->end_s = end_s;
}

void
shared_bits_unset(struct shared_bits *t, const struct shared_bit *bit)
{
	struct entry *e = aged_table_find(&t->table, bit);

	if (e != NULL) {
		aged_table_drop(&t->table, e);
	}
}

uint64_t
shared_bits_evicted(const struct shared_bits *t)
{
	return t != NULL ? t->evicted : 0;
}
