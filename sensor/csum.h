/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csum.h - the Internet checksum (RFC 1071)
 *
 * Place    above base.h.
 * Threads  pure.
 * Memory   none.
 * Cost     csum_add() reads each byte once, 16 bytes a round.
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
	uint64_t odd = 0, w, v;
	uint32_t w4 = 0;

	/* Halves of 64-bit words, so that no carry has to be looked after. */
	while (len >= 16) {
		memcpy(&w, p, 8);
		memcpy(&v, p + 8, 8);
		sum += (w & 0xffffffff) + (v & 0xffffffff);
		odd += (w >> 32) + (v >> 32);
		p += 16;
		len -= 16;
	}
	sum += odd;
	while (len >= 4) {
		memcpy(&w4, p, 4);
		sum += w4;
		p += 4;
		len -= 4;
	}
	if (len > 0) {
		w4 = 0;
		memcpy(&w4, p, len);
		sum += w4;
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
