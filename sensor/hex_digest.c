/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/hex_digest.h"

#include <openssl/evp.h>

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
	const EVP_MD *md = kind == HEX_MD5    ? EVP_md5()
			   : kind == HEX_SHA1 ? EVP_sha1()
					      : EVP_sha256();
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_Digest(data.len > 0 ? data.p : sum, data.len, sum, &len, md,
		       NULL) != 1 ||
	    len > 32) {
		return 0;
	}
	return hex_text(view_of(sum, len), sep, false, out, HEX_DIGEST_CAP);
}
