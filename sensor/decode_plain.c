/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ordinary frame in one go.  Whatever is decoded here comes out as the
 * layers would have it, to the last field and counter; anything that they
 * would have a word to say about is left to them, before a byte is written.
 *
 * Every length is read once and checked after it was read: the bytes of a
 * mapped file may change under us.
 */
#include "sensor/decode_ctx.h"

#include "sensor/decode_peek.h"

/* What the transport's header says, checked. */
struct plain {
	const uint8_t *ip, *l4;
	size_t total; /* from the IP header on */
	size_t l4_len, hlen;
};

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

static inline bool
measure(const struct frame *f, struct frame_shape s, struct plain *x)
{
	size_t room = f->caplen - s.l3_off, len;

	x->ip = f->data + s.l3_off;
	x->l4 = f->data + s.l4_off;
	x->total = s.kind == FRAME_IPV4
			   ? load_be16(x->ip + 2)
			   : (size_t)load_be16(x->ip + 4) + PEEK_IPV6;
	len = x->total - (size_t)(s.l4_off - s.l3_off);
	if (UNLIKELY(x->total > room || len > x->total)) {
		return false;
	}
	x->l4_len = len;
	if (s.proto == IPP_TCP) {
		x->hlen = len < PEEK_TCP ? 0 : (size_t)(x->l4[12] >> 4) * 4;
		return LIKELY(x->hlen >= PEEK_TCP && x->hlen <= len);
	}
	x->hlen = PEEK_UDP;
	x->l4_len = len < PEEK_UDP ? 0 : load_be16(x->l4 + 4);
	return LIKELY(x->l4_len >= PEEK_UDP && x->l4_len <= len);
}

static inline void
plain_link(struct packet *p, const struct frame *f, struct frame_shape s)
{
	p->ether = f->data;
	p->n_vlans = 0;
	if (UNLIKELY(s.l3_off != PEEK_ETHER)) {
		p->vlan[0] = load_be16(f->data + PEEK_ETHER) & 0xfff;
		p->n_vlans = 1;
	}
}

static inline uint32_t
plain_ipv4(struct packet *p, const uint8_t *h)
{
	p->ip_version = 4;
	p->ether_type = 0x0800;
	p->src = addr_from_v4(h + 12);
	p->dst = addr_from_v4(h + 16);
	p->ttl = h[8];
	p->tos = h[1];
	p->ip_id = load_be16(h + 4);
	p->frag_id = p->ip_id;
	p->frag_flags = h[6] >> 5;
	return LIKELY(csum_fold(csum_add(0, h, PEEK_IPV4)) == 0xffff)
		       ? 0
		       : PKT_BAD_IP_CSUM;
}

static inline void
plain_ipv6(struct packet *p, const uint8_t *h)
{
	p->ip_version = 6;
	p->ether_type = 0x86dd;
	p->src = addr_from_v6(h + 8);
	p->dst = addr_from_v6(h + 24);
	p->ttl = h[7];
	p->tos = (uint8_t)(load_be16(h) >> 4);
	p->ip_id = 0;
	p->frag_id = 0;
	p->frag_flags = 0;
}

static inline void
plain_tcp(struct packet *p, const struct plain *x)
{
	const uint8_t *h = x->l4;

	p->tcp_seq = load_be32(h + 4);
	p->tcp_ack = load_be32(h + 8);
	p->tcp_flags = h[13];
	p->tcp_window = load_be16(h + 14);
	p->tcp_urgent = load_be16(h + 18);
	if (x->hlen == PEEK_TCP) {
		return;
	}
	/* What nearly every segment of a connection carries. */
	if (LIKELY(x->hlen == PEEK_TCP + 12 &&
		   load_be32(h + PEEK_TCP) == 0x0101080a)) {
		p->tcp_has_ts = true;
		p->tcp_ts_val = load_be32(h + PEEK_TCP + 4);
		p->tcp_ts_ecr = load_be32(h + PEEK_TCP + 8);
		return;
	}
	decode_tcp_options(p,
			   view_of(h + PEEK_TCP, x->hlen - (size_t)PEEK_TCP));
}

static inline void
plain_no_tcp(struct packet *p)
{
	p->tcp_seq = 0;
	p->tcp_ack = 0;
	p->tcp_flags = 0;
	p->tcp_window = 0;
	p->tcp_urgent = 0;
}

static inline void
plain_count(struct decode_counters *n, const struct frame *f,
	    struct frame_shape s)
{
	n->pkts++;
	n->bytes += f->caplen;
	n->ethernet++;
	n->vlan += s.l3_off != PEEK_ETHER;
	n->ipv4 += s.kind == FRAME_IPV4;
	n->ipv6 += s.kind == FRAME_IPV6;
	n->tcp += s.proto == IPP_TCP;
	n->udp += s.proto == IPP_UDP;
}

bool
decode_plain(const struct decode_settings *set, struct decode_counters *count,
	     const struct frame *f, struct packet *p)
{
	struct frame_shape s = decode_shape(f);
	struct plain x;
	uint32_t flags = PKT_L4_CSUM_DUE;
	uint16_t sport, dport;

	if (s.kind == FRAME_OTHER || !measure(f, s, &x)) {
		return false;
	}
	sport = load_be16(x.l4);
	dport = load_be16(x.l4 + 2);
	if (s.proto == IPP_UDP && decode_tunnel_ports(set, sport, dport)) {
		return false;
	}
	clear_rest(p);
	p->frame = f;
	plain_link(p, f, s);
	if (LIKELY(s.kind == FRAME_IPV4)) {
		flags |= plain_ipv4(p, x.ip);
	} else {
		plain_ipv6(p, x.ip);
	}
	p->proto = s.proto;
	p->sport = sport;
	p->dport = dport;
	p->l3 = view_of(x.ip, x.total);
	p->l3_hlen = (uint32_t)(s.l4_off - s.l3_off);
	p->l4 = view_of(x.l4, x.l4_len);
	p->l4_hlen = (uint32_t)x.hlen;
	p->payload = x.l4_len > x.hlen
			     ? view_of(x.l4 + x.hlen, x.l4_len - x.hlen)
			     : VIEW_NONE;
	p->flow_hash = 0;
	p->tcp_wscale = 0xff;
	if (s.proto == IPP_TCP) {
		plain_tcp(p, &x);
	} else {
		plain_no_tcp(p);
		/* RFC 768: zero means that the sender made none. */
		if (s.kind == FRAME_IPV4 && load_be16(x.l4 + 6) == 0) {
			flags = (flags & ~(uint32_t)PKT_L4_CSUM_DUE) |
				PKT_NO_L4_CSUM;
		}
	}
	p->flags = flags;
	plain_count(count, f, s);
	return true;
}
