/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose packets a frame holds, before it is decoded: what belongs to two hosts
 * goes to the same worker, be it in a tunnel or not.
 */
#include "sensor/decode.h"

#include "sensor/decode_ctx.h"
#include "sensor/decode_peek.h"
#include "sensor/ethertype.h"

static inline uint32_t
hash_pair(const struct addr *a, const struct addr *b)
{
	uint64_t lo = load_le64(a->b) ^ load_le64(b->b);
	uint64_t hi = load_le64(a->b + 8) ^ load_le64(b->b + 8);
	uint64_t sum = load_le64(a->b + 8) + load_le64(b->b + 8);
	uint64_t h = (lo + UINT64_C(0x9e3779b97f4a7c15)) *
		     UINT64_C(0xd6e8feb86659fd93);

	/* Both the difference and the sum are the same in both directions;
	 * neither alone tells 10.0.0.1-10.0.0.2 from 10.0.0.5-10.0.0.6. */
	h ^= hi;
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= sum;
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	return (uint32_t)h != 0 ? (uint32_t)h : 1;
}

static inline uint32_t
hash_v4(const uint8_t *ip)
{
	struct addr src = addr_from_v4(ip + 12), dst = addr_from_v4(ip + 16);

	return hash_pair(&src, &dst);
}

static inline uint32_t
hash_v6(const uint8_t *ip)
{
	struct addr src = addr_from_v6(ip + 8), dst = addr_from_v6(ip + 24);

	return hash_pair(&src, &dst);
}

uint32_t
decode_pair_hash(const struct packet *p)
{
	return p->ip_version != 0 ? hash_pair(&p->src, &p->dst) : 0;
}

/* In these nothing is carried that would be a packet of its own. */
static bool
carries_none(uint8_t proto)
{
	return proto == IPP_TCP || proto == IPP_ICMP || proto == IPP_ICMPV6 ||
	       proto == IPP_IGMP;
}

/*
 * What else is frequent right behind Ethernet: ICMP, IP options, and whole
 * captures cut by their snap length.
 */
static uint32_t
lone_other(const struct frame *f)
{
	const uint8_t *ip = f->data + PEEK_ETHER;
	uint16_t type;
	size_t wire;

	if (f->linktype != 1 || f->caplen < PEEK_ETHER + PEEK_IPV6) {
		return 0;
	}
	type = load_be16(f->data + 12);
	wire = (size_t)MAX(f->wirelen, f->caplen) - PEEK_ETHER;
	if (type == ETH_IPV4 && ip[0] >= 0x45 && ip[0] <= 0x4f &&
	    carries_none(ip[9]) && (load_be16(ip + 6) & 0x3fff) == 0 &&
	    load_be16(ip + 2) >= (ip[0] & 15) * 4 &&
	    load_be16(ip + 2) <= wire) {
		return hash_v4(ip);
	}
	if (type == ETH_IPV6 && ip[0] >> 4 == 6 && carries_none(ip[6]) &&
	    (size_t)load_be16(ip + 4) + PEEK_IPV6 <= wire) {
		return hash_v6(ip);
	}
	return 0;
}

static bool
is_arp(const struct frame *f)
{
	return f->linktype == 1 && f->caplen >= PEEK_ETHER &&
	       load_be16(f->data + 12) == ETH_ARP;
}

uint32_t
decode_lone_pair(const struct decoder *d, const struct frame *f)
{
	struct frame_shape s = decode_peek(f);
	const uint8_t *ip = f->data + s.l3_off, *l4 = f->data + s.l4_off;

	if (UNLIKELY(s.kind == FRAME_OTHER)) {
		return lone_other(f);
	}
	if (s.proto == IPP_UDP &&
	    decode_tunnel_ports(decoder_settings(d), load_be16(l4),
				load_be16(l4 + 2))) {
		return 0;
	}
	return s.kind == FRAME_IPV4 ? hash_v4(ip) : hash_v6(ip);
}

void
decode_pairs(const struct decoder *d, const struct frame *f,
	     struct decode_pairs *out)
{
	struct packet pkt[FRAME_MAX_PACKETS];
	struct decode_counters unused;
	struct decode_ctx x = {
		.set = decoder_settings(d),
		.count = &unused,
	};

	*out = (struct decode_pairs){ .n = 1 };
	if (is_arp(f)) {
		return;
	}
	memset(&unused, 0, sizeof(unused));
	decode_begin_frame(&x, f, pkt);
	decode_layers(&x, NULL);
	out->n = x.n_out;
	for (unsigned i = 0; i < x.n_out; i++) {
		out->hash[i] = decode_pair_hash(&pkt[i]);
		out->fragment |= (pkt[i].flags & PKT_FRAGMENT) != 0;
	}
}
