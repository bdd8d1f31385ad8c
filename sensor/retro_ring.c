/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_ring.h"

#include <sched.h>

#define SWEEP_STEP 256 /* slots a round */

void
retro_ring_init(struct retro_ring *r, struct retro_entry *room, unsigned bits,
		bool patient)
{
	r->v = room;
	r->mask = (UINT32_C(1) << bits) - 1;
	r->patient = patient;
}

static bool
has_room(struct retro_ring *r, uint64_t head)
{
	if (LIKELY(head - r->tail_seen <= r->mask)) {
		return true;
	}
	r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
	return head - r->tail_seen <= r->mask;
}

static void
put(struct retro_ring *r, const struct retro_entry *e)
{
	uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	while (UNLIKELY(!has_room(r, head))) {
		if (!r->patient) {
			r->count.lost++;
			return;
		}
		(void)sched_yield();
	}
	r->v[head & r->mask] = *e;
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

/* What was folded into 's' goes on; it remembers that it did. */
static void
let_go(struct retro_ring *r, struct retro_entry *s)
{
	put(r, s);
	s->count = 0;
	s->first_s = s->last_s;
}

static inline size_t
recent_slot(unsigned kind, const uint8_t *key)
{
	STATIC_ASSERT(RETRO_RECENT == 1 << 12, "what the shift leaves");
	uint64_t h = retro_key_end(kind, key) ^ retro_be64(key) << 1 ^ kind;

	return (size_t)(h * UINT64_C(0x9e3779b97f4a7c15) >> 52);
}

bool
retro_ring_is_recent(const struct retro_ring *r, unsigned kind,
		     const uint8_t key[RETRO_KEY_LEN])
{
	const struct retro_entry *s = &r->recent[recent_slot(kind, key)];

	return s->last_s != 0 && retro_cmp_key(s->kind, s->key, kind, key) == 0;
}

void
retro_ring_note(struct retro_ring *r, const struct retro_entry *e)
{
	struct retro_entry *s = &r->recent[recent_slot(e->kind, e->key)];

	r->count.noted++;
	r->now_s = MAX(r->now_s, e->last_s);
	if (s->last_s == 0 || retro_cmp(s, e) != 0) {
		if (s->count > 0) {
			put(r, s);
		}
		put(r, e);
		*s = *e;
		s->count = 0;
		s->first_s = e->last_s;
		return;
	}
	r->count.folded++;
	if (s->count == 0) {
		/* what was written is behind it: the next span begins */
		s->first_s = MAX(s->first_s, e->first_s);
	}
	s->count += e->count;
	if (s->kind != INDICATOR_IP) {
		s->hosts |= e->hosts;
	}
	if (e->last_s >= s->last_s) {
		s->last_s = e->last_s;
		s->src = e->src;
		s->dst = e->dst;
		s->port = e->port;
		s->proto = e->proto;
	}
	if (s->last_s - s->first_s >= RETRO_FOLD_S) {
		let_go(r, s);
	}
}

void
retro_ring_sweep(struct retro_ring *r, uint32_t now_s, bool all)
{
	uint32_t n = all ? RETRO_RECENT : SWEEP_STEP;

	for (; n > 0; n--) {
		struct retro_entry *s = &r->recent[r->sweep];

		r->sweep = (r->sweep + 1) % RETRO_RECENT;
		if (s->count > 0 &&
		    (all || now_s >= s->first_s + RETRO_FOLD_S)) {
			let_go(r, s);
		}
	}
}

size_t
retro_ring_take(struct retro_ring *r, struct retro_entry *out, size_t cap)
{
	uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
	size_t n = (size_t)MIN(head - tail, (uint64_t)cap);

	for (size_t i = 0; i < n; i++) {
		out[i] = r->v[(tail + i) & r->mask];
	}
	atomic_store_explicit(&r->tail, tail + n, memory_order_release);
	return n;
}
