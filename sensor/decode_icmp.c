/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP (RFC 792), ICMPv6 (RFC 4443) and IGMP (RFC 2236, 3376). */
#include "sensor/decode_ctx.h"

#define ICMP_HEADER 8

/* Highest code of each ICMP type; -1: no such type (IANA registry). */
static const int8_t icmpv4_codes[] = {
	[0] = 0, -1, -1, 15,       0, 3, 0, -1, 0, 16,
	0,       1,  2,  [13] = 0, 0, 0, 0, 0,  0,
};

/* The head of the packet that an error message is about. */
static void
offending_packet(struct decode_ctx *x, uint8_t version, size_t least,
		 enum event_id trunc, enum event_id wrong)
{
	struct view v = view_sub(x->pkt->l4, ICMP_HEADER, x->pkt->l4.len);

	x->pkt->flags |= PKT_ICMP_ERROR;
	if (v.len < least) {
		/* The snap length may have cut it, not the sender. */
		if ((x->pkt->flags & PKT_TRUNCATED) == 0) {
			decode_event(x, trunc);
		}
	} else if (v.p[0] >> 4 != version) {
		decode_event(x, wrong);
	}
}

enum decode_step
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
		offending_packet(x, 4, 20, EV_DECODE_ICMPV4_IPV4_TRUNC_PKT,
				 EV_DECODE_ICMPV4_IPV4_UNKNOWN_VER);
		break;
	default:
		break;
	}
	decode_l4_csum_due(p);
	decode_payload(p, ICMP_HEADER);
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
	case 155: /* RPL control */
		return 255;
	default:
		return type >= 128 && type <= 161 ? 0 : -1;
	}
}

/* What the registry says of a type that has no meaning of its own. */
static enum event_id
icmpv6_odd_type(uint8_t type)
{
	switch (type) {
	case 100: /* private experimentation, RFC 4443, 2.1 */
	case 101:
	case 200:
	case 201:
		return EV_DECODE_ICMPV6_EXPERIMENTATION_TYPE;
	case 0: /* reserved, or reserved for expansion */
	case 127:
	case 255:
		return EV_DECODE_ICMPV6_UNKNOWN_TYPE;
	default:
		return EV_DECODE_ICMPV6_UNASSIGNED_TYPE;
	}
}

static void
icmpv6_type(struct decode_ctx *x, const uint8_t *h)
{
	struct packet *p = x->pkt;
	int max_code = icmpv6_max_code(h[0]);

	if (max_code < 0) {
		decode_event(x, icmpv6_odd_type(h[0]));
	} else if (h[1] > max_code) {
		decode_event(x, EV_DECODE_ICMPV6_UNKNOWN_CODE);
	}
	switch (h[0]) {
	case 2: /* too big */
		p->icmpv6_has_mtu = true;
		p->icmpv6_mtu = load_be32(h + 4);
		/* fall through */
	case 1: /* unreachable, time, parameter */
	case 3:
	case 4:
		offending_packet(x, 6, 40, EV_DECODE_ICMPV6_IPV6_TRUNC_PKT,
				 EV_DECODE_ICMPV6_IPV6_UNKNOWN_VERSION);
		break;
	case 128: /* echo */
	case 129:
		p->icmp_has_id = true;
		p->icmp_id = load_be16(h + 4);
		p->icmp_seq = load_be16(h + 6);
		break;
	case 130: /* listener discovery, RFC 2710, 3: never routed */
	case 131:
	case 132:
		if (p->ttl != 1) {
			decode_event(
				x,
				EV_DECODE_ICMPV6_MLD_MESSAGE_WITH_INVALID_HL);
		}
		break;
	default:
		break;
	}
}

enum decode_step
decode_icmpv6(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = p->l4.p;

	x->count->icmpv6++;
	if (p->l4.len < ICMP_HEADER) {
		return decode_broken(x, EV_DECODE_ICMPV6_PKT_TOO_SMALL);
	}
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	icmpv6_type(x, h);
	if (p->ip_version == 4) {
		decode_event(x, EV_DECODE_IPV4_ICMPV6);
	}
	decode_l4_csum_due(p);
	decode_payload(p, ICMP_HEADER);
	return STEP_DONE;
}

/* RFC 3376, 4: queries of version 3 and its reports are longer. */
enum decode_step
decode_igmp(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	size_t len = p->l4.len, need = 8;

	x->count->igmp++;
	decode_payload(p, 0);
	p->icmp_type = len > 0 ? p->l4.p[0] : 0;
	if ((p->flags & PKT_TRUNCATED) != 0) {
		return STEP_DONE;
	}
	if (len < 8) {
		decode_event(x, EV_DECODE_IGMP_PKT_TOO_SMALL);
		return STEP_DONE;
	}
	if (p->l4.p[0] == 0x11 && len > 8) {
		if (len < 12) {
			decode_event(x, EV_DECODE_IGMP_V3_PKT_TOO_SMALL);
			return STEP_DONE;
		}
		need = 12 + (size_t)load_be16(p->l4.p + 10) * 4;
	} else if (p->l4.p[0] == 0x22) {
		/* Group records of at least 8 bytes. */
		need = 8 + (size_t)load_be16(p->l4.p + 6) * 8;
	}
	if (len < need) {
		decode_event(x, EV_DECODE_IGMP_MALFORMED);
	}
	return STEP_DONE;
}
