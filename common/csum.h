/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csum.h - the Internet checksum (RFC 1071)
 *
 * Place    above addr.h and proto.h.
 * Threads  pure.
 * Memory   none.
 * Cost     reads each byte once; long data 64 bytes a round where the machine
 *          has AVX2.
 */
#ifndef COMMON_CSUM_H
#define COMMON_CSUM_H

#include "common/addr.h"

/* From here on csum_add() leaves the data to csum_add_long(). */
#define CSUM_LONG 32

/*
 * Adds 'len' (below 2^32) bytes to a running sum, in the machine's own order:
 * the one's complement sum does not depend on it (RFC 1071, 2 B).  Only the
 * last part of a sum may be of odd length.
 */
uint64_t csum_add_long(uint64_t sum, const uint8_t *p, size_t len);

static inline uint64_t
csum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	uint32_t w;

	if (len >= CSUM_LONG) {
		return csum_add_long(sum, p, len);
	}
	while (len >= 4) {
		memcpy(&w, p, 4);
		sum += w;
		p += 4;
		len -= 4;
	}
	if (len > 0) {
		w = 0;
		memcpy(&w, p, len);
		sum += w;
	}
	return sum;
}

/* The 16-bit sum; 0xffff for data that holds its own right checksum. */
static inline uint16_t
csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* A 16-bit value in network order, as it would stand in the data. */
static inline uint64_t
csum_add_be16(uint64_t sum, uint16_t v)
{
	uint8_t b[2];
	uint16_t w;

	store_be16(b, v);
	memcpy(&w, b, 2);
	return sum + w;
}

/*
 * Whether 'l4', transport header to end, holds its right checksum.  TCP, UDP
 * and ICMPv6 sum up addresses, length and protocol too (RFC 9293, 3.1; RFC
 * 8200, 8.1), ICMP does not, nor does ICMPv6 astray in IPv4.
 */
bool csum_transport_ok(const struct addr *src, const struct addr *dst,
		       uint8_t ip_version, uint8_t proto, struct view l4);

#endif
