/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csum.h - the Internet checksum (RFC 1071)
 *
 * Place    above base.h.
 * Threads  pure.
 * Memory   none.
 * Cost     csum_add() reads each byte once, 32 bits at a time.
 */
#ifndef SENSOR_CSUM_H
#define SENSOR_CSUM_H

#include "common/base.h"

/*
 * Adds 'len' (below 2^32) bytes to a running sum, in the machine's own order:
 * the one's complement sum does not depend on it (RFC 1071, 2 B).  Only the
 * last part of a sum may be of odd length.
 */
static inline uint64_t
csum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	uint32_t w;

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

	store_be16(b, v);
	return csum_add(sum, b, 2);
}

#endif
