/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several frames at once: while one is inspected, later ones are decoded, their
 * flows looked for, and what all that needs is on its way into the cache.
 */
#include "sensor/worker_state.h"

/*
 * So many frames take each step together.  Then come those of the group
 * before, one step further: decoding and the place in the table of flows, the
 * flow, what TCP remembers of it, and in the end the inspection.
 */
#define GROUP 4
#define STEPS 4
/* What has to be there to be decoded is sent for so many frames before. */
#define FETCH_AHEAD 8
#define LINE 64
#define EXPECT_MAX ((size_t)256 << 10)
STATIC_ASSERT(GROUP *STEPS == WORKER_AHEAD, "a group for each step");

/* The packets of the group that begins with frame 'at' of the batch. */
static inline struct packet *
ring_of(struct worker *w, unsigned at)
{
	return &w->ahead[at % WORKER_AHEAD];
}

/* The headers of some frames. */
static inline void
fetch_group(struct frame *const *v, unsigned at, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		__builtin_prefetch(v[at + i]->data);
	}
}

static inline void
decode_group(struct worker *w, struct frame *const *v, unsigned at, unsigned n)
{
	struct packet *p = ring_of(w, at);

	for (unsigned i = 0; i < n; i++) {
		if (UNLIKELY(!decode_ahead(w->decoder, v[at + i], &p[i]))) {
			p[i].ip_version = 0;
		}
	}
	flow_ahead_bucket(w->flows, p, n);
}

/* Without rules few flows are parsed. */
static inline void
fetch_parsers(struct worker *w, const struct packet *p, unsigned n)
{
	for (unsigned i = 0; w->asks.match && i < n; i++) {
		const struct flow *f = flow_guess(w->flows, &p[i]);

		if (f != NULL) {
			app_prefetch(f);
		}
	}
}

/* Lines to be sent for with each frame. */
static unsigned
lines_per_frame(const struct worker *w, struct frame *const *v, unsigned n)
{
	uintptr_t bytes;

	if (w->expected.len == 0 || n == 0) {
		return 0;
	}
	/* They stand one behind the other, with what is between them; if not,
	 * the bounds hold. */
	bytes = (uintptr_t)w->expected.p - (uintptr_t)v[0]->data;
	bytes += bytes / 8;
	bytes = MIN(bytes, MIN(w->expected.len, EXPECT_MAX));
	return (unsigned)(bytes / n / LINE + 1);
}

static inline void
fetch_expected(struct worker *w, unsigned lines)
{
	/* Not as a pointer: it may go past the end, where nothing is read. */
	uintptr_t at = (uintptr_t)w->expected.p;

	for (unsigned i = 0; i < lines; i++, at += LINE) {
		__builtin_prefetch((const void *)at);
	}
	w->expected.p = (const uint8_t *)at;
}

static inline void
take_group(struct worker *w, struct frame *const *v, unsigned at, unsigned n,
	   unsigned lines, struct outbox *out)
{
	struct packet *p = ring_of(w, at);

	fetch_parsers(w, p, n);
	for (unsigned i = 0; i < n; i++) {
		fetch_expected(w, lines);
		if (LIKELY(p[i].ip_version != 0)) {
			worker_take_ordinary(w, &p[i], out);
		} else {
			worker_frame(w, v[at + i], out);
		}
	}
}

void
worker_expect(struct worker *w, struct view next)
{
	w->expected = next;
}

void
worker_frames(struct worker *w, struct frame *const *v, unsigned n,
	      struct outbox *out)
{
	unsigned lines = lines_per_frame(w, v, n);

	fetch_group(v, 0, MIN(n, FETCH_AHEAD));
	for (unsigned at = 0; at < n + (STEPS - 1) * GROUP; at += GROUP) {
		/* what lies before the first frame has wrapped around */
		unsigned record = at - GROUP, session = at - 2 * GROUP;
		unsigned take = at - 3 * GROUP, fetch = at + FETCH_AHEAD;

		if (fetch < n) {
			fetch_group(v, fetch, MIN(n - fetch, GROUP));
		}
		if (at < n) {
			decode_group(w, v, at, MIN(n - at, GROUP));
		}
		if (record < n) {
			flow_ahead_record(w->flows, ring_of(w, record),
					  MIN(n - record, GROUP));
		}
		if (session < n) {
			flow_ahead_session(w->flows, ring_of(w, session),
					   MIN(n - session, GROUP));
		}
		if (take < n) {
			take_group(w, v, take, MIN(n - take, GROUP), lines,
				   out);
		}
	}
	w->expected = VIEW_NONE;
}
