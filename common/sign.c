/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct sign_key {
	EVP_PKEY *pkey;
};

bool
sign_ready(void)
{
	return OSSL_LIB_CTX_get0_global_default() != NULL;
}

static enum err
write_key(EVP_PKEY *pkey, const char *path, bool private, struct diag *d)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		      private ? 0600 : 0644);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool good;

	if (f == NULL) {
		enum err e = diag_set(d, errno == EEXIST ? ERR_USAGE : ERR_IO,
				      "%s: %s", path, strerror(errno));

		if (fd >= 0) {
			close(fd);
		}
		return e;
	}
	good = private ? PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL,
					      NULL) == 1
		       : PEM_write_PUBKEY(f, pkey) == 1;
	good = fflush(f) == 0 && fsync(fd) == 0 && good;
	good = fclose(f) == 0 && good;
	if (!good) {
		unlink(path);
		return diag_set(d, ERR_IO, "%s: cannot be written", path);
	}
	return ERR_OK;
}

enum err
sign_key_make(const char *path, struct diag *d)
{
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	char *public = NULL;
	enum err e;

	if (pkey == NULL || asprintf(&public, "%s.pub", path) < 0) {
		EVP_PKEY_free(pkey);
		return diag_set(d, ERR_NOMEM, "cannot make a key");
	}
	e = write_key(pkey, path, true, d);
	if (e == ERR_OK) {
		e = write_key(pkey, public, false, d);
		if (e != ERR_OK) {
			unlink(path);
		}
	}
	free(public);
	EVP_PKEY_free(pkey);
	return e;
}

enum err
sign_key_load(struct sign_key **out, const char *path, bool private,
	      struct diag *d)
{
	FILE *f = fopen(path, "r");
	struct sign_key *k;
	EVP_PKEY *pkey;

	if (f == NULL) {
		return diag_set(d, ERR_USAGE, "%s: %s", path, strerror(errno));
	}
	pkey = private ? PEM_read_PrivateKey(f, NULL, NULL, NULL)
		       : PEM_read_PUBKEY(f, NULL, NULL, NULL);
	fclose(f);
	if (pkey == NULL || EVP_PKEY_is_a(pkey, "ED25519") != 1) {
		EVP_PKEY_free(pkey);
		return diag_set(d, ERR_USAGE,
				"%s: no Ed25519 %s key in PEM; make a pair "
				"with: picketctl keys new FILE",
				path, private ? "private" : "public");
	}
	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	k->pkey = pkey;
	*out = k;
	return ERR_OK;
}

void
sign_key_free(struct sign_key *k)
{
	if (k != NULL) {
		EVP_PKEY_free(k->pkey);
		free(k);
	}
}

/* "purpose", NUL, text; the caller frees it. */
static uint8_t *
joined(const char *purpose, struct view text, size_t *len)
{
	size_t n = strlen(purpose) + 1;
	uint8_t *p = malloc(n + text.len);

	if (p != NULL) {
		memcpy(p, purpose, n);
		if (text.len > 0) {
			memcpy(p + n, text.p, text.len);
		}
		*len = n + text.len;
	}
	return p;
}

enum err
sign_make(struct sign_key *k, const char *purpose, struct view text,
	  uint8_t out[SIGN_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 0, n = SIGN_BYTES;
	uint8_t *p = joined(purpose, text, &len);
	bool good = ctx != NULL && p != NULL &&
		    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(ctx, out, &n, p, len) == 1 &&
		    n == SIGN_BYTES;

	free(p);
	EVP_MD_CTX_free(ctx);
	return good ? ERR_OK : ERR_NOMEM;
}

bool
sign_check(struct sign_key *k, const char *purpose, struct view text,
	   struct view sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = 0;
	uint8_t *p = joined(purpose, text, &len);
	bool good = sig.len == SIGN_BYTES && ctx != NULL && p != NULL &&
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestVerify(ctx, sig.p, sig.len, p, len) == 1;

	free(p);
	EVP_MD_CTX_free(ctx);
	return good;
}
