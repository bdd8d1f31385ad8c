/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_user.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#define SALT_BYTES 16
#define HASH_BYTES 32
#define LOG_N 15
#define MAX_LOG_N 18
#define COST_R 8
#define COST_P 1

static atomic_uint hashing;

static void
put_hex(char *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		snprintf(out + 2 * i, 3, "%02x", p[i]);
	}
}

static bool
read_hex(const char *s, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned byte;

		if (strspn(s + 2 * i, "0123456789abcdef") < 2 ||
		    sscanf(s + 2 * i, "%2x", &byte) != 1) {
			return false;
		}
		out[i] = (uint8_t)byte;
	}
	return s[2 * n] == '\0';
}

/* Memory is what scrypt costs, and it is ours: who logs in by the thousand
 * must not have more than a little of it. */
static enum err
derive(const char *password, const uint8_t salt[SALT_BYTES], unsigned log_n,
       uint8_t out[HASH_BYTES])
{
	enum err e = ERR_AGAIN;

	if (atomic_fetch_add(&hashing, 1) < USER_HASHERS) {
		e = EVP_PBE_scrypt(password, strlen(password), salt, SALT_BYTES,
				   UINT64_C(1) << log_n, COST_R, COST_P,
				   (UINT64_C(2048) << log_n), out,
				   HASH_BYTES) == 1
			    ? ERR_OK
			    : ERR_NOMEM;
	}
	atomic_fetch_sub(&hashing, 1);
	return e;
}

enum err
user_hash(const char *password, char out[USER_HASH_CAP])
{
	uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
	char a[2 * SALT_BYTES + 1], b[2 * HASH_BYTES + 1];
	enum err e;

	if (RAND_bytes(salt, sizeof(salt)) != 1) {
		return ERR_IO;
	}
	e = derive(password, salt, LOG_N, hash);
	put_hex(a, salt, sizeof(salt));
	put_hex(b, hash, sizeof(hash));
	snprintf(out, USER_HASH_CAP, "scrypt$%d$%d$%d$%s$%s", LOG_N, COST_R,
		 COST_P, a, b);
	OPENSSL_cleanse(hash, sizeof(hash));
	return e;
}

enum err
user_verify(const char *password, const char *hash)
{
	uint8_t salt[SALT_BYTES] = { 0 }, want[HASH_BYTES] = { 0 };
	uint8_t have[HASH_BYTES];
	char a[2 * SALT_BYTES + 1], b[2 * HASH_BYTES + 1];
	unsigned log_n = LOG_N, r = 0, p = 0;
	bool known = sscanf(hash, "scrypt$%u$%u$%u$%32[0-9a-f]$%64[0-9a-f]",
			    &log_n, &r, &p, a, b) == 5 &&
		     log_n <= MAX_LOG_N && log_n > 0 && r == COST_R &&
		     p == COST_P && read_hex(a, salt, SALT_BYTES) &&
		     read_hex(b, want, HASH_BYTES);
	enum err e = derive(password, salt, known ? log_n : LOG_N, have);

	if (e == ERR_OK &&
	    (CRYPTO_memcmp(have, want, HASH_BYTES) != 0 || !known)) {
		e = ERR_AUTH;
	}
	OPENSSL_cleanse(have, sizeof(have));
	return e;
}
