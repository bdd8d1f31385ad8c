/* SPDX-License-Identifier: Apache-2.0 */
/* IPv6 (RFC 8200): the header, the extension headers, their options. */
#include "sensor/decode_ctx.h"

#define IPV6_HEADER 40
/* More than any host makes; a chain is work for each packet. */
#define MAX_EXT_HEADERS 16

/* Options of hop-by-hop and destination headers that a host may send. */
enum {
	OPT_PAD1 = 0,
	OPT_PADN = 1,
	OPT_TUNNEL_LIMIT = 0x04, /* RFC 2473, 4.1.1 */
	OPT_ROUTER_ALERT = 0x05, /* RFC 2711 */
	OPT_JUMBO = 0xc2, /* RFC 2675 */
	OPT_HOME_ADDRESS = 0xc9, /* RFC 6275, 6.3 */
};

/* What was met on the way down the chain. */
enum chain_seen {
	SEEN_HOPOPTS = 1 << 0,
	SEEN_ROUTING = 1 << 1,
	SEEN_FRAGMENT = 1 << 2,
	SEEN_DSTOPTS = 1 << 3,
	SEEN_DSTOPTS_2 = 1 << 4,
	SEEN_AH = 1 << 5,
};

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

/* The least value length of a known option; -1 when it is not known. */
static int
option_least(uint8_t type)
{
	switch (type) {
	case OPT_TUNNEL_LIMIT:
		return 1;
	case OPT_ROUTER_ALERT:
		return 2;
	case OPT_JUMBO:
		return 4;
	case OPT_HOME_ADDRESS:
		return 16;
	default:
		return -1;
	}
}

/* RFC 8200, 4.2: type and length before each value, but for Pad1. */
static void
ext_options(struct decode_ctx *x, bool hop, struct view o)
{
	bool padding = false, other = false;

	while (o.len > 0) {
		uint8_t type = o.p[0];
		int least;

		if (type == OPT_PAD1) {
			o = view_sub(o, 1, o.len);
			continue;
		}
		if (o.len < 2 || (size_t)o.p[1] + 2 > o.len) {
			decode_event(x, EV_DECODE_IPV6_EXTHDR_INVALID_OPTLEN);
			return;
		}
		least = option_least(type);
		if (type == OPT_PADN) {
			padding = true;
			if (o.p[1] == 0) {
				decode_event(x, EV_DECODE_IPV6_ZERO_LEN_PADN);
			}
		} else if (least < 0) {
			other = true;
			decode_event(x,
				     hop ? EV_DECODE_IPV6_HOPOPTS_UNKNOWN_OPT
					 : EV_DECODE_IPV6_DSTOPTS_UNKNOWN_OPT);
		} else if (o.p[1] < least) {
			decode_event(x, EV_DECODE_IPV6_EXTHDR_INVALID_OPTLEN);
			return;
		} else {
			other = true;
		}
		o = view_sub(o, (size_t)o.p[1] + 2, o.len);
	}
	if (padding && !other) {
		decode_event(x, hop ? EV_DECODE_IPV6_HOPOPTS_ONLY_PADDING
				    : EV_DECODE_IPV6_DSTOPTS_ONLY_PADDING);
	}
}

/* The header of the kind 'bit' must be the first one (RFC 8200, 4.1). */
static void
ext_once(struct decode_ctx *x, unsigned *seen, unsigned bit,
	 enum event_id again)
{
	if ((*seen & bit) != 0) {
		decode_event(x, again);
	}
	*seen |= bit;
}

/* Notes what is odd about the header of 'len' bytes at the front. */
static void
ext_look(struct decode_ctx *x, uint8_t type, size_t len, unsigned *seen)
{
	const uint8_t *h = x->rest.p;

	switch (type) {
	case IPP_HOPOPTS:
		ext_once(x, seen, SEEN_HOPOPTS, EV_DECODE_IPV6_EXTHDR_DUPL_HH);
		ext_options(x, true, view_of(h + 2, len - 2));
		break;
	case IPP_DSTOPTS:
		/* One may stand before the routing header, one before the
		 * transport's. */
		if ((*seen & SEEN_DSTOPTS) == 0) {
			*seen |= SEEN_DSTOPTS;
		} else {
			ext_once(x, seen, SEEN_DSTOPTS_2,
				 EV_DECODE_IPV6_EXTHDR_DUPL_DH);
		}
		ext_options(x, false, view_of(h + 2, len - 2));
		break;
	case IPP_ROUTING:
		ext_once(x, seen, SEEN_ROUTING, EV_DECODE_IPV6_EXTHDR_DUPL_RH);
		if (h[2] == 0) { /* deprecated by RFC 5095 */
			decode_event(x, EV_DECODE_IPV6_RH_TYPE_0);
		}
		break;
	case IPP_AH:
		ext_once(x, seen, SEEN_AH, EV_DECODE_IPV6_EXTHDR_DUPL_AH);
		if (load_be16(h + 2) != 0) {
			decode_event(x, EV_DECODE_IPV6_EXTHDR_AH_RES_NOT_NULL);
		}
		break;
	case IPP_FRAGMENT:
		ext_once(x, seen, SEEN_FRAGMENT, EV_DECODE_IPV6_EXTHDR_DUPL_FH);
		if (h[1] != 0) {
			decode_event(x,
				     EV_DECODE_IPV6_FH_NON_ZERO_RESERVED_FIELD);
		}
		if ((load_be16(h + 2) & 0xfff9) == 0) {
			decode_event(x, EV_DECODE_IPV6_EXTHDR_USELESS_FH);
		}
		break;
	default:
		break;
	}
}

/* RFC 8200, 4.5; a datagram in one "atomic" fragment goes on (RFC 6946). */
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

/* Whether the chain may end with 'type'. */
static bool
known_upper(uint8_t type)
{
	switch (type) {
	case IPP_TCP:
	case IPP_UDP:
	case IPP_SCTP:
	case IPP_ICMP:
	case IPP_ICMPV6:
	case IPP_IPIP:
	case IPP_IPV6:
	case IPP_GRE:
	case IPP_ESP:
	case IPP_NONE:
		return true;
	default:
		return false;
	}
}

/* What the end of the chain says of itself. */
static void
chain_end(struct decode_ctx *x, uint8_t type)
{
	if (LIKELY(type == IPP_TCP || type == IPP_UDP)) {
		return;
	}
	if (type == IPP_ICMP) {
		decode_event(x, EV_DECODE_IPV6_ICMPV4);
	} else if (type == IPP_NONE && x->rest.len > 0) {
		decode_event(x, EV_DECODE_IPV6_DATA_AFTER_NONE_HEADER);
	} else if (!known_upper(type)) {
		decode_event(x, EV_DECODE_IPV6_UNKNOWN_NEXT_HEADER);
	}
}

/* Walks the chain to the upper-layer header. */
static enum decode_step
ipv6_extensions(struct decode_ctx *x, const uint8_t *base)
{
	struct packet *p = x->pkt;
	uint8_t type = base[6];
	size_t next_at = 6;
	unsigned seen = 0;

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
		ext_look(x, type, len, &seen);
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
	chain_end(x, type);
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
		     x->wire > DECODE_LONGEST_PAYLOAD)) {
		total = x->wire;
		p->flags |= PKT_NO_L4_CSUM;
	}
	if (UNLIKELY(!decode_bound(x, total, EV_DECODE_IPV6_TRUNC_PKT))) {
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
