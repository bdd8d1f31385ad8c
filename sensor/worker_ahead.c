/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several frames at once: while one is inspected, the headers of a later one
 * and the flow of one in between are on their way into the cache.
 */
#include "sensor/worker_state.h"

#include "sensor/flow_peek.h"

/* How many frames ahead a frame's first bytes are asked for, its place in the
 * table of flows, its flow, and what TCP remembers of that. */
#define AHEAD_HEADER 16
#define AHEAD_BUCKET 8
#define AHEAD_FLOW 4
#define AHEAD_SESSION 2

/* Sends for what the frame with this place in the batch will need. */
static inline void
fetch_flow(const struct worker *w, const uint64_t *hash, unsigned i, unsigned n)
{
	unsigned flow = i - (AHEAD_BUCKET - AHEAD_FLOW);
	unsigned session = i - (AHEAD_BUCKET - AHEAD_SESSION);

	/* what lies before the first frame has wrapped around */
	if (flow < n && hash[flow % AHEAD_HEADER] != 0) {
		flow_prefetch_record(w->flows, hash[flow % AHEAD_HEADER]);
	}
	if (session < n && hash[session % AHEAD_HEADER] != 0) {
		flow_prefetch_session(w->flows, hash[session % AHEAD_HEADER]);
	}
}

void
worker_frames(struct worker *w, struct frame *const *v, unsigned n,
	      struct outbox *out)
{
	const struct flow_keying *k = flow_keying(w->flows);
	uint64_t hash[AHEAD_HEADER];

	for (unsigned i = 0; i < n + AHEAD_BUCKET; i++) {
		unsigned header = i + AHEAD_HEADER - AHEAD_BUCKET;

		if (header < n) {
			__builtin_prefetch(v[header]->data);
		}
		if (i < n) {
			if (v[i]->shape.kind == FRAME_UNSEEN) {
				v[i]->shape = decode_peek(v[i]);
			}
			hash[i % AHEAD_HEADER] = flow_peek(k, v[i]);
			if (hash[i % AHEAD_HEADER] != 0) {
				flow_prefetch(w->flows, hash[i % AHEAD_HEADER]);
			}
		}
		fetch_flow(w, hash, i, n);
		if (i >= AHEAD_BUCKET) {
			unsigned now = i - AHEAD_BUCKET;

			worker_take(w, v[now], hash[now % AHEAD_HEADER], out);
		}
	}
}
