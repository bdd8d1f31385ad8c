/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_table.h"

#include <stdlib.h>

#include "common/pool.h"

#define MIN_CAP 16
#define LARGE ((size_t)4 << 20)

/* At most four slots of five are taken, so a search always ends. */
static uint32_t
room(uint32_t cap)
{
	return cap - cap / 5 - 1;
}

static void
put(struct ioc_table *t, uint64_t hash, uint32_t record)
{
	uint32_t pos = ioc_table_first(t, hash);

	while (t->tag[pos] != 0) {
		pos = pos + 1 < t->cap ? pos + 1 : 0;
	}
	t->tag[pos] = ioc_table_tag(hash);
	t->slot[pos] = record;
}

/* In pages of its own once it is large: then they are large, too, and a look
 * into it is not one into the tables of pages besides. */
static void *
block_get(size_t size)
{
	return size < LARGE ? calloc(1, size) : pool_region_get(size);
}

static void
block_put(void *block, size_t size)
{
	if (size < LARGE) {
		free(block);
	} else {
		pool_region_put(block, size);
	}
}

static enum err
resize(struct ioc_table *t, uint32_t cap, ioc_table_hash_fn *hash_of,
       const void *owner)
{
	struct ioc_table fresh = { .cap = cap, .n = t->n };

	fresh.slot = block_get(cap * sizeof(*fresh.slot));
	fresh.tag = block_get(cap * sizeof(*fresh.tag));
	if (fresh.slot == NULL || fresh.tag == NULL) {
		ioc_table_fini(&fresh);
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < t->cap; i++) {
		if (t->tag[i] != 0) {
			put(&fresh, hash_of(owner, t->slot[i]), t->slot[i]);
		}
	}
	ioc_table_fini(t);
	*t = fresh;
	return ERR_OK;
}

enum err
ioc_table_add(struct ioc_table *t, uint64_t hash, uint32_t record,
	      ioc_table_hash_fn *hash_of, const void *owner)
{
	if (t->cap == 0 || t->n >= room(t->cap)) {
		uint64_t cap = MAX(MIN_CAP, (uint64_t)t->cap * 3 / 2);
		enum err e;

		if (cap > UINT32_MAX) {
			return ERR_LIMIT;
		}
		e = resize(t, (uint32_t)cap, hash_of, owner);
		if (e != ERR_OK) {
			return e;
		}
	}
	put(t, hash, record);
	t->n++;
	return ERR_OK;
}

enum err
ioc_table_settle(struct ioc_table *t, ioc_table_hash_fn *hash_of,
		 const void *owner)
{
	uint64_t cap = (uint64_t)t->n + t->n / 4 + 4;

	return cap < t->cap ? resize(t, (uint32_t)cap, hash_of, owner) : ERR_OK;
}

void
ioc_table_fini(struct ioc_table *t)
{
	block_put(t->slot, t->cap * sizeof(*t->slot));
	block_put(t->tag, t->cap * sizeof(*t->tag));
	*t = (struct ioc_table){ 0 };
}

size_t
ioc_table_memory(const struct ioc_table *t)
{
	return t->cap * (sizeof(*t->slot) + sizeof(*t->tag));
}
