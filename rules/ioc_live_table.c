/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of records, and what is freed when nobody looks any more. */
#include <assert.h>
#include <stdlib.h>

#include "rules/ioc_live_db.h"

/* Of slots, so that a search ends soon and always ends. */
static uint32_t
limit(uint32_t cap)
{
	return cap - cap / 5 - 1;
}

static size_t
block_size(uint32_t cap, size_t room)
{
	return sizeof(struct live_table) + (size_t)cap * 5 + 4 + room;
}

static struct live_table *
table_new(uint32_t cap, size_t room)
{
	struct live_table *t = malloc(block_size(cap, room));

	if (t != NULL) {
		t->cap = cap;
		t->room = room;
		t->slot = (uint32_t *)(t + 1);
		t->rec = (uint8_t *)(t->slot + cap);
		t->tag = t->rec + room;
		memset(t->slot, 0, cap * sizeof(t->slot[0]));
		memset(t->tag, 0, cap);
	}
	return t;
}

/* Behind the others, then its slot: what a reader finds is whole. */
static void
put_at(struct live_shard *s, uint32_t at, const uint8_t *rec, size_t size)
{
	struct live_table *t = s->t;

	assert(t->room - s->used >= size);
	memcpy(t->rec + s->used, rec, size);
	__atomic_store_n(&t->slot[at], (uint32_t)(s->used / 4) + SLOT_FIRST,
			 __ATOMIC_RELEASE);
	s->used += size;
}

void
live_table_put(struct live_shard *s, uint64_t hash, const uint8_t *rec,
	       size_t size)
{
	struct live_table *t = s->t;
	uint32_t at = live_first(t, hash);

	while (t->slot[at] >= SLOT_FIRST) {
		at = at + 1 < t->cap ? at + 1 : 0;
	}
	s->taken += t->slot[at] == SLOT_EMPTY;
	put_at(s, at, rec, size);
	__atomic_store_n(&t->tag[at], live_tag(hash), __ATOMIC_RELEASE);
	s->n++;
}

static size_t
size_at(const struct live_table *t, uint32_t at)
{
	struct live_rec r;

	live_read(t->rec + (size_t)(t->slot[at] - SLOT_FIRST) * 4, &r);
	return r.size;
}

void
live_table_replace(struct live_shard *s, uint32_t at, const uint8_t *rec,
		   size_t size)
{
	s->dead += size_at(s->t, at);
	put_at(s, at, rec, size);
}

void
live_table_remove(struct live_shard *s, uint32_t at)
{
	s->dead += size_at(s->t, at);
	s->n--;
	__atomic_store_n(&s->t->slot[at], SLOT_GONE, __ATOMIC_RELEASE);
}

static void
copy_all(const struct ioc_live *l, const struct live_table *from,
	 struct live_shard *to)
{
	for (uint32_t i = 0; i < from->cap; i++) {
		const uint8_t *rec;
		struct live_rec r;
		uint64_t hash;

		if (from->slot[i] < SLOT_FIRST) {
			continue;
		}
		rec = from->rec + (size_t)(from->slot[i] - SLOT_FIRST) * 4;
		live_read(rec, &r);
		if (live_hash(l, live_type(live_head(rec)), r.value, &hash)) {
			live_table_put(to, hash, rec, r.size);
		}
	}
}

enum err
live_table_room(struct ioc_live *l, struct live_shard *s, size_t size)
{
	struct live_table *old = s->t;
	struct live_shard next = { .n = 0 };
	size_t left, room;
	uint64_t cap;

	if (old != NULL && old->room - s->used >= size &&
	    s->taken < limit(old->cap)) {
		return ERR_OK;
	}
	/* An eighth to spare; what is gone is left behind. */
	left = s->used - s->dead + size;
	room = (left + left / 8 + 256) & ~(size_t)3;
	cap = ((uint64_t)s->n + 1) * 45 / 32 + 8;
	if (cap > UINT32_MAX || room / 4 > UINT32_MAX - SLOT_FIRST) {
		return ERR_LIMIT;
	}
	next.t = table_new((uint32_t)cap, room);
	if (next.t == NULL) {
		return ERR_NOMEM;
	}
	if (old != NULL) {
		copy_all(l, old, &next);
	}
	live_memory(l, block_size(next.t->cap, next.t->room),
		    old != NULL ? block_size(old->cap, old->room) : 0);
	s->used = next.used;
	s->dead = 0;
	s->taken = next.taken;
	s->n = next.n;
	s->built++;
	__atomic_store_n(&s->t, next.t, __ATOMIC_RELEASE);
	if (old != NULL) {
		live_retire(l, old, UINT32_MAX);
	}
	return ERR_OK;
}

/* --- what readers may still see --- */

void
live_retire(struct ioc_live *l, void *p, uint32_t note)
{
	if (l->n_retired == l->cap_retired) {
		size_t cap = MAX(l->cap_retired * 2, (size_t)64);
		void *v = realloc(l->retired, cap * sizeof(*l->retired));

		if (v == NULL) {
			/* lost for good: better than freed under a reader */
			return;
		}
		l->retired = v;
		l->cap_retired = cap;
	}
	/* Who enters from now on has another number, and sees what replaced
	 * it. */
	l->retired[l->n_retired++] = (struct live_retired){
		.p = p, .since = atomic_fetch_add(&l->epoch, 1), .note = note
	};
}

/* The oldest that a reader may be in; UINT64_MAX: nobody reads. */
static uint64_t
oldest_reader(struct ioc_live *l)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < IOC_LIVE_READERS; i++) {
		uint64_t since = atomic_load(&l->reader[i].since);

		if (since != 0 && since < oldest) {
			oldest = since;
		}
	}
	return oldest;
}

void
ioc_live_reclaim(struct ioc_live *l)
{
	uint64_t oldest;
	size_t n = 0;

	if (l->n_retired == 0) {
		return;
	}
	oldest = oldest_reader(l);
	while (n < l->n_retired && l->retired[n].since < oldest) {
		const struct live_retired *r = &l->retired[n++];

		if (r->note != UINT32_MAX) {
			live_note_free_number(l, r->note);
		}
		free(r->p);
	}
	if (n == 0) {
		return;
	}
	l->n_retired -= n;
	memmove(l->retired, l->retired + n, l->n_retired * sizeof(*l->retired));
}
