/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/keyhash.h"

#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

STATIC_ASSERT(KEYHASH_SECRET_LEN >= XXH3_SECRET_SIZE_MIN, "XXH3 reads it all");

enum err
keyhash_init(struct keyhash *k)
{
	/* Up to 256 bytes are given whole or not at all (getrandom(2)). */
	if (getrandom(k->secret, sizeof(k->secret), 0) !=
	    (ssize_t)sizeof(k->secret)) {
		return ERR_IO;
	}
	return ERR_OK;
}

uint64_t
keyhash(const struct keyhash *k, struct view v)
{
	return XXH3_64bits_withSecret(v.p, v.len, k->secret, sizeof(k->secret));
}
