/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's newer calls reserve memory for each digest, which the packet
 * path may not; these do not.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sensor/hex_digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

size_t
hex_text(struct view v, char sep, bool upper, char *out, size_t cap)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t n = 0;

	for (size_t i = 0; i < v.len && cap - n >= 3; i++) {
		if (i > 0 && sep != 0) {
			out[n++] = sep;
		}
		out[n++] = digits[v.p[i] >> 4];
		out[n++] = digits[v.p[i] & 15];
	}
	return n;
}

size_t
hex_digest(enum hex_digest kind, struct view data, char sep,
	   char out[HEX_DIGEST_CAP])
{
	uint8_t sum[SHA256_DIGEST_LENGTH] = { 0 };
	struct view in = data.len > 0 ? data : view_of(sum, 0);
	size_t len = 0;

	switch (kind) {
	case HEX_MD5: {
		MD5_CTX c;

		len = MD5_Init(&c) == 1 && MD5_Update(&c, in.p, in.len) == 1 &&
				      MD5_Final(sum, &c) == 1
			      ? MD5_DIGEST_LENGTH
			      : 0;
		break;
	}
	case HEX_SHA1:
		len = hex_sha1(in, sum) ? SHA_DIGEST_LENGTH : 0;
		break;
	case HEX_SHA256: {
		SHA256_CTX c;

		len = SHA256_Init(&c) == 1 &&
				      SHA256_Update(&c, in.p, in.len) == 1 &&
				      SHA256_Final(sum, &c) == 1
			      ? SHA256_DIGEST_LENGTH
			      : 0;
		break;
	}
	}
	return hex_text(view_of(sum, len), sep, false, out, HEX_DIGEST_CAP);
}

bool
hex_sha1(struct view data, uint8_t out[HEX_SHA1_LEN])
{
	SHA_CTX c;

	return SHA1_Init(&c) == 1 && SHA1_Update(&c, data.p, data.len) == 1 &&
	       SHA1_Final(out, &c) == 1;
}
