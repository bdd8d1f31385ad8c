/* SPDX-License-Identifier: Apache-2.0 */
#include "common/indicator.h"

#include <openssl/sha.h>

static const char *const kind_names[INDICATOR_KINDS] = {
	[INDICATOR_IP] = "ip",
	[INDICATOR_DOMAIN] = "domain",
	[INDICATOR_URL] = "url",
	[INDICATOR_JA3] = "ja3",
	[INDICATOR_CERT_SHA1] = "cert-sha1",
	[INDICATOR_CERT_SHA256] = "cert-sha256",
	[INDICATOR_JA4] = "ja4",
	[INDICATOR_FILE_MD5] = "file-md5",
	[INDICATOR_FILE_SHA1] = "file-sha1",
	[INDICATOR_FILE_SHA256] = "file-sha256",
	[INDICATOR_USER_AGENT] = "user-agent",
	[INDICATOR_PATTERN] = "pattern",
};

const char *
indicator_kind_name(enum indicator_kind k)
{
	return (size_t)k < INDICATOR_KINDS ? kind_names[k] : "unknown";
}

bool
indicator_kind_read(struct view word, enum indicator_kind *out)
{
	for (size_t i = 0; i < INDICATOR_KINDS; i++) {
		if (view_caseeq(word, view_cstr(kind_names[i]))) {
			*out = (enum indicator_kind)i;
			return true;
		}
	}
	return false;
}

int64_t
indicator_value_key(struct view value)
{
	uint8_t folded[INDICATOR_PATTERN_CAP], digest[SHA256_DIGEST_LENGTH];
	size_t n = MIN(value.len, sizeof(folded));

	for (size_t i = 0; i < n; i++) {
		folded[i] = ascii_lower(value.p[i]);
	}
	SHA256(folded, n, digest);
	return (int64_t)(load_be64(digest) >> 1 | 1);
}
