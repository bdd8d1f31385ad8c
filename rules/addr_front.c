/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/addr_front.h"

#include <stdlib.h>

#define BLOCKS (1u << ADDR_FRONT_BITS)

bool
addr_front_build(struct addr_front *f, const void *lo, size_t stride,
		 uint32_t n)
{
	uint32_t at = 0;

	f->before = NULL;
	if (n < ADDR_FRONT_MIN) {
		return true;
	}
	f->before = malloc((BLOCKS + 1) * sizeof(*f->before));
	if (f->before == NULL) {
		return false;
	}
	for (uint32_t i = 0; i <= BLOCKS; i++) {
		unsigned __int128 block =
			((unsigned __int128)0xffff << 32) +
			((uint64_t)i << (32 - ADDR_FRONT_BITS));

		for (; at < n; at++) {
			unsigned __int128 x;

			memcpy(&x, (const uint8_t *)lo + at * stride,
			       sizeof(x));
			if (x >= block) {
				break;
			}
		}
		f->before[i] = at;
	}
	return true;
}

void
addr_front_fini(struct addr_front *f)
{
	free(f->before);
	f->before = NULL;
}
