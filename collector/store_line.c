/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_line.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

size_t
store_varint_put(uint8_t *out, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7) {
		out[n++] = (uint8_t)(v | 0x80);
	}
	out[n++] = (uint8_t)v;
	return n;
}

bool
store_varint_get(struct view *list, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < list->len && i < STORE_VARINT_MAX; i++) {
		*v |= (uint64_t)(list->p[i] & 0x7f) << (7 * i);
		if ((list->p[i] & 0x80) == 0) {
			list->p += i + 1;
			list->len -= i + 1;
			return true;
		}
	}
	list->len = 0;
	return false;
}

uint64_t
store_group_hash(const struct store_group_key *k)
{
	return XXH3_64bits(k, sizeof(*k));
}
