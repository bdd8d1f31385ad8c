/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several frames at once: while one is inspected, the headers of a later one
 * and the flow of one in between are on their way into the cache.
 */
#include "sensor/worker_state.h"

#include "sensor/decode_peek.h"
#include "sensor/flow_key.h"

/* How many frames ahead a frame's first bytes are asked for, its place in the
 * table of flows, and its flow. */
#define AHEAD_HEADER 16
#define AHEAD_BUCKET 8
#define AHEAD_FLOW 4

/* The hash of the ordinary frame's flow; 0 for all others. */
static uint64_t
hash_of(const struct flow_keying *k, const struct frame *f)
{
	struct frame_shape s = f->shape;
	const uint8_t *ip = f->data + s.l3_off, *l4 = f->data + s.l4_off;
	struct flow_key_addr src, dst;
	uint16_t vlan = 0;
	unsigned n_vlans = s.l3_off != PEEK_ETHER;
	uint64_t rest;

	if (s.kind == FRAME_OTHER) {
		return 0;
	}
	if (n_vlans > 0) {
		vlan = load_be16(f->data + PEEK_ETHER) & 0xfff;
	}
	if (s.kind == FRAME_IPV4) {
		src = flow_key_v4(ip + 12);
		dst = flow_key_v4(ip + 16);
	} else {
		src = flow_key_v6(ip + 8);
		dst = flow_key_v6(ip + 24);
	}
	rest = flow_key_rest(k, s.kind == FRAME_IPV4 ? 4 : 6, s.proto, &vlan,
			     n_vlans, 0);
	return flow_key_hash(k, src, dst, load_be16(l4), load_be16(l4 + 2),
			     rest);
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
			hash[i % AHEAD_HEADER] = hash_of(k, v[i]);
			if (hash[i % AHEAD_HEADER] != 0) {
				flow_prefetch(w->flows, hash[i % AHEAD_HEADER]);
			}
		}
		if (i >= AHEAD_BUCKET - AHEAD_FLOW &&
		    i - (AHEAD_BUCKET - AHEAD_FLOW) < n) {
			uint64_t h = hash[(i - (AHEAD_BUCKET - AHEAD_FLOW)) %
					  AHEAD_HEADER];

			if (h != 0) {
				flow_prefetch_record(w->flows, h);
			}
		}
		if (i >= AHEAD_BUCKET) {
			unsigned now = i - AHEAD_BUCKET;

			worker_take(w, v[now], hash[now % AHEAD_HEADER], out);
		}
	}
}
