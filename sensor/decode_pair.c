/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose packets a frame holds, before it is decoded: what belongs to two hosts
 * goes to the same worker, be it in a tunnel or not.
 */
#include "sensor/decode.h"

#include "sensor/decode_ctx.h"
#include "sensor/decode_peek.h"

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

/*
 * TCP right behind Ethernet of which not all is there: whole captures are cut
 * by their snap length.
 */
static uint32_t
cut_short(const struct frame *f)
{
	const uint8_t *ip = f->data + PEEK_ETHER;
	size_t wire;

	if (f->linktype != 1 || f->caplen < PEEK_ETHER + PEEK_IPV6) {
		return 0;
	}
	wire = (size_t)MAX(f->wirelen, f->caplen) - PEEK_ETHER;
	if (load_be16(f->data + 12) == 0x0800 && ip[0] == 0x45 &&
	    ip[9] == IPP_TCP && (load_be16(ip + 6) & 0x3fff) == 0 &&
	    load_be16(ip + 2) >= PEEK_IPV4 && load_be16(ip + 2) <= wire) {
		return hash_v4(ip);
	}
	if (load_be16(f->data + 12) == 0x86dd && ip[0] >> 4 == 6 &&
	    ip[6] == IPP_TCP && (size_t)load_be16(ip + 4) + PEEK_IPV6 <= wire) {
		return hash_v6(ip);
	}
	return 0;
}

uint32_t
decode_lone_pair(const struct decoder *d, const struct frame *f)
{
	struct frame_shape s = decode_shape(f);
	const uint8_t *ip = f->data + s.l3_off, *l4 = f->data + s.l4_off;

	if (UNLIKELY(s.kind == FRAME_OTHER)) {
		return cut_short(f);
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

	memset(&unused, 0, sizeof(unused));
	decode_begin_frame(&x, f, pkt);
	decode_layers(&x, NULL);
	out->n = x.n_out;
	out->fragment = false;
	for (unsigned i = 0; i < x.n_out; i++) {
		out->hash[i] = decode_pair_hash(&pkt[i]);
		out->fragment |= (pkt[i].flags & PKT_FRAGMENT) != 0;
	}
}
