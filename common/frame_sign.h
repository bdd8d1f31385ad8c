/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_sign.h - the 'mac' of a batch: who sent it, and that nobody changed it
 *
 * The signature covers every field that a reader goes by, the sensor's name,
 * and the SHA-256 of the data; docs/formats.md gives the bytes.  A gap is
 * signed like a batch.
 *
 * Place    above frame.h and sign.h; both programs use it.
 * Threads  as the key.
 * Memory   none kept.
 * Cost     that of sign.h, and of SHA-256 over the data: 20 us for 10 KiB or
 *          less.
 */
#ifndef COMMON_FRAME_SIGN_H
#define COMMON_FRAME_SIGN_H

#include "common/frame.h"
#include "common/sign.h"

#define FRAME_MAC_VERSION 1
#define FRAME_MAC_HEAD (2 + SIGN_ID_BYTES) /* version, algorithm, key */
#define FRAME_MAC_MAX (FRAME_MAC_HEAD + SIGN_BYTES)

/* What is signed. */
struct frame_claim {
	struct view name; /* SITE/SENSOR, at most 255 bytes */
	const struct frame_header *hdr; /* raw_len: 0 when not told */
	uint64_t gap_from, gap_to, gap_n; /* 0 in a batch */
	struct view enc; /* "zlib"; at most 255 bytes */
	struct view data;
};

/* A mac, read. */
struct frame_mac {
	enum sign_alg alg;
	const uint8_t *id; /* SIGN_ID_BYTES; borrowed, as is sig */
	struct view sig;
};

/* Writes the head of a mac that 'k' is to make: version, algorithm, key.  Returns
 * the length of the whole. */
size_t frame_mac_head(const struct sign_key *k, uint8_t mac[FRAME_MAC_MAX]);
/* Whether a mac that was read says that it is this key's. */
bool frame_mac_is_of(const struct frame_mac *m, const struct sign_key *k);
/* A mac as text, 2 * mac.len digits and NUL, and back: false when it is none or
 * too long. */
void frame_mac_hex(struct view mac, char *out);
bool frame_mac_unhex(struct view text, uint8_t mac[FRAME_MAC_MAX],
		     size_t *len) MUST_CHECK;

/* Writes the mac, '*len' bytes.  ERR_NOMEM only. */
enum err frame_sign(struct sign_key *k, const struct frame_claim *c,
		    uint8_t mac[FRAME_MAC_MAX], size_t *len) MUST_CHECK;
/* False for what is no mac of ours: wrong version, algorithm or length. */
bool frame_mac_read(struct view mac, struct frame_mac *out) MUST_CHECK;
/* Whether 'm' is this key's signature of just this claim. */
bool frame_sign_check(struct sign_key *k, const struct frame_claim *c,
		      const struct frame_mac *m) MUST_CHECK;

#endif
