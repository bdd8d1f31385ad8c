/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pseudonym.h - addresses that hide which they are, and keep who is near whom
 *
 * Prefix-preserving: two addresses that share their first n bits have
 * pseudonyms that share just as many.  The construction is Crypto-PAn (J. Xu,
 * J. Fan, M. Ammar, S. Moon: "Prefix-Preserving IP Address Anonymization",
 * ICNP 2002): bit i is turned over by the first bit of AES-128 of the bits
 * before it, filled up with a secret pad.  Whoever knows a few addresses and
 * their pseudonyms learns of others how near they are; that is its nature, and
 * why every partner has a key of its own.
 *
 * Place    above addr.h; below redact.
 * Threads  one.
 * Memory   a cipher; the key is wiped when it is freed.
 * Cost     32 or 128 blocks of AES: about 3 us and 12 us.
 */
#ifndef COLLECTOR_PSEUDONYM_H
#define COLLECTOR_PSEUDONYM_H

#include "common/addr.h"
#include "common/err.h"

#define PSEUDONYM_KEY_BYTES 32

struct pseudonym;

/* The key's first half is AES's, the second makes the pad.  ERR_NOMEM. */
enum err pseudonym_new(struct pseudonym **out,
		       const uint8_t key[PSEUDONYM_KEY_BYTES]) MUST_CHECK;
void pseudonym_free(struct pseudonym *p);

/* An IPv4 address becomes one, an IPv6 address too (which may, once in 2^96,
 * look like an IPv4 address).  ERR_NOMEM: the library failed. */
enum err pseudonym_addr(struct pseudonym *p, const struct addr *a,
			struct addr *out) MUST_CHECK;

#endif
