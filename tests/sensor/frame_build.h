/* SPDX-License-Identifier: Apache-2.0 */
/* Frames put together by hand, for tests. */
#ifndef TESTS_FRAME_BUILD_H
#define TESTS_FRAME_BUILD_H

#include "common/csum.h"
#include "common/proto.h"
#include "sensor/packet.h"

#define FRAME_CAP 70000

struct build {
	uint8_t b[FRAME_CAP];
	size_t len;
};

static inline uint8_t *
add(struct build *f, const void *p, size_t n)
{
	uint8_t *at = f->b + f->len;

	memcpy(at, p, n);
	f->len += n;
	return at;
}

static inline uint8_t *
add_zero(struct build *f, size_t n)
{
	uint8_t *at = f->b + f->len;

	memset(at, 0, n);
	f->len += n;
	return at;
}

static inline void
add_be16(struct build *f, uint16_t v)
{
	store_be16(add_zero(f, 2), v);
}

static inline void
add_ether(struct build *f, uint16_t type)
{
	static const uint8_t mac[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	add(f, mac, 12);
	add_be16(f, type);
}

/* Headers whose length and checksum finish_*() fills in. */
static inline size_t
add_ipv4(struct build *f, uint8_t proto, uint8_t src, uint8_t dst)
{
	size_t at = f->len;
	uint8_t *h = add_zero(f, 20);

	h[0] = 0x45;
	h[8] = 64;
	h[9] = proto;
	h[12] = h[16] = 10;
	h[15] = src;
	h[19] = dst;
	return at;
}

static inline void
finish_ipv4(struct build *f, size_t at)
{
	uint8_t *h = f->b + at;
	uint16_t sum;

	store_be16(h + 2, (uint16_t)(f->len - at));
	store_be16(h + 10, 0);
	sum = (uint16_t)~csum_fold(csum_add(0, h, (size_t)(h[0] & 15) * 4));
	memcpy(h + 10, &sum, 2);
}

static inline size_t
add_ipv6(struct build *f, uint8_t next, uint8_t src, uint8_t dst)
{
	size_t at = f->len;
	uint8_t *h = add_zero(f, 40);

	h[0] = 0x60;
	h[6] = next;
	h[7] = 64;
	h[8] = h[24] = 0x20;
	h[23] = src;
	h[39] = dst;
	return at;
}

static inline void
finish_ipv6(struct build *f, size_t at)
{
	store_be16(f->b + at + 4, (uint16_t)(f->len - at - 40));
}

static inline size_t
add_udp(struct build *f, uint16_t sport, uint16_t dport)
{
	size_t at = f->len;
	uint8_t *h = add_zero(f, 8);

	store_be16(h, sport);
	store_be16(h + 2, dport);
	return at;
}

static inline void
finish_udp(struct build *f, size_t at)
{
	store_be16(f->b + at + 4, (uint16_t)(f->len - at));
}

static inline size_t
add_tcp(struct build *f, uint16_t sport, uint16_t dport, uint8_t flags)
{
	size_t at = f->len;
	uint8_t *h = add_zero(f, 20);

	store_be16(h, sport);
	store_be16(h + 2, dport);
	store_be32(h + 4, 1000);
	store_be32(h + 8, 2000);
	h[12] = 0x50;
	h[13] = flags;
	store_be16(h + 14, 8192);
	return at;
}

/* Fills in the checksum of the transport at 'l4', behind IP at 'l3'. */
static inline void
finish_l4(struct build *f, size_t l3, size_t l4, uint8_t proto, size_t csum_at)
{
	const uint8_t *h = f->b + l3;
	bool v4 = h[0] >> 4 == 4;
	size_t len = f->len - l4;
	uint64_t sum = 0;
	uint16_t folded;

	sum = csum_add(sum, h + (v4 ? 12 : 8), v4 ? 8 : 32);
	sum = csum_add_be16(sum, (uint16_t)len);
	sum = csum_add_be16(sum, proto);
	store_be16(f->b + l4 + csum_at, 0);
	folded = (uint16_t)~csum_fold(csum_add(sum, f->b + l4, len));
	memcpy(f->b + l4 + csum_at, &folded, 2);
}

static inline struct frame
frame_of(const struct build *f, uint16_t linktype)
{
	return (struct frame){ .data = f->b,
			       .caplen = (uint32_t)f->len,
			       .wirelen = (uint32_t)f->len,
			       .ts_us = 1000000,
			       .number = 1,
			       .linktype = linktype };
}

#endif
