/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_same.h - whether a packet is of a flow
 *
 * Internal header, included only by flow.c.
 *
 * Place    between flow.h and flow.c.
 * Threads  pure.
 * Memory   borrows.
 * Cost     reads the first line of the flow and of the packet.
 */
#ifndef SENSOR_FLOW_SAME_H
#define SENSOR_FLOW_SAME_H

#include "sensor/flow.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __SSE2__
/* Zero when addresses and ports are those of 'f', from f->addr[from] on. */
static inline uint32_t
flow_ends_differ(const struct flow *f, const struct packet *pkt, unsigned from)
{
	__m128i src = _mm_loadu_si128((const __m128i *)(const void *)&pkt->src);
	__m128i dst = _mm_loadu_si128((const __m128i *)(const void *)&pkt->dst);
	__m128i a =
		_mm_load_si128((const __m128i *)(const void *)&f->addr[from]);
	__m128i b =
		_mm_load_si128((const __m128i *)(const void *)&f->addr[!from]);
	__m128i same =
		_mm_and_si128(_mm_cmpeq_epi8(src, a), _mm_cmpeq_epi8(dst, b));
	uint32_t mine = (uint32_t)f->port[from] << 16 | f->port[!from];

	return ((uint32_t)_mm_movemask_epi8(same) ^ 0xffff) |
	       (mine ^ ((uint32_t)pkt->sport << 16 | pkt->dport));
}
#else
static inline uint64_t
flow_ends_differ(const struct flow *f, const struct packet *pkt, unsigned from)
{
	struct flow_key_addr src = flow_key_v6(&pkt->src);
	struct flow_key_addr dst = flow_key_v6(&pkt->dst);
	struct flow_key_addr a = flow_key_v6(&f->addr[from]);
	struct flow_key_addr b = flow_key_v6(&f->addr[!from]);
	uint32_t mine = (uint32_t)f->port[from] << 16 | f->port[!from];

	return (a.hi ^ src.hi) | (a.lo ^ src.lo) | (b.hi ^ dst.hi) |
	       (b.lo ^ dst.lo) |
	       (mine ^ ((uint32_t)pkt->sport << 16 | pkt->dport));
}
#endif

/* Tags, protocol and version stand side by side in both. */
#define KIND_BYTES 3
STATIC_ASSERT(offsetof(struct packet, ip_version) ==
			      offsetof(struct packet, n_vlans) + 2 &&
		      offsetof(struct packet, proto) ==
			      offsetof(struct packet, n_vlans) + 1 &&
		      offsetof(struct flow, ip_version) ==
			      offsetof(struct flow, n_vlans) + 2 &&
		      offsetof(struct flow, proto) ==
			      offsetof(struct flow, n_vlans) + 1,
	      "compared as one word");

/* Of the word that begins with the number of tags, what is compared. */
static inline uint32_t
flow_kind_mask(bool vlans)
{
	uint32_t mask = 0;

	memset(&mask, 0xff, KIND_BYTES);
	if (!vlans) {
		memset(&mask, 0, 1);
	}
	return mask;
}

/* Protocol and version, and the tags unless 'mask' leaves them out. */
static inline bool
flow_same_kind(const struct flow *f, const struct packet *pkt, uint32_t mask)
{
	uint32_t a, b;

	memcpy(&a, &f->n_vlans, sizeof(a));
	memcpy(&b, &pkt->n_vlans, sizeof(b));
	if (((a ^ b) & mask) != 0) {
		return false;
	}
	return LIKELY(pkt->n_vlans == 0) || mask == flow_kind_mask(false) ||
	       memcmp(f->vlan, pkt->vlan,
		      pkt->n_vlans * sizeof(pkt->vlan[0])) == 0;
}

#endif
