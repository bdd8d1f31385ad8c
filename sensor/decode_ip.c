/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 (RFC 791). */
#include "sensor/decode_ctx.h"

#include "common/csum.h"
#include "rules/inspect.h"

#define IPV4_HEADER 20
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
		return decode_broken(x, EV_DECODE_IPRAW_INVALID_IP_VERSION);
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

/*
 * Whether the option of 'len' bytes at 'o' says what its kind has room for:
 * fixed lengths (RFC 791, 1108, 2113, 4782), pointers that point behind the
 * option's head and, for addresses, to the beginning of one (RFC 791, 3.1).
 */
static bool
ipv4_option_ok(struct decode_ctx *x, const uint8_t *o, uint8_t len)
{
	uint8_t fixed = 0, head = 0;

	switch (option_bit(o[0])) {
	case IPOPT_BIT_SATID:
	case IPOPT_BIT_RTRALT:
		fixed = 4;
		break;
	case IPOPT_BIT_QS:
		fixed = 8;
		break;
	case IPOPT_BIT_RR:
	case IPOPT_BIT_LSRR:
	case IPOPT_BIT_SSRR:
		head = 3;
		break;
	case IPOPT_BIT_TS:
		head = 4;
		break;
	case IPOPT_BIT_CIPSO: /* a tag is there, and tags fill it exactly */
		head = 6;
		break;
	default:
		return true;
	}
	if ((fixed != 0 && len != fixed) || len < head) {
		decode_event(x, EV_DECODE_IPV4_OPT_INVALID_LEN);
		return false;
	}
	if (head == 3 && (o[2] < 4 || o[2] % 4 != 0 || o[2] > len + 1)) {
		decode_event(x, EV_DECODE_IPV4_OPT_MALFORMED);
		return false;
	}
	if (head == 4 && (o[2] < 5 || o[2] > len + 1 || (o[3] & 15) > 3 ||
			  (o[3] & 15) == 2)) {
		decode_event(x, EV_DECODE_IPV4_OPT_MALFORMED);
		return false;
	}
	return true;
}

/* RFC 791, 3.1: type, and for all but two of them length and value. */
static void
ipv4_options(struct decode_ctx *x, struct view o)
{
	struct packet *p = x->pkt;

	while (o.len > 0) {
		uint32_t bit = option_bit(o.p[0]);

		if (o.p[0] == 0) {
			p->ip_options |= bit;
			return;
		}
		if (o.p[0] == 1) {
			p->ip_options |= bit;
			o = view_sub(o, 1, o.len);
			continue;
		}
		if (o.len < 2) {
			decode_event(x, EV_DECODE_IPV4_OPT_EOL_REQUIRED);
			return;
		}
		if (o.p[1] < 2 || o.p[1] > o.len) {
			decode_event(x, EV_DECODE_IPV4_OPT_INVALID_LEN);
			return;
		}
		if (bit == 0) {
			decode_event(x, EV_DECODE_IPV4_OPT_UNKNOWN);
		} else if ((p->ip_options & bit) != 0) {
			decode_event(x, EV_DECODE_IPV4_OPT_DUPLICATE);
		} else if (!ipv4_option_ok(x, o.p, o.p[1])) {
			decode_event(x, EV_DECODE_IPV4_OPT_INVALID);
		}
		p->ip_options |= bit;
		o = view_sub(o, o.p[1], o.len);
	}
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
	if (UNLIKELY(total == 0 && x->wire > DECODE_LONGEST_PAYLOAD)) {
		total = x->wire;
		p->flags |= PKT_NO_L4_CSUM;
	}
	if (UNLIKELY(total < hlen)) {
		return decode_broken(x, EV_DECODE_IPV4_IPLEN_SMALLER_THAN_HLEN);
	}
	if (UNLIKELY(!decode_bound(x, total, EV_DECODE_IPV4_TRUNC_PKT))) {
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
	if (UNLIKELY(csum_fold(csum_add(0, h, hlen)) != 0xffff) &&
	    load_be16(h + 2) != 0) {
		p->flags |= PKT_BAD_IP_CSUM;
	}
	if (UNLIKELY(hlen > IPV4_HEADER)) {
		ipv4_options(x, view_of(h + IPV4_HEADER, hlen - IPV4_HEADER));
		if ((hlen - IPV4_HEADER) % 8 != 0) {
			decode_event(x, EV_DECODE_IPV4_OPT_PAD_REQUIRED);
		}
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
