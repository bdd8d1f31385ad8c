/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/readdress.h"

#define DEPTH_MAX 4 /* headers of IP in one another */
#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86dd

static void readdress_ip(uint8_t *p, size_t n, uint32_t copy, unsigned depth);
static void readdress_ether(uint8_t *p, size_t n, uint32_t copy,
			    unsigned depth);

static void
put_be16(uint8_t *p, uint16_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

/* Any copy's bits look like chance, and are the same in every run. */
static uint64_t
bits_of(uint32_t copy)
{
	uint64_t x = copy * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 29;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 32;
}

static void
move_v4(uint8_t a[4], uint32_t copy)
{
	uint64_t bits = bits_of(copy);

	if (a[0] == 0 || a[0] == 127 || a[0] >= 224 ||
	    (a[0] == 169 && a[1] == 254)) {
		return; /* nobody's, or everybody's */
	}
	if (a[0] == 10) {
		a[1] ^= (uint8_t)bits;
		a[2] ^= (uint8_t)(bits >> 8);
	} else if (a[0] == 172 && (a[1] & 0xf0) == 16) {
		a[2] ^= (uint8_t)bits;
		a[1] ^= (uint8_t)(bits >> 8 & 0x0f);
	} else if (a[0] == 192 && a[1] == 168) {
		a[2] ^= (uint8_t)bits;
	} else {
		a[1] ^= (uint8_t)(bits >> 8);
		a[2] ^= (uint8_t)(bits >> 16);
		if ((a[0] == 192 && a[1] == 168) ||
		    (a[0] == 169 && a[1] == 254) ||
		    (a[0] == 172 && (a[1] & 0xf0) == 16)) {
			a[1] ^= 0x80; /* not into another class */
		}
	}
}

static void
move_v6(uint8_t a[16], uint32_t copy)
{
	uint64_t bits = bits_of(copy);

	if (a[0] == 0xff || a[0] == 0) {
		return;
	}
	if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) {
		a[9] ^= (uint8_t)bits;
		a[10] ^= (uint8_t)(bits >> 8);
		return;
	}
	a[4] ^= (uint8_t)bits;
	a[5] ^= (uint8_t)(bits >> 8);
	a[6] ^= (uint8_t)(bits >> 16);
}

/* RFC 1624, equation 3, for 'n' bytes that became others. */
static void
carry_csum(uint8_t *sum, const uint8_t *old, const uint8_t *new, size_t n,
	   bool zero_is_none)
{
	uint32_t x = (uint16_t)~load_be16(sum);

	if (zero_is_none && load_be16(sum) == 0) {
		return;
	}
	for (size_t i = 0; i < n; i += 2) {
		x += (uint16_t)~load_be16(old + i);
		x += load_be16(new + i);
	}
	while (x >> 16 != 0) {
		x = (x & 0xffff) + (x >> 16);
	}
	x = (uint16_t)~x;
	put_be16(sum, (uint16_t)(zero_is_none && x == 0 ? 0xffff : x));
}

/* What follows an IP header whose 'n_addrs' bytes of addresses changed. */
static void
readdress_upper(uint8_t *p, size_t n, uint8_t proto, const uint8_t *old,
		const uint8_t *new, size_t n_addrs, uint32_t copy,
		unsigned depth)
{
	switch (proto) {
	case 4:
	case 41:
		readdress_ip(p, n, copy, depth + 1);
		break;
	case 6:
		if (n >= 18) {
			carry_csum(p + 16, old, new, n_addrs, false);
		}
		break;
	case 17:
		if (n < 8) {
			break;
		}
		if (load_be16(p + 2) == 4789 && n >= 16) { /* VXLAN */
			put_be16(p + 6, 0); /* "none": it covers the rest */
			readdress_ether(p + 16, n - 16, copy, depth + 1);
			break;
		}
		carry_csum(p + 6, old, new, n_addrs, true);
		break;
	case 47: /* GRE without options, or with a key */
		if (n >= 4 && (load_be16(p) & 0xdfff) == 0) {
			size_t at = (p[0] & 0x20) != 0 ? 8 : 4;

			if (n > at) {
				readdress_ip(p + at, n - at, copy, depth + 1);
			}
		}
		break;
	case 58:
		if (n >= 4 && n_addrs == 32) {
			carry_csum(p + 2, old, new, n_addrs, false);
		}
		break;
	default:
		break;
	}
}

/* Skips IPv6 extension headers; false where no upper header begins. */
static bool
upper_v6(const uint8_t *p, size_t n, size_t *at, uint8_t *proto)
{
	bool first = true;

	*at = 40;
	*proto = p[6];
	for (unsigned i = 0; i < 8 && *at + 8 <= n; i++) {
		if (*proto == 44) {
			first = (load_be16(p + *at + 2) & 0xfff8) == 0;
			*proto = p[*at];
			*at += 8;
		} else if (*proto == 0 || *proto == 43 || *proto == 60) {
			*proto = p[*at];
			*at += ((size_t)p[*at + 1] + 1) * 8;
		} else {
			return first;
		}
	}
	return false;
}

static void
readdress_ip(uint8_t *p, size_t n, uint32_t copy, unsigned depth)
{
	uint8_t old[32], proto;
	size_t at;

	if (depth > DEPTH_MAX || n < 20) {
		return;
	}
	if (p[0] >> 4 == 4) {
		at = (size_t)(p[0] & 15) * 4;
		memcpy(old, p + 12, 8);
		move_v4(p + 12, copy);
		move_v4(p + 16, copy);
		carry_csum(p + 10, old, p + 12, 8, false);
		if (at >= 20 && at < n && (load_be16(p + 6) & 0x1fff) == 0) {
			readdress_upper(p + at, n - at, p[9], old, p + 12, 8,
					copy, depth);
		}
	} else if (p[0] >> 4 == 6 && n >= 40) {
		memcpy(old, p + 8, 32);
		move_v6(p + 8, copy);
		move_v6(p + 24, copy);
		if (upper_v6(p, n, &at, &proto) && at < n) {
			readdress_upper(p + at, n - at, proto, old, p + 8, 32,
					copy, depth);
		}
	}
}

/* Where the network header begins; 0: none that is known. */
static size_t
network_at(const uint8_t *p, size_t n)
{
	size_t at = 14;
	uint16_t type;

	if (n < 34) {
		return 0;
	}
	type = load_be16(p + 12);
	for (unsigned i = 0;
	     i < 3 && at + 4 <= n &&
	     (type == 0x8100 || type == 0x88a8 || type == 0x9100);
	     i++) {
		type = load_be16(p + at + 2);
		at += 4;
	}
	if (type == 0x8864 && at + 8 <= n) { /* PPPoE */
		type = load_be16(p + at + 6) == 0x21   ? ETHER_IPV4
		       : load_be16(p + at + 6) == 0x57 ? ETHER_IPV6
						       : 0;
		at += 8;
	}
	if (type == 0x8847) { /* MPLS: to the bottom of the stack */
		while (at + 4 < n && (p[at + 2] & 1) == 0) {
			at += 4;
		}
		at += 4;
		type = at < n && p[at] >> 4 == 4   ? ETHER_IPV4
		       : at < n && p[at] >> 4 == 6 ? ETHER_IPV6
						   : 0;
	}
	return (type == ETHER_IPV4 || type == ETHER_IPV6) && at < n ? at : 0;
}

static void
readdress_ether(uint8_t *p, size_t n, uint32_t copy, unsigned depth)
{
	size_t at = network_at(p, n);

	if (at != 0) {
		readdress_ip(p + at, n - at, copy, depth);
	}
}

void
readdress(uint8_t *frame, size_t n, uint32_t copy)
{
	if (copy != 0) {
		readdress_ether(frame, n, copy, 0);
	}
}

struct carried
carried_by(const uint8_t *frame, size_t n)
{
	struct carried c = { 0 };
	size_t at = network_at(frame, n), head;
	const uint8_t *p = frame + at;
	uint8_t proto;

	n -= at;
	if (at == 0 || n < 40) {
		return c;
	}
	proto = p[0] >> 4 == 4 ? p[9] : p[6];
	at = p[0] >> 4 == 4 ? (size_t)(p[0] & 15) * 4 : 40;
	if ((proto != 6 && proto != 17) || at + 20 > n) {
		return c;
	}
	head = proto == 17 ? 8 : (size_t)(p[at + 12] >> 4) * 4;
	if (at + head > n) {
		return c;
	}
	c.proto = proto;
	c.sport = load_be16(p + at);
	c.dport = load_be16(p + at + 2);
	c.payload = view_of(p + at + head, n - at - head);
	return c;
}
