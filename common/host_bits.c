/* SPDX-License-Identifier: Apache-2.0 */
#include "common/host_bits.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t
host_bits_of(const struct addr *a)
{
	return UINT32_C(1) << (XXH64(a->b, sizeof(a->b), 0) >> 59);
}

unsigned
host_bits_count(uint32_t bits)
{
	/* -32 ln(empty / 32) of 32 throws, by how many are set */
	static const uint8_t about[33] = {
		0,  1,  2,  3,  4,  5,  7,  8,  9,  11,  12,
		13, 15, 17, 18, 20, 22, 24, 26, 29, 31,  34,
		37, 41, 44, 49, 54, 59, 67, 76, 89, 111, HOST_BITS_MOST,
	};

	return about[__builtin_popcount(bits)];
}
