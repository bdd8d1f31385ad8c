/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ordinary frame in one go.  Whatever is decoded here comes out as the
 * layers would have it, to the last field and counter; anything that they
 * would have a word to say about is left to them, before a byte is written.
 *
 * Every length is read once and checked as it was read: the bytes of a mapped
 * file may change under us.
 */
#include "sensor/decode_ctx.h"

#include "sensor/decode_peek.h"
#include "sensor/ethertype.h"

#define REST_SIZE (sizeof(struct packet) - PACKET_REST)
STATIC_ASSERT(REST_SIZE > 64 && REST_SIZE <= 128, "cleared in two parts");

/*
 * In parts that become plain stores: "rep stos", which the whole would become,
 * takes longer to start than all of them.
 */
static inline void
clear_rest(struct packet *p)
{
	uint8_t *rest = (uint8_t *)p + PACKET_REST;

	memset(rest, 0, 64);
	memset(rest + 64, 0, REST_SIZE - 64);
}

static inline void
plain_link(struct packet *p, const struct frame *f, struct frame_shape s)
{
	p->frame = f;
	p->ether = f->data;
	p->flow_hash = 0;
	p->flow_at = 0;
	p->n_vlans = 0;
	if (UNLIKELY(s.l3_off != PEEK_ETHER)) {
		p->vlan[0] = load_be16(f->data + PEEK_ETHER) & 0xfff;
		p->n_vlans = 1;
	}
}

static inline void
plain_ipv4(struct packet *p, const uint8_t *h)
{
	p->ip_version = 4;
	p->ether_type = ETH_IPV4;
	p->src = addr_from_v4(h + 12);
	p->dst = addr_from_v4(h + 16);
	p->ttl = h[8];
	p->tos = h[1];
	p->ip_id = load_be16(h + 4);
	p->frag_id = p->ip_id;
	p->frag_flags = h[6] >> 5;
	p->l3_hlen = PEEK_IPV4;
}

static inline void
plain_ipv6(struct packet *p, const uint8_t *h)
{
	p->ip_version = 6;
	p->ether_type = ETH_IPV6;
	p->src = addr_from_v6(h + 8);
	p->dst = addr_from_v6(h + 24);
	p->ttl = h[7];
	p->tos = (uint8_t)(load_be16(h) >> 4);
	p->ip_id = 0;
	p->frag_id = 0;
	p->frag_flags = 0;
	p->l3_hlen = PEEK_IPV6;
}

static inline void
plain_transport(struct packet *p, const uint8_t *l4, size_t len, size_t hlen)
{
	p->sport = load_be16(l4);
	p->dport = load_be16(l4 + 2);
	p->tcp_wscale = 0xff;
	p->l4 = view_of(l4, len);
	p->l4_hlen = (uint32_t)hlen;
	p->payload = len > hlen ? view_of(l4 + hlen, len - hlen) : VIEW_NONE;
}

static inline void
plain_tcp(struct packet *p, const uint8_t *h, size_t hlen)
{
	p->tcp_seq = load_be32(h + 4);
	p->tcp_ack = load_be32(h + 8);
	p->tcp_flags = h[13];
	p->tcp_window = load_be16(h + 14);
	p->tcp_urgent = load_be16(h + 18);
	if (hlen == PEEK_TCP) {
		return;
	}
	/* What nearly every segment of a connection carries. */
	if (LIKELY(hlen == PEEK_TCP + 12 &&
		   load_be32(h + PEEK_TCP) == 0x0101080a)) {
		p->tcp_has_ts = true;
		p->tcp_ts_val = load_be32(h + PEEK_TCP + 4);
		p->tcp_ts_ecr = load_be32(h + PEEK_TCP + 8);
		return;
	}
	decode_tcp_options(p, view_of(h + PEEK_TCP, hlen - PEEK_TCP));
}

static inline void
plain_udp(struct packet *p)
{
	p->tcp_seq = 0;
	p->tcp_ack = 0;
	p->tcp_flags = 0;
	p->tcp_window = 0;
	p->tcp_urgent = 0;
}

bool
decode_plain(const struct decode_settings *set, struct decode_tally *tally,
	     const struct frame *f, struct packet *p)
{
	struct frame_shape s = decode_peek(f);
	const uint8_t *ip = f->data + s.l3_off, *l4 = f->data + s.l4_off;
	uint32_t flags = PKT_L4_CSUM_DUE;
	size_t len, hlen;
	bool tcp;

	if (UNLIKELY(s.kind == FRAME_OTHER)) {
		return false;
	}
	tcp = s.proto == IPP_TCP;
	if (LIKELY(tcp)) {
		len = s.l4_len;
		hlen = (size_t)(l4[12] >> 4) * 4;
		if (UNLIKELY(hlen < PEEK_TCP || hlen > len)) {
			return false;
		}
	} else {
		len = load_be16(l4 + 4);
		hlen = PEEK_UDP;
		if (UNLIKELY(len < PEEK_UDP || len > s.l4_len) ||
		    decode_tunnel_ports(set, load_be16(l4),
					load_be16(l4 + 2))) {
			return false;
		}
	}
	clear_rest(p);
	plain_link(p, f, s);
	if (LIKELY(s.kind == FRAME_IPV4)) {
		plain_ipv4(p, ip);
		flags |= PKT_IP_CSUM_DUE;
		/* RFC 768: zero means that the sender made none. */
		if (!tcp && load_be16(l4 + 6) == 0) {
			flags ^= PKT_L4_CSUM_DUE | PKT_NO_L4_CSUM;
		}
	} else {
		plain_ipv6(p, ip);
	}
	p->l3 = view_of(ip, (size_t)(l4 - ip) + s.l4_len);
	p->proto = s.proto;
	p->flags = flags;
	plain_transport(p, l4, len, hlen);
	if (LIKELY(tcp)) {
		plain_tcp(p, l4, hlen);
	} else {
		plain_udp(p);
	}
	tally->bytes += f->caplen;
	tally->frames[DECODE_TALLY(s.kind == FRAME_IPV6, tcp,
				   s.l3_off != PEEK_ETHER)]++;
	return true;
}
