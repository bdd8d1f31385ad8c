/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/evidence_tap.h"

#include <sched.h>

#define SHARE_WAYS 8 /* slots in which a flow may stand */
STATIC_ASSERT(EVIDENCE_SHARES % SHARE_WAYS == 0, "sets are whole");

void
evidence_tap_init(struct evidence_tap *t, uint8_t *room, unsigned bits,
		  const struct evidence_limits *limit, bool patient)
{
	t->room = room;
	t->mask = (UINT64_C(1) << bits) - 1;
	t->limit = *limit;
	t->patient = patient;
}

/* Bytes of the ring, which may go around its end. */
static void
copy_in(struct evidence_tap *t, uint64_t at, const void *p, size_t len)
{
	size_t from = (size_t)(at & t->mask);
	size_t first = MIN(len, (size_t)(t->mask + 1) - from);

	memcpy(t->room + from, p, first);
	if (len > first) {
		memcpy(t->room, (const uint8_t *)p + first, len - first);
	}
}

static void
copy_out(const struct evidence_tap *t, uint64_t at, void *p, size_t len)
{
	size_t from = (size_t)(at & t->mask);
	size_t first = MIN(len, (size_t)(t->mask + 1) - from);

	memcpy(p, t->room + from, first);
	if (len > first) {
		memcpy((uint8_t *)p + first, t->room, len - first);
	}
}

static bool
has_room(struct evidence_tap *t, uint64_t head, uint64_t need)
{
	return head + need -
		       atomic_load_explicit(&t->tail, memory_order_acquire) <=
	       t->mask + 1;
}

/* The file that the packet goes to, and where in it. */
static void
place(struct evidence_tap *t, const struct frame *f, uint32_t caplen,
      bool exercise)
{
	struct evidence_series *s = &t->series[exercise];
	uint64_t len = EVIDENCE_PACKET_HEAD + caplen;

	if (s->size == 0 || s->linktype != f->linktype ||
	    s->size + len > t->limit.file_size ||
	    atomic_load_explicit(&t->broken[exercise], memory_order_relaxed) ==
		    s->file) {
		*s = (struct evidence_series){ .start_us = f->ts_us,
					       .size = EVIDENCE_FILE_HEAD,
					       .file = ++t->files,
					       .linktype = f->linktype };
	}
	t->at[exercise] = (struct evidence_at){ .start_us = s->start_us,
						.offset = s->size,
						.run = t->run,
						.file = s->file,
						.worker = t->worker,
						.exercise = exercise,
						.there = true };
	s->size += len;
}

/* Puts the frame into the ring; where is in t->at. */
static bool
put(struct evidence_tap *t, const struct frame *f, bool exercise)
{
	uint64_t head = atomic_load_explicit(&t->head, memory_order_relaxed);
	struct evidence_head h = {
		.ts_us = f->ts_us,
		.caplen = MIN(f->caplen, t->limit.snaplen),
		.wirelen = f->wirelen,
		.linktype = f->linktype,
		.ts_ns = f->ts_ns,
	};
	uint64_t need = sizeof(h) + h.caplen;

	while (UNLIKELY(!has_room(t, head, need))) {
		if (!t->patient) {
			__atomic_store_n(&t->count.lost_full,
					 t->count.lost_full + 1,
					 __ATOMIC_RELAXED);
			t->at[exercise].there = false;
			return false;
		}
		(void)sched_yield();
	}
	place(t, f, h.caplen, exercise);
	h.at = t->at[exercise];
	copy_in(t, head, &h, sizeof(h));
	copy_in(t, head + sizeof(h), f->data, h.caplen);
	atomic_store_explicit(&t->head, head + need, memory_order_release);
	return true;
}

const struct evidence_at *
evidence_keep(struct evidence_tap *t, const struct frame *f, bool exercise)
{
	if (!t->done[exercise]) {
		t->done[exercise] = true;
		(void)put(t, f, exercise);
	}
	return &t->at[exercise];
}

void
evidence_catch_up(struct evidence_tap *t, uint64_t flow, bool exercise,
		  uint8_t state)
{
	uint64_t at[BEFORE_PACKETS];
	unsigned n;

	/* A frame that is kept already keeps its place. */
	if (t->mode != EVIDENCE_FLOWS || state != EVIDENCE_UNSEEN ||
	    t->done[exercise]) {
		return;
	}
	n = evidence_before_find(&t->before, flow, at);
	n = MIN(n, t->limit.flow_packets);
	while (n-- > 0) {
		struct frame f = evidence_before_read(&t->before, at[n]);

		t->count.before += put(t, &f, exercise);
	}
}

/* Where that flow's share may stand: SHARE_WAYS slots. */
static struct evidence_share *
share_set(struct evidence_tap *t, uint64_t flow)
{
	uint64_t h = flow * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	return &t->share[h % (EVIDENCE_SHARES / SHARE_WAYS) * SHARE_WAYS];
}

static struct evidence_share *
find_share(struct evidence_tap *t, uint64_t flow)
{
	struct evidence_share *v = share_set(t, flow);

	for (unsigned i = 0; i < SHARE_WAYS; i++) {
		if (v[i].flow == flow) {
			return &v[i];
		}
	}
	return NULL;
}

void
evidence_follow(struct evidence_tap *t, uint64_t flow, uint64_t now_us,
		bool exercise, uint8_t *state)
{
	struct evidence_share *v = share_set(t, flow), *oldest = v;

	if (t->mode != EVIDENCE_FLOWS || *state != EVIDENCE_UNSEEN) {
		return;
	}
	for (unsigned i = 1; i < SHARE_WAYS; i++) {
		oldest = v[i].last_us < oldest->last_us ? &v[i] : oldest;
	}
	*oldest = (struct evidence_share){ .flow = flow,
					   .last_us = now_us,
					   .exercise = exercise };
	*state = EVIDENCE_FOLLOWED;
	t->count.flows++;
}

void
evidence_flow_frame(struct evidence_tap *t, uint64_t flow,
		    const struct frame *f, uint8_t *state)
{
	struct evidence_share *s = find_share(t, flow);
	uint32_t caplen = MIN(f->caplen, t->limit.snaplen);

	if (s == NULL) { /* another one has its place */
		*state = EVIDENCE_ENOUGH;
		t->count.flows_left++;
		return;
	}
	/* The packet that alerted counts, and is there already. */
	if (!t->done[s->exercise] &&
	    (s->packets >= t->limit.flow_packets ||
	     s->bytes + caplen > t->limit.flow_bytes)) {
		s->flow = 0;
		s->last_us = 0;
		*state = EVIDENCE_ENOUGH;
		t->count.flows_cut++;
		return;
	}
	s->last_us = f->ts_us;
	s->packets++;
	s->bytes += caplen;
	(void)evidence_keep(t, f, s->exercise);
}

bool
evidence_take(struct evidence_tap *t, struct evidence_head *h, uint8_t *data)
{
	uint64_t tail = atomic_load_explicit(&t->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&t->head, memory_order_acquire)) {
		return false;
	}
	copy_out(t, tail, h, sizeof(*h));
	copy_out(t, tail + sizeof(*h), data, h->caplen);
	atomic_store_explicit(&t->tail, tail + sizeof(*h) + h->caplen,
			      memory_order_release);
	return true;
}
