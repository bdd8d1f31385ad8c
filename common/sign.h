/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - keys in files, and signatures of documents and batches
 *
 * Two kinds of key.  Ed25519 (RFC 8032): PEM, as the openssl program reads and
 * writes them, the private one in FILE, for its owner only, the public one in
 * FILE.pub.  HMAC-SHA-256 (RFC 2104): one secret text of 32 to 1024 bytes in
 * FILE that both sides hold; whoever can check can sign as well.
 *
 * Place    above err.h.
 * Threads  a key signs for one thread at a time, and checks for any number.
 * Memory   heap, one owner; a secret is wiped when it is freed.
 * Cost     Ed25519: about 50 us a signature, 130 us a check; HMAC: 2 us; of
 *          short texts.
 */
#ifndef COMMON_SIGN_H
#define COMMON_SIGN_H

#include "common/err.h"

#define SIGN_BYTES 64 /* of an Ed25519 signature, the longest */
#define SIGN_ID_BYTES 8

enum sign_alg { SIGN_ED25519 = 1, SIGN_HMAC_SHA256 = 2 };

struct sign_key;

/*
 * Whether the library below, which also makes digests, could set itself up;
 * a program asks at its start.  Without memory it cannot, does not say so, and
 * its first use would be the program's end.
 */
bool sign_ready(void) MUST_CHECK;

/* Makes a pair: 'path' (mode 0600) and 'path'.pub.  ERR_USAGE with diag when
 * one of them exists already, ERR_IO when it cannot be written. */
enum err sign_key_make(const char *path, struct diag *d) MUST_CHECK;
/* Makes a secret for HMAC: 'path' (mode 0600), 64 hexadecimal digits and a
 * newline.  Errors as above. */
enum err sign_secret_make(const char *path, struct diag *d) MUST_CHECK;

/* ERR_USAGE with diag when the file is no such key, cannot be read, or holds a
 * private one that everybody may read. */
enum err sign_key_load(struct sign_key **out, const char *path, bool private,
		       struct diag *d) MUST_CHECK;
/*
 * The same for a setting that names either kind: "FILE", or "hmac:FILE".  Of a
 * secret, too, what everybody may read is refused.
 */
enum err sign_key_load_any(struct sign_key **out, const char *spec,
			   bool private, struct diag *d) MUST_CHECK;
void sign_key_free(struct sign_key *k);

enum sign_alg sign_key_alg(const struct sign_key *k);
/*
 * Names the key without telling it, SIGN_ID_BYTES: the first bytes of
 * SHA-256(the 32 bytes of the public key), or of
 * HMAC(secret, "picket-key-id" NUL).
 */
const uint8_t *sign_key_id(const struct sign_key *k);
/* Bytes of a signature of this kind; 0 when there is no such kind. */
size_t sign_len(enum sign_alg alg);

/*
 * 'purpose' (a few letters) is signed with the text, so that what was signed
 * for one thing is not taken for another: "purpose" NUL text.  Writes
 * sign_len() bytes.  ERR_NOMEM only.
 */
enum err sign_make(struct sign_key *k, const char *purpose, struct view text,
		   uint8_t out[SIGN_BYTES]) MUST_CHECK;
/* Whether 'sig' is the key's signature of just this text and purpose. */
bool sign_check(struct sign_key *k, const char *purpose, struct view text,
		struct view sig) MUST_CHECK;

#endif
