/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 (RFC 791) and IPv6 (RFC 8200) headers. */
#include "sensor/decode_ctx.h"

#include "rules/inspect.h"
#include "sensor/csum.h"

#define IPV4_HEADER 20
#define IPV6_HEADER 40
/* More than any host makes; a chain is work for each packet. */
#define MAX_EXT_HEADERS 16
/*
 * A network card that segments for its host ("TSO") leaves the length of what
 * the host captures at 0.  Such a frame is longer than any Ethernet carries;
 * a short one with length 0 is no packet that a host would take.
 */
#define LONGEST_ETHERNET_PAYLOAD 1508

enum decode_step
decode_ip(struct decode_ctx *x)
{
	if (x->rest.len == 0) {
		return STEP_DONE;
	}
	switch (x->rest.p[0] >> 4) {
	case 4:
		return STEP_IPV4;
	case 6:
		return STEP_IPV6;
	default:
		x->pkt->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
}

static uint32_t
option_bit(uint8_t type)
{
	switch (type) {
	case 0:
		return IPOPT_BIT_EOL;
	case 1:
		return IPOPT_BIT_NOP;
	case 7:
		return IPOPT_BIT_RR;
	case 25:
		return IPOPT_BIT_QS;
	case 68:
		return IPOPT_BIT_TS;
	case 130:
		return IPOPT_BIT_SEC;
	case 131:
		return IPOPT_BIT_LSRR;
	case 133:
		return IPOPT_BIT_ESEC;
	case 134:
		return IPOPT_BIT_CIPSO;
	case 136:
		return IPOPT_BIT_SATID;
	case 137:
		return IPOPT_BIT_SSRR;
	case 148:
		return IPOPT_BIT_RTRALT;
	default:
		return 0;
	}
}

/* RFC 791, 3.1: type, and for all but two of them length and value. */
static void
ipv4_options(struct decode_ctx *x, struct view o)
{
	while (o.len > 0) {
		uint8_t type = o.p[0];

		x->pkt->ip_options |= option_bit(type);
		if (type == 0) {
			return;
		}
		if (type == 1) {
			o = view_sub(o, 1, o.len);
			continue;
		}
		if (o.len < 2 || o.p[1] < 2 || o.p[1] > o.len) {
			decode_event(x, EV_DECODE_IPV4_OPT_MALFORMED);
			return;
		}
		o = view_sub(o, o.p[1], o.len);
	}
}

/*
 * Bounds ctx->rest by the datagram's own length.  A frame cut by the snap
 * length is a packet its host got whole.  One that is short on the wire is
 * none: no host takes it, so nothing of it is believed, and false is returned.
 */
static bool
bound_datagram(struct decode_ctx *x, size_t total, enum event_id trunc)
{
	if (UNLIKELY(total > x->rest.len)) {
		decode_event(x, trunc);
		x->pkt->flags |= PKT_TRUNCATED;
		if (total > x->wire) {
			return false;
		}
	}
	decode_limit(x, total);
	return true;
}

enum decode_step
decode_ipv4(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = x->rest.p;
	size_t hlen, total;
	uint16_t frag;

	x->count->ipv4++;
	if (UNLIKELY(x->rest.len < IPV4_HEADER)) {
		return decode_broken(x, EV_DECODE_IPV4_PKT_TOO_SMALL);
	}
	if (UNLIKELY(h[0] >> 4 != 4)) {
		return decode_broken(x, EV_DECODE_IPV4_WRONG_IP_VER);
	}
	hlen = (size_t)(h[0] & 15) * 4;
	if (UNLIKELY(hlen < IPV4_HEADER)) {
		return decode_broken(x, EV_DECODE_IPV4_HLEN_TOO_SMALL);
	}
	total = load_be16(h + 2);
	if (UNLIKELY(total == 0 && x->wire > LONGEST_ETHERNET_PAYLOAD)) {
		total = x->wire;
	}
	if (UNLIKELY(total < hlen)) {
		return decode_broken(x, EV_DECODE_IPV4_IPLEN_SMALLER_THAN_HLEN);
	}
	if (UNLIKELY(!bound_datagram(x, total, EV_DECODE_IPV4_TRUNC_PKT))) {
		p->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
	p->ip_version = 4;
	p->src = addr_from_v4(h + 12);
	p->dst = addr_from_v4(h + 16);
	p->proto = h[9];
	p->ttl = h[8];
	p->tos = h[1];
	p->ip_id = load_be16(h + 4);
	p->frag_id = p->ip_id;
	frag = load_be16(h + 6);
	p->frag_flags = (uint8_t)(frag >> 13);
	p->frag_offset = frag & 0x1fff;
	p->l3 = x->rest;
	if (UNLIKELY(x->rest.len < hlen)) { /* options cut off */
		p->l3_hlen = (uint32_t)x->rest.len;
		p->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
	p->l3_hlen = (uint32_t)hlen;
	if (UNLIKELY(csum_fold(csum_add(0, h, hlen)) != 0xffff)) {
		p->flags |= PKT_BAD_IP_CSUM;
	}
	if (UNLIKELY(hlen > IPV4_HEADER)) {
		ipv4_options(x, view_of(h + IPV4_HEADER, hlen - IPV4_HEADER));
	}
	decode_advance(x, hlen);
	if (UNLIKELY((frag & 0x3fff) != 0)) {
		p->flags |= PKT_FRAGMENT;
		x->count->frag_ipv4++;
		x->frag.header = view_of(h, hlen);
		x->frag.data = x->rest;
		return STEP_FRAGMENT;
	}
	return STEP_TRANSPORT;
}

/* Length of the extension header at 'h', of which 8 bytes are there. */
static size_t
ext_length(uint8_t type, const uint8_t *h)
{
	switch (type) {
	case IPP_FRAGMENT:
		return 8;
	case IPP_AH: /* RFC 4302, 2.2: in 4-byte units, minus 2 */
		return ((size_t)h[1] + 2) * 4;
	default:
		return ((size_t)h[1] + 1) * 8;
	}
}

static bool
is_ext_header(uint8_t type)
{
	switch (type) {
	case IPP_HOPOPTS:
	case IPP_ROUTING:
	case IPP_FRAGMENT:
	case IPP_AH:
	case IPP_DSTOPTS:
	case IPP_MOBILITY:
	case IPP_HIP:
	case IPP_SHIM6:
		return true;
	default:
		return false;
	}
}

/* RFC 8200, 4.5.  STEP_TRANSPORT for an "atomic" fragment (RFC 6946). */
static enum decode_step
ipv6_fragment(struct decode_ctx *x, const uint8_t *base, size_t next_at)
{
	struct packet *p = x->pkt;
	const uint8_t *h = x->rest.p;
	uint16_t field = load_be16(h + 2);

	p->frag_id = load_be32(h + 4);
	p->ip_id = (uint16_t)p->frag_id;
	p->frag_offset = field >> 3;
	p->frag_flags = field & 1;
	if ((field & 0xfff9) == 0) {
		return STEP_TRANSPORT;
	}
	p->flags |= PKT_FRAGMENT;
	p->proto = h[0];
	x->count->frag_ipv6++;
	x->frag.header = view_of(base, (size_t)(h - base));
	x->frag.next_header_at = next_at;
	decode_advance(x, 8);
	x->frag.data = x->rest;
	p->l3_hlen = (uint32_t)(x->rest.p - base);
	return STEP_FRAGMENT;
}

/* Walks the chain to the upper-layer header. */
static enum decode_step
ipv6_extensions(struct decode_ctx *x, const uint8_t *base)
{
	struct packet *p = x->pkt;
	uint8_t type = base[6];
	size_t next_at = 6;

	for (unsigned n = 0; is_ext_header(type); n++) {
		size_t len;

		if (n == MAX_EXT_HEADERS) {
			return decode_broken(x, EV_DECODE_IPV6_EXTHDR_TOO_MANY);
		}
		len = x->rest.len < 8 ? 8 : ext_length(type, x->rest.p);
		if (len > x->rest.len) {
			p->proto = type;
			return decode_broken(x, EV_DECODE_IPV6_TRUNC_EXTHDR);
		}
		if (type == IPP_FRAGMENT) {
			enum decode_step s = ipv6_fragment(x, base, next_at);

			if (s != STEP_TRANSPORT) {
				return s;
			}
		}
		next_at = (size_t)(x->rest.p - base);
		type = x->rest.p[0];
		decode_advance(x, len);
		/* A chain that promises more than there is. */
		if (x->rest.len < 2 && type != IPP_NONE) {
			decode_event(x, EV_DECODE_IPV6_TRUNC_EXTHDR);
		}
	}
	p->proto = type;
	p->l3_hlen = (uint32_t)(x->rest.p - base);
	return STEP_TRANSPORT;
}

enum decode_step
decode_ipv6(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = x->rest.p;
	size_t total;

	x->count->ipv6++;
	if (UNLIKELY(x->rest.len < IPV6_HEADER)) {
		return decode_broken(x, EV_DECODE_IPV6_PKT_TOO_SMALL);
	}
	if (UNLIKELY(h[0] >> 4 != 6)) {
		return decode_broken(x, EV_DECODE_IPV6_WRONG_IP_VER);
	}
	total = IPV6_HEADER + (size_t)load_be16(h + 4);
	/* Also how a jumbogram says its length (RFC 2675). */
	if (UNLIKELY(total == IPV6_HEADER &&
		     x->wire > LONGEST_ETHERNET_PAYLOAD)) {
		total = x->wire;
	}
	if (UNLIKELY(!bound_datagram(x, total, EV_DECODE_IPV6_TRUNC_PKT))) {
		p->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
	p->ip_version = 6;
	p->src = addr_from_v6(h + 8);
	p->dst = addr_from_v6(h + 24);
	p->proto = h[6];
	p->ttl = h[7];
	p->tos = (uint8_t)(load_be16(h) >> 4);
	p->l3 = x->rest;
	p->l3_hlen = IPV6_HEADER;
	decode_advance(x, IPV6_HEADER);
	return ipv6_extensions(x, h);
}
