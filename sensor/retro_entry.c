/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/retro_entry.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

STATIC_ASSERT(RETRO_SECRET_LEN >= XXH3_SECRET_SIZE_MIN, "XXH3 reads it all");

void
retro_key(const struct retro_secret *s, struct view value,
	  uint8_t out[RETRO_KEY_LEN])
{
	XXH128_hash_t h =
		XXH3_128bits_withSecret(value.p, value.len, s->b, sizeof(s->b));

	memcpy(out, &h.low64, 8);
	memcpy(out + 8, &h.high64, RETRO_DIGEST_LEN - 8);
	memset(out + RETRO_DIGEST_LEN, 0, RETRO_KEY_LEN - RETRO_DIGEST_LEN);
}

bool
retro_entry_ok(const struct retro_entry *e)
{
	unsigned kind = e->kind & ~(unsigned)RETRO_ASKED;

	return (kind < INDICATOR_KINDS || e->kind == RETRO_BELOW) &&
	       e->first_s <= e->last_s;
}
