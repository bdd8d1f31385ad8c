/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - Ed25519 (RFC 8032) keys in files, and signatures of documents
 *
 * Keys are PEM, as the openssl program reads and writes them: the private one
 * in FILE, for its owner only, the public one in FILE.pub.
 *
 * Place    above err.h.
 * Threads  a key may be used by one thread at a time.
 * Memory   heap, one owner.
 * Cost     about 50 us a signature, 130 us a check; of any length.
 */
#ifndef COMMON_SIGN_H
#define COMMON_SIGN_H

#include "common/err.h"

#define SIGN_BYTES 64

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
/* ERR_USAGE with diag when the file is no such key or cannot be read. */
enum err sign_key_load(struct sign_key **out, const char *path, bool private,
		       struct diag *d) MUST_CHECK;
void sign_key_free(struct sign_key *k);

/*
 * 'purpose' (a few letters) is signed with the text, so that what was signed
 * for one thing is not taken for another.  ERR_NOMEM only.
 */
enum err sign_make(struct sign_key *k, const char *purpose, struct view text,
		   uint8_t out[SIGN_BYTES]) MUST_CHECK;
/* Whether 'sig' is the key's signature of just this text and purpose. */
bool sign_check(struct sign_key *k, const char *purpose, struct view text,
		struct view sig) MUST_CHECK;

#endif
