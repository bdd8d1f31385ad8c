/* SPDX-License-Identifier: Apache-2.0 */
/* PPPoE (RFC 2516) and PPP (RFC 1661). */
#include "sensor/decode_ctx.h"
#include "sensor/ppp_proto.h"

enum { PADO = 0x07, PADI = 0x09, PADR = 0x19, PADS = 0x65, PADT = 0xa7 };

/* RFC 2516, 5: what may stand in the code field of discovery. */
static bool
pppoe_code_known(uint8_t code)
{
	return code == PADO || code == PADI || code == PADR || code == PADS ||
	       code == PADT;
}

/* RFC 2516, 4 and 5: tags of two bytes each of type and length. */
static enum decode_step
decode_pppoe_discovery(struct decode_ctx *x)
{
	const uint8_t *h = x->rest.p;
	struct view tags;

	if (!pppoe_code_known(h[1])) {
		decode_event(x, EV_DECODE_PPPOE_WRONG_CODE);
		return decode_not_ip(x);
	}
	tags = view_sub(x->rest, 6, x->rest.len);
	if (load_be16(h + 4) > tags.len) {
		decode_event(x, EV_DECODE_PPPOE_MALFORMED_TAGS);
	}
	tags = view_sub(tags, 0, load_be16(h + 4));
	while (tags.len >= 4 && load_be16(tags.p) != 0) {
		size_t len = 4 + (size_t)load_be16(tags.p + 2);

		if (len > tags.len) {
			decode_event(x, EV_DECODE_PPPOE_MALFORMED_TAGS);
			break;
		}
		tags = view_sub(tags, len, tags.len);
	}
	return decode_not_ip(x);
}

/* RFC 2516, 4. */
enum decode_step
decode_pppoe(struct decode_ctx *x, bool discovery)
{
	const uint8_t *h = x->rest.p;

	x->count->pppoe++;
	if (x->rest.len < 6) {
		return decode_broken(x, EV_DECODE_PPPOE_PKT_TOO_SMALL);
	}
	if (discovery) {
		return decode_pppoe_discovery(x);
	}
	if (h[0] != 0x11 || h[1] != 0) {
		decode_event(x, EV_DECODE_PPPOE_WRONG_CODE);
		return decode_not_ip(x);
	}
	decode_advance(x, 6);
	decode_limit(x, load_be16(h + 4));
	return STEP_PPP;
}

/* Protocols that carry data which nobody here decodes (IANA PPP numbers). */
static bool
ppp_known_data(uint16_t protocol)
{
	switch (protocol) {
	case PPP_OSI:
	case PPP_XNS:
	case PPP_DECNET:
	case PPP_APPLETALK:
	case PPP_IPX:
	case PPP_VJ_COMPRESSED:
	case PPP_BRIDGED:
	case PPP_STREAM:
	case PPP_VINES:
	case PPP_MULTILINK:
	case PPP_COMPRESSED_LINK:
	case PPP_COMPRESSED:
	case PPP_CDPD:
		return true;
	default:
		return false;
	}
}

/* RFC 1661: the protocol field is one byte when its low bit is set. */
enum decode_step
decode_ppp(struct decode_ctx *x)
{
	const uint8_t *p = x->rest.p;
	uint16_t protocol;
	size_t len = 2;

	x->count->ppp++;
	if (x->rest.len >= 2 && p[0] == 0xff && p[1] == 3) {
		decode_advance(x, 2); /* RFC 1662 address and control */
		p = x->rest.p;
	}
	if (x->rest.len >= 1 && (p[0] & 1) != 0) {
		len = 1;
	}
	if (x->rest.len < len) {
		return decode_broken(x, EV_DECODE_PPP_PKT_TOO_SMALL);
	}
	protocol = len == 1 ? p[0] : load_be16(p);
	decode_advance(x, len);
	switch (protocol) {
	case PPP_IPV4:
		if (x->rest.len < 20) {
			return decode_broken(x,
					     EV_DECODE_PPP_IP4_PKT_TOO_SMALL);
		}
		return STEP_IPV4;
	case PPP_VJ_UNCOMPRESSED:
		decode_event(x, x->rest.len < 20
					? EV_DECODE_PPP_VJU_PKT_TOO_SMALL
					: EV_DECODE_PPP_UNSUP_PROTO);
		return decode_not_ip(x);
	case PPP_IPV6:
		if (x->rest.len < 40) {
			return decode_broken(x,
					     EV_DECODE_PPP_IP6_PKT_TOO_SMALL);
		}
		return STEP_IPV6;
	case PPP_MPLS:
	case PPP_MPLS_MULTICAST:
		return STEP_MPLS;
	default:
		if (ppp_known_data(protocol)) {
			decode_event(x, EV_DECODE_PPP_UNSUP_PROTO);
		} else if (protocol < PPP_CONTROL_MIN) {
			decode_event(x, EV_DECODE_PPP_WRONG_TYPE);
		}
		return decode_not_ip(x);
	}
}
