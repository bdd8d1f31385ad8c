/* SPDX-License-Identifier: Apache-2.0 */
/* TCP, UDP, SCTP and what is only counted. */
#include "sensor/decode_ctx.h"

#define TCP_HEADER 20
#define TCP_MAX_OPTIONS 40
#define UDP_HEADER 8
#define SCTP_HEADER 12
#define ESP_HEADER 8

void
decode_l4_csum_due(struct packet *p)
{
	if ((p->flags & (PKT_TRUNCATED | PKT_NO_L4_CSUM)) == 0) {
		p->flags |= PKT_L4_CSUM_DUE;
	}
}

void
decode_payload(struct packet *p, size_t hlen)
{
	p->l4_hlen = (uint32_t)hlen;
	p->payload = view_sub(p->l4, hlen, p->l4.len);
}

enum {
	TCPOPT_EOL = 0,
	TCPOPT_NOP = 1,
	TCPOPT_MSS = 2,
	TCPOPT_WSCALE = 3,
	TCPOPT_SACK_OK = 4,
	TCPOPT_TS = 8,
	TCPOPT_MD5 = 19, /* RFC 2385 */
	TCPOPT_AO = 29, /* RFC 5925 */
	TCPOPT_TFO = 34, /* RFC 7413 */
	TCPOPT_EXP = 254 /* RFC 4727; 16 bits say what it is, RFC 6994 */
};

/* Takes one option; 'seen' has a bit for each kind met. */
static void
tcp_option(struct packet *p, uint8_t kind, uint8_t len, const uint8_t *v,
	   uint32_t *seen)
{
	static const uint8_t right_len[] = { [TCPOPT_MSS] = 4,
					     [TCPOPT_WSCALE] = 3,
					     [TCPOPT_SACK_OK] = 2,
					     [TCPOPT_TS] = 10 };

	if (kind == TCPOPT_MD5 || kind == TCPOPT_AO) {
		p->tcp_signed = true;
		return;
	}
	if (kind == TCPOPT_TFO ||
	    (kind == TCPOPT_EXP && len >= 4 && load_be16(v) == 0xf989)) {
		p->tcp_fast_open = true;
		return;
	}
	if (kind >= ARRAY_LEN(right_len) || right_len[kind] == 0) {
		return;
	}
	if (len != right_len[kind]) {
		event_set_add(&p->events, EV_DECODE_TCP_OPT_INVALID_LEN);
		return;
	}
	if ((*seen >> kind & 1) != 0) {
		event_set_add(&p->events, EV_DECODE_TCP_OPT_DUPLICATE);
		return;
	}
	*seen |= UINT32_C(1) << kind;
	switch (kind) {
	case TCPOPT_MSS:
		p->tcp_mss = load_be16(v);
		break;
	case TCPOPT_WSCALE:
		/* RFC 7323, 2.3: more than 14 means 14. */
		p->tcp_wscale = MIN(v[0], 14);
		break;
	case TCPOPT_SACK_OK:
		p->tcp_sack_ok = true;
		break;
	case TCPOPT_TS:
		p->tcp_has_ts = true;
		p->tcp_ts_val = load_be32(v);
		p->tcp_ts_ecr = load_be32(v + 4);
		break;
	default:
		break;
	}
}

/* RFC 9293, 3.2. */
void
decode_tcp_options(struct packet *p, struct view o)
{
	uint32_t seen = 0;

	/* What nearly every segment of a connection carries. */
	if (LIKELY(o.len == 12 && load_be32(o.p) == 0x0101080a)) {
		tcp_option(p, TCPOPT_TS, 10, o.p + 4, &seen);
		return;
	}
	while (o.len > 0 && o.p[0] != TCPOPT_EOL) {
		if (o.p[0] == TCPOPT_NOP) {
			o = view_sub(o, 1, o.len);
			continue;
		}
		if (o.len < 2 || o.p[1] < 2 || o.p[1] > o.len) {
			event_set_add(&p->events,
				      EV_DECODE_TCP_OPT_INVALID_LEN);
			return;
		}
		tcp_option(p, o.p[0], o.p[1], o.p + 2, &seen);
		o = view_sub(o, o.p[1], o.len);
	}
}

static enum decode_step
decode_tcp(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = p->l4.p;
	size_t hlen;

	x->count->tcp++;
	if (UNLIKELY(p->l4.len < TCP_HEADER)) {
		return decode_broken(x, EV_DECODE_TCP_PKT_TOO_SMALL);
	}
	hlen = (size_t)(h[12] >> 4) * 4;
	if (UNLIKELY(hlen > p->l4.len)) {
		return decode_broken(x, EV_DECODE_TCP_HLEN_TOO_SMALL);
	}
	if (UNLIKELY(hlen < TCP_HEADER)) {
		return decode_broken(x, EV_DECODE_TCP_INVALID_OPTLEN);
	}
	p->sport = load_be16(h);
	p->dport = load_be16(h + 2);
	p->tcp_seq = load_be32(h + 4);
	p->tcp_ack = load_be32(h + 8);
	p->tcp_flags = h[13];
	p->tcp_window = load_be16(h + 14);
	p->tcp_urgent = load_be16(h + 18);
	if (hlen > TCP_HEADER) {
		decode_tcp_options(p,
				   view_of(h + TCP_HEADER, hlen - TCP_HEADER));
	}
	decode_l4_csum_due(p);
	decode_payload(p, hlen);
	return STEP_DONE;
}

static enum decode_step
decode_udp(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = p->l4.p;
	size_t ulen;

	x->count->udp++;
	if (UNLIKELY(p->l4.len < UDP_HEADER)) {
		return decode_broken(x, EV_DECODE_UDP_PKT_TOO_SMALL);
	}
	ulen = load_be16(h + 4);
	if (UNLIKELY(ulen == 0 && p->l4.len > 0xffff)) {
		ulen = p->l4.len; /* jumbogram, RFC 2675, 4 */
	}
	if (UNLIKELY(ulen > p->l4.len && (p->flags & PKT_TRUNCATED) == 0)) {
		return decode_broken(x, EV_DECODE_UDP_PKT_TOO_SMALL);
	}
	if (UNLIKELY(ulen < UDP_HEADER)) {
		decode_event(x, EV_DECODE_UDP_HLEN_TOO_SMALL);
		return decode_broken(x, EV_DECODE_UDP_LEN_INVALID);
	}
	p->l4 = view_sub(p->l4, 0, ulen);
	p->sport = load_be16(h);
	p->dport = load_be16(h + 2);
	/* RFC 768: zero means that the sender made none. */
	if (UNLIKELY(load_be16(h + 6) == 0 && p->ip_version == 4)) {
		p->flags |= PKT_NO_L4_CSUM;
	} else {
		decode_l4_csum_due(p);
	}
	decode_payload(p, UDP_HEADER);
	if (UNLIKELY(decode_tunnel_ports(x->set, p->sport, p->dport))) {
		decode_advance(x, UDP_HEADER);
		decode_limit(x, ulen - UDP_HEADER);
		return STEP_UDP_TUNNEL;
	}
	return STEP_DONE;
}

static enum decode_step
decode_sctp(struct decode_ctx *x)
{
	struct packet *p = x->pkt;

	x->count->sctp++;
	if (p->l4.len < SCTP_HEADER) {
		return decode_broken(x, EV_DECODE_SCTP_PKT_TOO_SMALL);
	}
	p->sport = load_be16(p->l4.p);
	p->dport = load_be16(p->l4.p + 2);
	decode_payload(p, SCTP_HEADER);
	return STEP_DONE;
}

/*
 * RFC 4302, 2: behind IPv4 the header stands where the transport's would; what
 * it protects is in the clear.  Behind IPv6 it went with the extensions.
 */
static bool
skip_ah(struct decode_ctx *x)
{
	size_t len;

	if (x->rest.len < 12) {
		return false;
	}
	len = ((size_t)x->rest.p[1] + 2) * 4;
	if (len < 12 || len > x->rest.len || x->rest.p[0] == IPP_AH) {
		return false;
	}
	x->pkt->proto = x->rest.p[0];
	decode_advance(x, len);
	return true;
}

/* Protocols that are let pass without a look inside. */
static bool
known_protocol(uint8_t proto)
{
	switch (proto) {
	case IPP_AH:
	case 103: /* PIM */
	case 112: /* VRRP */
	case 89: /* OSPF */
	case 88: /* EIGRP */
		return true;
	default:
		return false;
	}
}

enum decode_step
decode_transport(struct decode_ctx *x)
{
	struct packet *p = x->pkt;

	if (UNLIKELY(p->proto == IPP_AH) && !skip_ah(x)) {
		p->flags |= PKT_BROKEN;
	}
	p->l4 = x->rest;
	switch (p->proto) {
	case IPP_TCP:
		return decode_tcp(x);
	case IPP_UDP:
		return decode_udp(x);
	case IPP_SCTP:
		return decode_sctp(x);
	case IPP_ICMP:
		return decode_icmpv4(x);
	case IPP_ICMPV6:
		return decode_icmpv6(x);
	case IPP_GRE:
		return STEP_GRE;
	case IPP_IPIP:
	case IPP_IPV6:
		return STEP_IP_IN_IP;
	case IPP_IGMP:
		return decode_igmp(x);
	case IPP_ESP:
		x->count->esp++;
		if (p->l4.len < ESP_HEADER) {
			return decode_broken(x, EV_DECODE_ESP_PKT_TOO_SMALL);
		}
		break;
	default:
		if (p->ip_version == 4 && !known_protocol(p->proto)) {
			decode_event(x, EV_DECODE_IPV4_UNKNOWN_PROTOCOL);
		}
		break;
	}
	decode_payload(p, 0);
	return STEP_DONE;
}
