/* SPDX-License-Identifier: Apache-2.0 */
/* GRE, ERSPAN, VXLAN, Geneve, Teredo and IP in IP. */
#include "sensor/decode_ctx.h"
#include "sensor/ethertype.h"

/* Source routes in a GRE header (RFC 1701); each costs a step. */
#define GRE_MAX_ROUTES 16

struct gre {
	uint16_t flags, protocol;
	uint32_t key;
	bool has_seq;
};

/* RFC 1701: entries until one of length 0. */
static bool
skip_gre_routes(struct decode_ctx *x)
{
	for (unsigned i = 0; i < GRE_MAX_ROUTES; i++) {
		uint8_t len;

		if (x->rest.len < 4) {
			return false;
		}
		len = x->rest.p[3];
		if (x->rest.len < (size_t)len + 4) {
			return false;
		}
		decode_advance(x, (size_t)len + 4);
		if (len == 0) {
			return true;
		}
	}
	return false;
}

/* RFC 2784, 2890 and 1701 (version 0), RFC 2637, 4.1 (version 1). */
static bool
take_gre_header(struct decode_ctx *x, struct gre *g)
{
	uint16_t f = load_be16(x->rest.p);
	bool v1 = (f & 7) == 1;
	/* Checksum and offset, key, sequence number; acknowledgement. */
	size_t len = 4 + ((f & 0xc000) != 0 && !v1 ? 4 : 0);
	size_t key_at = len;

	len += (f & 0x2000) != 0 ? 4 : 0;
	len += (f & 0x1000) != 0 ? 4 : 0;
	len += v1 && (f & 0x0080) != 0 ? 4 : 0;
	if (x->rest.len < len) {
		decode_event(x, v1 ? EV_DECODE_GRE_VERSION1_HDR_TOO_BIG
				   : EV_DECODE_GRE_VERSION0_HDR_TOO_BIG);
		return false;
	}
	g->flags = f;
	g->protocol = load_be16(x->rest.p + 2);
	g->has_seq = (f & 0x1000) != 0;
	/* PPTP keeps the payload length in the key's upper half. */
	g->key = (f & 0x2000) == 0 ? 0
		 : v1              ? load_be16(x->rest.p + key_at + 2)
				   : load_be32(x->rest.p + key_at);
	decode_advance(x, len);
	if (v1 || (f & 0x4000) == 0 || skip_gre_routes(x)) {
		return true;
	}
	decode_event(x, EV_DECODE_GRE_VERSION0_MALFORMED_SRE_HDR);
	return false;
}

/* draft-foschiano-erspan: an Ethernet frame behind 0, 8, 12 or 20 bytes. */
static enum decode_step
decode_erspan(struct decode_ctx *x, const struct gre *g)
{
	const uint8_t *p = x->rest.p;
	size_t len = 0;
	uint32_t session = 0;
	uint16_t vlan = 0;

	x->count->erspan++;
	if (g->protocol == ETH_ERSPAN_III) {
		len = 12;
		if (x->rest.len >= len && (p[11] & 1) != 0) {
			len += 8; /* platform specific */
		}
	} else if (g->has_seq) {
		len = 8;
	}
	if (x->rest.len < len) {
		decode_event(x, EV_DECODE_ERSPAN_HEADER_TOO_SMALL);
		return STEP_DONE;
	}
	/* Type II is version 1 of the header, type III version 2. */
	if (len > 0 && p[0] >> 4 != (g->protocol == ETH_ERSPAN_III ? 2 : 1)) {
		decode_event(x, EV_DECODE_ERSPAN_UNSUPPORTED_VERSION);
		return STEP_DONE;
	}
	if (len > 0) {
		session = load_be16(p + 2) & 0x3ff;
		vlan = load_be16(p) & 0xfff;
	}
	decode_advance(x, len);
	if (!decode_begin_inner(x, session)) {
		return STEP_DONE;
	}
	/* Where the mirrored frame came in, when its tag was taken off. */
	if (vlan != 0 && x->pkt->n_vlans == PKT_MAX_VLANS) {
		decode_event(x, EV_DECODE_ERSPAN_TOO_MANY_VLAN_LAYERS);
	} else if (vlan != 0) {
		x->pkt->vlan[x->pkt->n_vlans++] = vlan;
	}
	return STEP_ETHER;
}

/* What neither RFC lets a sender set. */
static bool
gre_sane(struct decode_ctx *x, uint16_t f, uint16_t protocol)
{
	if ((f & 7) == 0) {
		if ((f & 0x0700) != 0) { /* recursion control, RFC 1701 */
			decode_event(x, EV_DECODE_GRE_VERSION0_RECUR);
			return false;
		}
		if ((f & 0x00f8) != 0) {
			decode_event(x, EV_DECODE_GRE_VERSION0_FLAGS);
			return false;
		}
		return true;
	}
	/* RFC 2637, 4.1 */
	if ((f & 0x8000) != 0) {
		decode_event(x, EV_DECODE_GRE_VERSION1_CHKSUM);
	} else if ((f & 0x4000) != 0) {
		decode_event(x, EV_DECODE_GRE_VERSION1_ROUTE);
	} else if ((f & 0x0800) != 0) {
		decode_event(x, EV_DECODE_GRE_VERSION1_SSR);
	} else if ((f & 0x0700) != 0) {
		decode_event(x, EV_DECODE_GRE_VERSION1_RECUR);
	} else if ((f & 0x0078) != 0) {
		decode_event(x, EV_DECODE_GRE_VERSION1_FLAGS);
	} else if (protocol != ETH_PPP) {
		decode_event(x, EV_DECODE_GRE_VERSION1_WRONG_PROTOCOL);
	} else if ((f & 0x2000) == 0) {
		decode_event(x, EV_DECODE_GRE_VERSION1_NO_KEY);
	} else {
		return true;
	}
	return false;
}

enum decode_step
decode_gre(struct decode_ctx *x)
{
	struct gre g;
	enum decode_step next;

	x->count->gre++;
	if (x->rest.len < 4) {
		return decode_broken(x, EV_DECODE_GRE_PKT_TOO_SMALL);
	}
	if ((load_be16(x->rest.p) & 7) > 1) {
		return decode_broken(x, EV_DECODE_GRE_WRONG_VERSION);
	}
	if (!gre_sane(x, load_be16(x->rest.p), load_be16(x->rest.p + 2))) {
		x->pkt->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
	if (!take_gre_header(x, &g)) {
		x->pkt->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
	x->pkt->l4_hlen = (uint32_t)(x->rest.p - x->pkt->l4.p);
	if (x->rest.len == 0) {
		return STEP_DONE; /* PPTP acknowledgements carry nothing */
	}
	switch (g.protocol) {
	case ETH_ERSPAN:
	case ETH_ERSPAN_III:
		return decode_erspan(x, &g);
	case ETH_IPV4:
	case ETH_IPV6:
	case ETH_ARP:
	case ETH_VLAN:
	case ETH_QINQ:
	case ETH_MPLS:
	case ETH_MPLS_MULTICAST:
		x->ethertype = g.protocol;
		next = STEP_ETHERTYPE;
		break;
	case ETH_PPP:
		next = STEP_PPP;
		break;
	case ETH_TRANSPARENT:
		next = STEP_ETHER;
		break;
	default:
		return STEP_DONE;
	}
	return decode_begin_inner(x, g.key) ? next : STEP_DONE;
}

static bool
port_is(const struct decode_ports *ports, const struct packet *p)
{
	for (unsigned i = 0; ports->enabled && i < ports->n; i++) {
		if (ports->port[i] == p->sport || ports->port[i] == p->dport) {
			return true;
		}
	}
	return false;
}

/* RFC 7348, 5. */
static enum decode_step
decode_vxlan(struct decode_ctx *x)
{
	const uint8_t *h = x->rest.p;
	uint32_t vni;

	if (x->rest.len < 8 + 14 || (h[0] & 8) == 0) {
		return STEP_DONE;
	}
	x->count->vxlan++;
	vni = load_be24(h + 4);
	switch (load_be16(h + 8 + 12)) {
	case ETH_IPV4:
	case ETH_ARP:
	case ETH_VLAN:
	case ETH_IPV6:
	case ETH_MPLS:
	case ETH_MPLS_MULTICAST:
	case ETH_PPPOE_DISCOVERY:
	case ETH_PPPOE_SESSION:
	case ETH_QINQ:
	case ETH_QINQ_OLD:
		break;
	default:
		/* Traffic of something else on the port looks like this. */
		decode_event(x, EV_DECODE_VXLAN_UNKNOWN_PAYLOAD_TYPE);
		return STEP_DONE;
	}
	decode_advance(x, 8);
	return decode_begin_inner(x, vni) ? STEP_ETHER : STEP_DONE;
}

/* RFC 8926, 3.4. */
static enum decode_step
decode_geneve(struct decode_ctx *x)
{
	const uint8_t *h = x->rest.p;
	enum decode_step next;
	uint16_t protocol;
	size_t len;

	if (x->rest.len < 8 || h[0] >> 6 != 0) {
		return STEP_DONE;
	}
	len = 8 + (size_t)(h[0] & 0x3f) * 4;
	protocol = load_be16(h + 2);
	if (x->rest.len <= len) {
		return STEP_DONE;
	}
	switch (protocol) {
	case ETH_TRANSPARENT:
		next = STEP_ETHER;
		break;
	case ETH_IPV4:
	case ETH_IPV6:
	case ETH_MPLS:
		x->ethertype = protocol;
		next = STEP_ETHERTYPE;
		break;
	default:
		decode_event(x, EV_DECODE_GENEVE_UNKNOWN_PAYLOAD_TYPE);
		return STEP_DONE;
	}
	x->count->geneve++;
	decode_advance(x, len);
	return decode_begin_inner(x, load_be24(h + 4)) ? next : STEP_DONE;
}

/*
 * RFC 4380, 5.1.1: perhaps authentication, perhaps origin, then IPv6.  Other
 * traffic uses the port too, so the length must be right to the byte.
 */
static enum decode_step
decode_teredo(struct decode_ctx *x)
{
	struct view v = x->rest;

	if (v.len >= 4 && v.p[0] == 0 && v.p[1] == 1) {
		v = view_sub(v, 13 + (size_t)v.p[2] + v.p[3], v.len);
	}
	if (v.len >= 8 && v.p[0] == 0 && v.p[1] == 0) {
		v = view_sub(v, 8, v.len);
	}
	if (v.len < 40 || v.p[0] >> 4 != 6 ||
	    load_be16(v.p + 4) != x->wire - (x->rest.len - v.len) - 40) {
		return STEP_DONE;
	}
	x->count->teredo++;
	decode_advance(x, x->rest.len - v.len);
	return decode_begin_inner(x, 0) ? STEP_IPV6 : STEP_DONE;
}

enum decode_step
decode_udp_tunnel(struct decode_ctx *x)
{
	if (port_is(&x->set->vxlan, x->pkt)) {
		return decode_vxlan(x);
	}
	if (port_is(&x->set->geneve, x->pkt)) {
		return decode_geneve(x);
	}
	return decode_teredo(x);
}

static bool
in_ipv6_sane(struct decode_ctx *x, bool inner6)
{
	if (x->rest.len < (inner6 ? 40u : 20u)) {
		decode_event(x, inner6 ? EV_DECODE_IPV6_IPV6_IN_IPV6_TOO_SMALL
				       : EV_DECODE_IPV6_IPV4_IN_IPV6_TOO_SMALL);
		return false;
	}
	if (x->rest.p[0] >> 4 != (inner6 ? 6 : 4)) {
		decode_event(
			x, inner6 ? EV_DECODE_IPV6_IPV6_IN_IPV6_WRONG_VERSION
				  : EV_DECODE_IPV6_IPV4_IN_IPV6_WRONG_VERSION);
		return false;
	}
	return true;
}

/* RFC 2003, 2473, 4213: protocol 4 or 41 in either version. */
enum decode_step
decode_ip_in_ip(struct decode_ctx *x)
{
	bool inner6 = x->pkt->proto == IPP_IPV6;

	if (x->pkt->ip_version == 4) {
		if (inner6) {
			x->count->ipv6_in_ipv4++;
		} else {
			x->count->ipv4_in_ipv4++;
		}
	} else if (inner6) {
		x->count->ipv6_in_ipv6++;
	} else {
		x->count->ipv4_in_ipv6++;
	}
	if (x->pkt->ip_version == 6 && !in_ipv6_sane(x, inner6)) {
		return STEP_DONE;
	}
	if (!decode_begin_inner(x, 0)) {
		return STEP_DONE;
	}
	return inner6 ? STEP_IPV6 : STEP_IPV4;
}
