/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex_digest.h - digests as lower-case hexadecimal text
 *
 * Place    above base.h.
 * Threads  pure.
 * Cost     the digest's own; allocates nothing.
 */
#ifndef SENSOR_HEX_DIGEST_H
#define SENSOR_HEX_DIGEST_H

#include "common/base.h"

enum hex_digest { HEX_MD5, HEX_SHA1, HEX_SHA256 };

#define HEX_DIGEST_CAP (3 * 32)

/*
 * Digest of 'data' with 'sep' between bytes (0: nothing).  Returns the length
 * of the text, 0 when the crypto library refuses.
 */
size_t hex_digest(enum hex_digest kind, struct view data, char sep,
		  char out[HEX_DIGEST_CAP]);
#define HEX_SHA1_LEN 20
/* The bytes of a digest. */
bool hex_sha1(struct view data, uint8_t out[HEX_SHA1_LEN]) MUST_CHECK;
/* 'v' as hexadecimal text, at most 'cap' bytes; returns the length. */
size_t hex_text(struct view v, char sep, bool upper, char *out, size_t cap);

#endif
