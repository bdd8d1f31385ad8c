/* SPDX-License-Identifier: Apache-2.0 */
/* Link types (tcpdump.org/linktypes.html), Ethernet, VLAN, MPLS. */
#include "sensor/decode_ctx.h"
#include "sensor/ethertype.h"

enum linktype {
	LT_NULL = 0,
	LT_ETHERNET = 1,
	LT_PPP = 9,
	LT_FDDI = 10,
	LT_RAW_BSD = 12, /* numbers of DLT_RAW that got into files */
	LT_RAW_OPENBSD = 14,
	LT_PPP_HDLC = 50,
	LT_PPP_ETHER = 51,
	LT_RAW = 101,
	LT_C_HDLC = 104,
	LT_WIFI = 105,
	LT_FRELAY = 107,
	LT_LOOP = 108,
	LT_SLL = 113,
	LT_WIFI_PRISM = 119,
	LT_WIFI_RADIOTAP = 127,
	LT_WIFI_PPI = 192,
	LT_IPV4 = 228,
	LT_IPV6 = 229,
	LT_SLL2 = 276,
};

#define ETHER_HEADER 14

/* LLC (IEEE 802.2), with SNAP when it says so; what follows is in ethertype. */
static enum decode_step
decode_llc(struct decode_ctx *x)
{
	const uint8_t *p = x->rest.p;

	if (x->rest.len >= 8 && p[0] == 0xaa && p[1] == 0xaa && p[2] == 3 &&
	    (load_be24(p + 3) == 0 || load_be24(p + 3) == 0xf8)) {
		/* Organisation 0 is RFC 1042, 0x0000f8 bridge tunnelling. */
		x->ethertype = load_be16(p + 6);
		decode_advance(x, 8);
		return x->ethertype < ETHERTYPE_MIN ? decode_not_ip(x)
						    : STEP_ETHERTYPE;
	}
	if (x->rest.len >= 3 && p[0] == 6 && p[1] == 6 && p[2] == 3) {
		x->ethertype = ETH_IPV4;
		decode_advance(x, 3);
		return STEP_ETHERTYPE;
	}
	return decode_not_ip(x);
}

static enum decode_step
ethertype_or_length(struct decode_ctx *x, uint16_t type)
{
	x->ethertype = type;
	if (LIKELY(type >= ETHERTYPE_MIN)) {
		return STEP_ETHERTYPE;
	}
	if (type <= 1500) {
		decode_limit(x, type);
	}
	return decode_llc(x);
}

enum decode_step
decode_ether(struct decode_ctx *x)
{
	const uint8_t *p = x->rest.p;

	x->count->ethernet++;
	if (UNLIKELY(x->rest.len < ETHER_HEADER)) {
		return decode_broken(x, EV_DECODE_ETHERNET_PKT_TOO_SMALL);
	}
	x->pkt->ether = p;
	decode_advance(x, ETHER_HEADER);
	return ethertype_or_length(x, load_be16(p + 12));
}

/* Whether decode_ethertype() knows what 'type' is. */
static bool
known_type(uint16_t type)
{
	switch (type) {
	case ETH_IPV4:
	case ETH_ARP:
	case ETH_TRANSPARENT:
	case ETH_RARP:
	case ETH_VLAN:
	case ETH_IPV6:
	case ETH_PPP:
	case ETH_MPLS:
	case ETH_MPLS_MULTICAST:
	case ETH_PPPOE_DISCOVERY:
	case ETH_PPPOE_SESSION:
	case ETH_QINQ:
	case ETH_BACKBONE:
	case ETH_NSH:
	case ETH_FABRIC_PATH:
	case ETH_VNTAG:
	case ETH_QINQ_OLD:
	case ETH_QINQ_OLD2:
		return true;
	default:
		return false;
	}
}

/* What follows a tag; 'unknown' when nobody knows it. */
static enum decode_step
behind_tag(struct decode_ctx *x, uint16_t type, enum event_id unknown)
{
	if (UNLIKELY(type >= ETHERTYPE_MIN && !known_type(type))) {
		decode_event(x, unknown);
	}
	return ethertype_or_length(x, type);
}

static enum decode_step
decode_vlan(struct decode_ctx *x)
{
	struct packet *p = x->pkt;
	const uint8_t *h = x->rest.p;

	if (x->ethertype == ETH_VLAN) {
		x->count->vlan++;
	} else {
		x->count->vlan_qinq++;
	}
	if (x->rest.len < 4) {
		return decode_broken(x, EV_DECODE_VLAN_HEADER_TOO_SMALL);
	}
	if (p->n_vlans == PKT_MAX_VLANS) {
		return decode_broken(x, EV_DECODE_VLAN_HEADER_TOO_MANY_LAYERS);
	}
	p->vlan[p->n_vlans++] = load_be16(h) & 0xfff;
	decode_advance(x, 4);
	return behind_tag(x, load_be16(h + 2), EV_DECODE_VLAN_UNKNOWN_TYPE);
}

/* Tags of 'len' bytes before a whole Ethernet frame. */
static enum decode_step
skip_to_ether(struct decode_ctx *x, size_t len, enum event_id small)
{
	if (x->rest.len < len + ETHER_HEADER) {
		return decode_broken(x, small);
	}
	decode_advance(x, len);
	return STEP_ETHER;
}

/* Four bytes of interface numbers, then what follows. */
static enum decode_step
decode_vntag(struct decode_ctx *x)
{
	const uint8_t *h = x->rest.p;

	x->count->vntag++;
	if (x->rest.len < 6) {
		return decode_broken(x, EV_DECODE_VNTAG_HEADER_TOO_SMALL);
	}
	decode_advance(x, 6);
	return behind_tag(x, load_be16(h + 4), EV_DECODE_VNTAG_UNKNOWN_TYPE);
}

/* RFC 8300, 2. */
static enum decode_step
decode_nsh(struct decode_ctx *x)
{
	const uint8_t *h = x->rest.p;
	size_t len = x->rest.len < 8 ? 0 : (size_t)(h[1] & 0x3f) * 4;

	x->count->nsh++;
	if (x->rest.len < 8) {
		return decode_broken(x, EV_DECODE_NSH_HEADER_TOO_SMALL);
	}
	if (h[0] >> 6 != 0) {
		return decode_broken(x, EV_DECODE_NSH_UNSUPPORTED_VERSION);
	}
	if (len < 8 || len > x->rest.len) {
		return decode_broken(x, EV_DECODE_NSH_BAD_HEADER_LENGTH);
	}
	if ((h[2] & 15) == 0 || (h[2] & 15) == 15) { /* RFC 8300, 2.2 */
		return decode_broken(x, EV_DECODE_NSH_RESERVED_TYPE);
	}
	if ((h[2] & 15) > 2) {
		decode_event(x, EV_DECODE_NSH_UNSUPPORTED_TYPE);
		return decode_not_ip(x);
	}
	decode_advance(x, len);
	switch (h[3]) {
	case 1:
		return STEP_IPV4;
	case 2:
		return STEP_IPV6;
	case 3:
		return STEP_ETHER;
	case 5:
		return STEP_MPLS;
	default:
		decode_event(x, EV_DECODE_NSH_UNKNOWN_PAYLOAD);
		return decode_not_ip(x);
	}
}

enum decode_step
decode_ethertype(struct decode_ctx *x)
{
	x->pkt->ether_type = x->ethertype;
	switch (x->ethertype) {
	case ETH_IPV4:
		return STEP_IPV4;
	case ETH_IPV6:
		return STEP_IPV6;
	case ETH_VLAN:
	case ETH_QINQ:
	case ETH_QINQ_OLD:
	case ETH_QINQ_OLD2:
		return decode_vlan(x);
	case ETH_PPPOE_SESSION:
		return decode_pppoe(x, false);
	case ETH_PPPOE_DISCOVERY:
		return decode_pppoe(x, true);
	case ETH_MPLS:
	case ETH_MPLS_MULTICAST:
		return STEP_MPLS;
	case ETH_TRANSPARENT:
		return STEP_ETHER;
	case ETH_BACKBONE:
		x->count->ieee8021ah++;
		return skip_to_ether(x, 4,
				     EV_DECODE_IEEE8021AH_HEADER_TOO_SMALL);
	case ETH_FABRIC_PATH:
		return skip_to_ether(x, 2, EV_DECODE_DCE_PKT_TOO_SMALL);
	case ETH_NSH:
		return decode_nsh(x);
	case ETH_VNTAG:
		return decode_vntag(x);
	case ETH_PPP:
		return STEP_PPP;
	case ETH_ARP:
	case ETH_RARP:
		return decode_arp(x);
	default:
		x->count->unknown_ethertype++;
		decode_event(x, EV_DECODE_ETHERNET_UNKNOWN_ETHERTYPE);
		return decode_not_ip(x);
	}
}

static bool
known_ethertype(uint16_t type)
{
	return type == ETH_IPV4 || type == ETH_IPV6 || type == ETH_ARP ||
	       type == ETH_VLAN || type == ETH_QINQ || type == ETH_MPLS;
}

/* RFC 3032, 2.1: labels below 16 are reserved. */
static void
reserved_label(struct decode_ctx *x, uint32_t label, bool last)
{
	if (label == 1 && last) {
		/* Router alert: never at the bottom. */
		decode_event(x, EV_DECODE_MPLS_BAD_LABEL_ROUTER_ALERT);
	} else if (label == 3) {
		/* Implicit null: never on the wire. */
		decode_event(x, EV_DECODE_MPLS_BAD_LABEL_IMPLICIT_NULL);
	} else if (label >= 4 && label < 16 && label != 7 && label != 13 &&
		   label != 14) {
		/* But for entropy, associated channel, OAM alert. */
		decode_event(x, EV_DECODE_MPLS_BAD_LABEL_RESERVED);
	}
}

/* What is below the last label; guessed, as nothing says it. */
static enum decode_step
below_labels(struct decode_ctx *x)
{
	if (x->rest.len == 0) {
		decode_event(x, EV_DECODE_MPLS_PKT_TOO_SMALL);
		return decode_not_ip(x);
	}
	switch (x->rest.p[0] >> 4) {
	case 4:
		return STEP_IPV4;
	case 6:
		return STEP_IPV6;
	case 0:
		/* A pseudo-wire control word (RFC 4385) begins with 0; so
		 * may an Ethernet address, but then its type is a known
		 * one. */
		if (x->rest.len >= 4 + ETHER_HEADER &&
		    !known_ethertype(load_be16(x->rest.p + 12))) {
			decode_advance(x, 4);
		}
		return STEP_ETHER;
	default:
		if (x->rest.len >= ETHER_HEADER) {
			return STEP_ETHER;
		}
		decode_event(x, EV_DECODE_MPLS_UNKNOWN_PAYLOAD_TYPE);
		return decode_not_ip(x);
	}
}

/* RFC 3032. */
enum decode_step
decode_mpls(struct decode_ctx *x)
{
	uint32_t label;
	bool last;

	x->count->mpls++;
	do {
		if (x->rest.len < 4) {
			return decode_broken(x,
					     EV_DECODE_MPLS_HEADER_TOO_SMALL);
		}
		label = load_be32(x->rest.p) >> 12;
		last = (x->rest.p[2] & 1) != 0;
		if (UNLIKELY(label < 16)) {
			reserved_label(x, label, last);
		}
		decode_advance(x, 4);
	} while (!last);
	return below_labels(x);
}

/* Linux "cooked" captures: a header in place of the real one. */
static enum decode_step
decode_sll(struct decode_ctx *x)
{
	const uint8_t *p = x->rest.p;

	x->count->sll++;
	if (x->rest.len < 16) {
		return decode_broken(x, EV_DECODE_SLL_PKT_TOO_SMALL);
	}
	decode_advance(x, 16);
	x->ethertype = load_be16(p + 14);
	/* 1 and 4 are what Linux says for 802.3 and 802.2 frames. */
	return x->ethertype == 4 ? decode_llc(x) : STEP_ETHERTYPE;
}

static enum decode_step
decode_sll2(struct decode_ctx *x)
{
	const uint8_t *p = x->rest.p;

	x->count->sll2++;
	if (x->rest.len < 20) {
		return decode_broken(x, EV_DECODE_SLL2_PKT_TOO_SMALL);
	}
	decode_advance(x, 20);
	x->ethertype = load_be16(p);
	return x->ethertype == 4 ? decode_llc(x) : STEP_ETHERTYPE;
}

/* BSD loopback: the address family, in the byte order of who captured. */
static enum decode_step
decode_null(struct decode_ctx *x)
{
	uint32_t family;

	x->count->null++;
	if (x->rest.len < 4) {
		return decode_broken(x, EV_DECODE_LTNULL_PKT_TOO_SMALL);
	}
	family = load_le32(x->rest.p);
	if ((family & 0xffff) == 0) {
		family = load_be32(x->rest.p);
	}
	decode_advance(x, 4);
	switch (family) {
	case 2:
		return STEP_IPV4;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* Darwin */
		return STEP_IPV6;
	default:
		decode_event(x, EV_DECODE_LTNULL_UNSUPPORTED_TYPE);
		return decode_not_ip(x);
	}
}

/* RFC 1547, 4.3.1: address, control, an Ethernet type. */
static enum decode_step
decode_hdlc(struct decode_ctx *x)
{
	x->count->chdlc++;
	if (x->rest.len < 4) {
		return decode_broken(x, EV_DECODE_CHDLC_PKT_TOO_SMALL);
	}
	x->ethertype = load_be16(x->rest.p + 2);
	decode_advance(x, 4);
	if (x->ethertype == ETH_RARP) {
		return decode_not_ip(x); /* Cisco SLARP, not RARP */
	}
	return x->ethertype < ETHERTYPE_MIN ? decode_not_ip(x) : STEP_ETHERTYPE;
}

/* Link type 50: PPP in HDLC framing, or Cisco's HDLC, told by the address. */
static enum decode_step
decode_ppp_hdlc(struct decode_ctx *x)
{
	if (x->rest.len >= 4 &&
	    (x->rest.p[0] == 0x0f || x->rest.p[0] == 0x8f)) {
		return decode_hdlc(x);
	}
	return STEP_PPP;
}

/* Frame relay with RFC 2427 (multiprotocol) encapsulation. */
static enum decode_step
decode_frelay(struct decode_ctx *x)
{
	const uint8_t *p = x->rest.p;
	size_t n = 0;

	/* The address ends with the byte whose low bit is set. */
	while (n < 4 && n < x->rest.len && (p[n] & 1) == 0) {
		n++;
	}
	if (n == 4 || n >= x->rest.len) {
		return decode_not_ip(x);
	}
	decode_advance(x, n + 1);
	p = x->rest.p;
	if (x->rest.len >= 4 && load_be16(p) >= ETHERTYPE_MIN) {
		/* Cisco's own: an Ethernet type comes at once. */
		x->ethertype = load_be16(p);
		decode_advance(x, 2);
		return STEP_ETHERTYPE;
	}
	if (x->rest.len < 2 || p[0] != 3) {
		return decode_not_ip(x);
	}
	decode_advance(x, 1);
	if (x->rest.p[0] == 0) { /* pad */
		decode_advance(x, 1);
	}
	if (x->rest.len == 0) {
		return decode_not_ip(x);
	}
	switch (x->rest.p[0]) {
	case 0xcc:
		decode_advance(x, 1);
		return STEP_IPV4;
	case 0x8e:
		decode_advance(x, 1);
		return STEP_IPV6;
	case 0x80: /* SNAP */
		if (x->rest.len < 6) {
			return decode_not_ip(x);
		}
		x->ethertype = load_be16(x->rest.p + 4);
		decode_advance(x, 6);
		return x->ethertype == 7 ? STEP_ETHER : STEP_ETHERTYPE;
	default:
		return decode_not_ip(x);
	}
}

/* Frame control, two addresses, LLC. */
static enum decode_step
decode_fddi(struct decode_ctx *x)
{
	x->count->fddi++;
	if (x->rest.len < 13) {
		x->pkt->flags |= PKT_BROKEN;
		return STEP_DONE;
	}
	if ((x->rest.p[0] & 0xf0) != 0x50) {
		return decode_not_ip(x); /* no LLC frame */
	}
	decode_advance(x, 13);
	return decode_llc(x);
}

enum decode_step
decode_link(struct decode_ctx *x)
{
	switch (x->linktype) {
	case LT_ETHERNET:
		return STEP_ETHER;
	case LT_RAW_BSD:
	case LT_RAW_OPENBSD:
	case LT_RAW:
	case LT_IPV4:
	case LT_IPV6:
		x->count->raw++;
		return STEP_IP;
	case LT_NULL:
	case LT_LOOP:
		return decode_null(x);
	case LT_SLL:
		return decode_sll(x);
	case LT_SLL2:
		return decode_sll2(x);
	case LT_PPP:
		return STEP_PPP;
	case LT_FDDI:
		return decode_fddi(x);
	case LT_PPP_HDLC:
		return decode_ppp_hdlc(x);
	case LT_PPP_ETHER:
		x->ethertype = ETH_PPPOE_SESSION;
		return STEP_ETHERTYPE;
	case LT_C_HDLC:
		return decode_hdlc(x);
	case LT_FRELAY:
		return decode_frelay(x);
	case LT_WIFI:
	case LT_WIFI_PRISM:
	case LT_WIFI_RADIOTAP:
	case LT_WIFI_PPI:
		return STEP_WIFI;
	default:
		x->count->unknown_link++;
		return decode_not_ip(x);
	}
}
