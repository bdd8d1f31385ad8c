/* SPDX-License-Identifier: Apache-2.0 */
/* TCP, UDP, SCTP, ICMP and what is only counted. */
#include "sensor/decode_ctx.h"

#include "sensor/csum.h"

#define TCP_HEADER 20
#define TCP_MAX_OPTIONS 40
#define UDP_HEADER 8
#define SCTP_HEADER 12
#define ICMP_HEADER 8

/*
 * Whether the checksum over pseudo header and 'l4' is right.  A datagram cut
 * short cannot be judged and passes.
 */
static bool
l4_csum_ok(const struct packet *p, uint8_t proto, bool pseudo)
{
	uint64_t sum = 0;

	if ((p->flags & PKT_TRUNCATED) != 0) {
		return true;
	}
	if (pseudo) {
		/* The mapped form's prefix is the same in both addresses of
		 * IPv4, but it must not count. */
		size_t skip = p->ip_version == 4 ? 12 : 0;

		sum = csum_add(sum, p->src.b + skip, 16 - skip);
		sum = csum_add(sum, p->dst.b + skip, 16 - skip);
		sum = csum_add_be16(sum, (uint16_t)(p->l4.len >> 16));
		sum = csum_add_be16(sum, (uint16_t)p->l4.len);
		sum = csum_add_be16(sum, proto);
	}
	sum = csum_add(sum, p->l4.p, p->l4.len);
	return csum_fold(sum) == 0xffff;
}

static void
set_payload(struct packet *p, size_t hlen)
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
	TCPOPT_TS = 8
};

/* Takes one option; 'seen' has a bit for each kind met. */
static void
tcp_option(struct decode_ctx *x, uint8_t kind, uint8_t len, const uint8_t *v,
	   uint32_t *seen)
{
	static const uint8_t right_len[] = { [TCPOPT_MSS] = 4,
					     [TCPOPT_WSCALE] = 3,
					     [TCPOPT_SACK_OK] = 2,
					     [TCPOPT_TS] = 10 };
	struct packet *p = x->pkt;

	if (kind >= ARRAY_LEN(right_len) || right_len[kind] == 0) {
		return;
	}
	if (len != right_len[kind]) {
		decode_event(x, EV_DECODE_TCP_OPT_INVALID_LEN);
		return;
	}
	if ((*seen >> kind & 1) != 0) {
		decode_event(x, EV_DECODE_TCP_OPT_DUPLICATE);
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
static void
tcp_options(struct decode_ctx *x, struct view o)
{
	uint32_t seen = 0;

	/* What nearly every segment of a connection carries. */
	if (LIKELY(o.len == 12 && load_be32(o.p) == 0x0101080a)) {
		tcp_option(x, TCPOPT_TS, 10, o.p + 4, &seen);
		return;
	}
	while (o.len > 0 && o.p[0] != TCPOPT_EOL) {
		if (o.p[0] == TCPOPT_NOP) {
			o = view_sub(o, 1, o.len);
			continue;
		}
		if (o.len < 2 || o.p[1] < 2 || o.p[1] > o.len) {
			decode_event(x, EV_DECODE_TCP_OPT_INVALID_LEN);
			return;
		}
		tcp_option(x, o.p[0], o.p[1], o.p + 2, &seen);
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
		tcp_options(x, view_of(h + TCP_HEADER, hlen - TCP_HEADER));
	}
	if (UNLIKELY(!l4_csum_ok(p, IPP_TCP, true))) {
		p->flags |= PKT_BAD_L4_CSUM;
	}
	set_payload(p, hlen);
	return STEP_DONE;
}

static bool
port_listed(const struct decode_ports *ports, uint16_t a, uint16_t b)
{
	if (!ports->enabled) {
		return false;
	}
	for (unsigned i = 0; i < ports->n; i++) {
		if (ports->port[i] == a || ports->port[i] == b) {
			return true;
		}
	}
	return false;
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
		return decode_broken(x, EV_DECODE_UDP_LEN_INVALID);
	}
	p->l4 = view_sub(p->l4, 0, ulen);
	p->sport = load_be16(h);
	p->dport = load_be16(h + 2);
	/* RFC 768: zero means that the sender made none. */
	if (UNLIKELY((load_be16(h + 6) != 0 || p->ip_version == 6) &&
		     !l4_csum_ok(p, IPP_UDP, true))) {
		p->flags |= PKT_BAD_L4_CSUM;
	}
	set_payload(p, UDP_HEADER);
	if (UNLIKELY(port_listed(&x->set->vxlan, p->sport, p->dport) ||
		     port_listed(&x->set->geneve, p->sport, p->dport) ||
		     port_listed(&x->set->teredo, p->sport, p->dport))) {
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
	set_payload(p, SCTP_HEADER);
	return STEP_DONE;
}

/* Highest code of each ICMP type; -1: no such type (IANA registry). */
static const int8_t icmpv4_codes[] = {
	[0] = 0, -1, -1, 15,       0, 3, 0, -1, 0, 16,
	0,       1,  2,  [13] = 0, 0, 0, 0, 0,  0,
};

static enum decode_step
decode_icmpv4(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = p->l4.p;

	x->count->icmpv4++;
	if (p->l4.len < ICMP_HEADER) {
		return decode_broken(x, EV_DECODE_ICMPV4_PKT_TOO_SMALL);
	}
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	if (h[0] >= ARRAY_LEN(icmpv4_codes) || icmpv4_codes[h[0]] < 0) {
		decode_event(x, EV_DECODE_ICMPV4_UNKNOWN_TYPE);
	} else if (h[1] > icmpv4_codes[h[0]]) {
		decode_event(x, EV_DECODE_ICMPV4_UNKNOWN_CODE);
	}
	switch (h[0]) {
	case 0: /* echo reply, request */
	case 8:
	case 13: /* timestamp */
	case 14:
	case 15: /* information */
	case 16:
	case 17: /* address mask */
	case 18:
		p->icmp_has_id = true;
		p->icmp_id = load_be16(h + 4);
		p->icmp_seq = load_be16(h + 6);
		break;
	case 3: /* unreachable, quench, redirect, time, parameter */
	case 4:
	case 5:
	case 11:
	case 12:
		p->flags |= PKT_ICMP_ERROR;
		break;
	default:
		break;
	}
	if (!l4_csum_ok(p, IPP_ICMP, false)) {
		p->flags |= PKT_BAD_L4_CSUM;
	}
	set_payload(p, ICMP_HEADER);
	return STEP_DONE;
}

/* RFC 4443 and the IANA registry: the highest code of a type, -1 for none. */
static int
icmpv6_max_code(uint8_t type)
{
	switch (type) {
	case 1:
		return 8;
	case 2:
		return 0;
	case 3:
		return 1;
	case 4:
		return 10;
	case 138: /* router renumbering */
		return 255;
	case 139: /* node information */
	case 140:
		return 2;
	case 157: /* duplicate address */
	case 158:
		return 15;
	case 100: /* private and experimental use */
	case 101:
	case 127:
	case 200:
	case 201:
	case 255:
		return 255;
	case 155: /* RPL control */
		return 255;
	default:
		return type >= 128 && type <= 161 ? 0 : -1;
	}
}

static enum decode_step
decode_icmpv6(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = p->l4.p;
	int max_code;

	x->count->icmpv6++;
	if (p->l4.len < ICMP_HEADER) {
		return decode_broken(x, EV_DECODE_ICMPV6_PKT_TOO_SMALL);
	}
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	max_code = icmpv6_max_code(h[0]);
	if (max_code < 0) {
		decode_event(x, EV_DECODE_ICMPV6_UNKNOWN_TYPE);
	} else if (h[1] > max_code) {
		decode_event(x, EV_DECODE_ICMPV6_UNKNOWN_CODE);
	}
	if (h[0] == 128 || h[0] == 129) {
		p->icmp_has_id = true;
		p->icmp_id = load_be16(h + 4);
		p->icmp_seq = load_be16(h + 6);
	} else if (h[0] >= 1 && h[0] <= 4) {
		p->flags |= PKT_ICMP_ERROR;
	}
	if (!l4_csum_ok(p, IPP_ICMPV6, p->ip_version == 6)) {
		p->flags |= PKT_BAD_L4_CSUM;
	}
	set_payload(p, ICMP_HEADER);
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
		x->count->igmp++;
		break;
	case IPP_ESP:
		x->count->esp++;
		break;
	default:
		break;
	}
	set_payload(p, 0);
	return STEP_DONE;
}
