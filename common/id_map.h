/* SPDX-License-Identifier: Apache-2.0 */
/*
 * id_map.h - millions of identifiers, known again by a hash with a secret
 *
 * Two identifiers are taken for one with a chance of 2^-64; who wrote them
 * does not know the secret and cannot aim at it, nor at a bucket.
 *
 * Place    above err.h.
 * Threads  one owner.
 * Memory   8 to 16 bytes an identifier, 16 to 32 with values; it grows in 64
 *          parts, so that no growth needs it twice.
 * Cost     one hash and about one cache line a look.
 */
#ifndef COMMON_ID_MAP_H
#define COMMON_ID_MAP_H

#include "common/err.h"

#define ID_MAP_PARTS 64
#define ID_MAP_SECRET 192

struct id_map_part {
	uint64_t *keys; /* 0: free */
	uint64_t *values; /* NULL in a set */
	uint32_t n, cap;
};

struct id_map {
	struct id_map_part part[ID_MAP_PARTS];
	uint8_t secret[ID_MAP_SECRET];
	uint64_t n, max;
	bool valued;
};

/* ERR_IO: the system has no random bytes.  'max' bounds the identifiers. */
enum err id_map_init(struct id_map *m, bool valued, uint64_t max) MUST_CHECK;
void id_map_fini(struct id_map *m);

/*
 * '*known' says whether 'id' was there; when not, it is now.  In a map '*value'
 * is where its number lies until the next call, 0 at first; 'value' may be NULL.
 * ERR_NOMEM or ERR_LIMIT.
 */
enum err id_map_put(struct id_map *m, struct view id, bool *known,
		    uint64_t **value) MUST_CHECK;
/* Where its number lies, or NULL; of a map only. */
uint64_t *id_map_get(const struct id_map *m, struct view id);

#endif
