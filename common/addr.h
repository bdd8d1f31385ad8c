/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h - IPv4 and IPv6 addresses and networks as one type
 *
 * IPv4 is kept as its IPv4-mapped form (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so
 * that one comparison, one hash and one trie serve both.
 *
 * Place    above base.h.
 * Threads  pure.
 * Memory   by value.
 * Cost     comparisons are two 64-bit words.
 */
#ifndef COMMON_ADDR_H
#define COMMON_ADDR_H

#include "common/base.h"

#define ADDR_TEXT_CAP 46 /* INET6_ADDRSTRLEN */

struct addr {
	uint8_t b[16]; /* network order */
};
STATIC_ASSERT(sizeof(struct addr) == 16, "hashed whole");

/* A network: 'bits' counts in the 128-bit form (an IPv4 /24 is 120). */
struct cidr {
	struct addr addr; /* host bits are zero */
	uint8_t bits;
};

static inline struct addr
addr_from_v4(const void *be32)
{
	struct addr a;
	uint32_t v;
	uint64_t half[2] = { 0 };

	/* Written by halves, as it is going to be read. */
	memcpy(&v, be32, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	half[1] = (uint64_t)v << 32 | 0xffff0000;
#else
	half[1] = (uint64_t)0xffff << 32 | v;
#endif
	memcpy(a.b, half, sizeof(half));
	return a;
}

static inline struct addr
addr_from_v6(const void *be128)
{
	struct addr a;

	memcpy(a.b, be128, 16);
	return a;
}

static inline bool
addr_is_v4(const struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(a->b, mapped, 12) == 0;
}

static inline int
addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16);
}

static inline bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, 16) == 0;
}

bool cidr_contains(const struct cidr *net, const struct addr *a);

/* Numeric text, "192.0.2.1" or "2001:db8::1", as inet_ntop() has it; returns
 * the length. */
size_t addr_format(const struct addr *a, char out[ADDR_TEXT_CAP]);

/* Strict numeric text to address; false when it is not one. */
bool addr_parse(struct view s, struct addr *out) MUST_CHECK;

/* "192.0.2.0/24", "2001:db8::/32" or a bare address (a host network). */
bool cidr_parse(struct view s, struct cidr *out) MUST_CHECK;

/* "192.0.2.0/24" and so on, in the family's own prefix length. */
size_t cidr_format(const struct cidr *net, char out[ADDR_TEXT_CAP + 4]);

#endif
