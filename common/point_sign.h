/* SPDX-License-Identifier: Apache-2.0 */
/*
 * point_sign.h - the committed point as text: "EPOCH SEQ", and who says so
 *
 * What stands at the end, when the collector has a key, is a mac as a batch's
 * (frame_sign.h) in hexadecimal: version, algorithm, key, signature.  The
 * sensor's name is signed as well, so that one sensor's point is not another's.
 * A point that is played back is older than what the sensor has, and moves
 * nothing.
 *
 * Place    above frame_sign.h; both programs use it.
 * Threads  as the key.
 * Memory   none kept.
 * Cost     that of sign.h.
 */
#ifndef COMMON_POINT_SIGN_H
#define COMMON_POINT_SIGN_H

#include "common/frame_sign.h"

/* Two numbers, two blanks, a mac in hexadecimal, and NUL. */
#define POINT_TEXT_CAP (2 * 21 + 2 * FRAME_MAC_MAX + 1)

struct point {
	uint64_t epoch, seq;
	uint8_t mac[FRAME_MAC_MAX];
	size_t mac_len; /* 0: it bears none */
};

/* Writes the text; 'k' NULL: unsigned.  'name' is SITE/SENSOR, at most 255
 * bytes.  ERR_NOMEM only. */
enum err point_write(struct sign_key *k, const char *name, uint64_t epoch,
		     uint64_t seq, char out[POINT_TEXT_CAP]) MUST_CHECK;
/* False for what is no point; a mac is read, not checked. */
bool point_read(struct view text, struct point *out) MUST_CHECK;
/* Whether the key signed just this point of this sensor. */
bool point_check(struct sign_key *k, const char *name,
		 const struct point *p) MUST_CHECK;

#endif
