/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyhash.h - hashing with a secret, so that traffic cannot aim at a bucket
 *
 * Place    above common/ only.
 * Threads  a key is read only after keyhash_init().
 * Memory   by value.
 * Cost     XXH3: about 3 ns for a name.
 */
#ifndef RULES_KEYHASH_H
#define RULES_KEYHASH_H

#include "common/err.h"

#define KEYHASH_SECRET_LEN 192

struct keyhash {
	uint8_t secret[KEYHASH_SECRET_LEN];
};

/* Draws a new secret from the system. */
enum err keyhash_init(struct keyhash *k) MUST_CHECK;
uint64_t keyhash(const struct keyhash *k, struct view v);

/* One well-mixed number out of two that came from keyhash(). */
static inline uint64_t
keyhash_join(uint64_t a, uint64_t b)
{
	uint64_t h = (a ^ (b << 32 | b >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return h ^ h >> 29;
}

#endif
