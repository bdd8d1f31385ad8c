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
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#define SECRET_MIN 32
#define SECRET_MAX 1024
#define SHA256_BYTES 32
#define ED25519_PUBLIC 32
#define ID_PURPOSE "picket-key-id"

struct sign_key {
	enum sign_alg alg;
	EVP_PKEY *pkey; /* Ed25519 */
	uint8_t secret[SECRET_MAX]; /* HMAC */
	size_t secret_len;
	uint8_t id[SIGN_ID_BYTES];
};

bool
sign_ready(void)
{
	return OSSL_LIB_CTX_get0_global_default() != NULL;
}

/* A file that must not be there yet. */
static enum err
create(const char *path, mode_t mode, FILE **out, struct diag *d)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	*out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (*out == NULL) {
		enum err e = diag_set(d, errno == EEXIST ? ERR_USAGE : ERR_IO,
				      "%s: %s", path, strerror(errno));

		if (fd >= 0) {
			close(fd);
		}
		return e;
	}
	return ERR_OK;
}

/* 'good' so far; what cannot be written whole is not left behind. */
static enum err
finish(FILE *f, const char *path, bool good, struct diag *d)
{
	good = fflush(f) == 0 && fsync(fileno(f)) == 0 && good;
	good = fclose(f) == 0 && good;
	if (!good) {
		unlink(path);
		return diag_set(d, ERR_IO, "%s: cannot be written", path);
	}
	return ERR_OK;
}

static enum err
write_key(EVP_PKEY *pkey, const char *path, bool private, struct diag *d)
{
	FILE *f;
	enum err e = create(path, private ? 0600 : 0644, &f, d);

	if (e != ERR_OK) {
		return e;
	}
	return finish(f, path,
		      private ? PEM_write_PrivateKey(f, pkey, NULL, NULL, 0,
						     NULL, NULL) == 1
			      : PEM_write_PUBKEY(f, pkey) == 1,
		      d);
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
sign_secret_make(const char *path, struct diag *d)
{
	uint8_t bytes[SECRET_MIN];
	bool good = RAND_priv_bytes(bytes, sizeof(bytes)) == 1;
	FILE *f;
	enum err e;

	if (!good) {
		return diag_set(d, ERR_IO, "no random bytes for a secret");
	}
	e = create(path, 0600, &f, d);
	for (size_t i = 0; e == ERR_OK && i < sizeof(bytes); i++) {
		good = fprintf(f, "%02x", bytes[i]) == 2 && good;
	}
	if (e == ERR_OK) {
		e = finish(f, path, fputc('\n', f) == '\n' && good, d);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return e;
}

/* --- keys read --- */

static enum err
key_new(struct sign_key **out, enum sign_alg alg, struct diag *d)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	(*out)->alg = alg;
	return ERR_OK;
}

/* Takes 'pkey' over, whatever comes of it. */
static enum err
key_of(struct sign_key **out, EVP_PKEY *pkey, struct diag *d)
{
	uint8_t raw[ED25519_PUBLIC], digest[SHA256_BYTES];
	size_t n = sizeof(raw);
	enum err e = key_new(out, SIGN_ED25519, d);

	if (e != ERR_OK) {
		EVP_PKEY_free(pkey);
		return e;
	}
	(*out)->pkey = pkey;
	if (EVP_PKEY_get_raw_public_key(pkey, raw, &n) != 1 ||
	    n != sizeof(raw) ||
	    EVP_Digest(raw, n, digest, NULL, EVP_sha256(), NULL) != 1) {
		sign_key_free(*out);
		*out = NULL;
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	memcpy((*out)->id, digest, SIGN_ID_BYTES);
	return ERR_OK;
}

/* Whether what comes next in the file is PEM of this name.  The file is where it
 * was afterwards. */
static bool
begins(FILE *f, const char *name)
{
	char line[64] = "", want[64];

	snprintf(want, sizeof(want), "-----BEGIN %s KEY-----", name);
	if (fgets(line, sizeof(line), f) == NULL) {
		line[0] = '\0';
	}
	rewind(f);
	return strncmp(line, want, strlen(want)) == 0;
}

/* The other half of a pair is mistaken for it more often than anything else. */
static enum err
check_half(FILE *f, bool private, const char *path, struct diag *d)
{
	if (private && begins(f, "PUBLIC")) {
		return diag_set(d, ERR_USAGE,
				"%s: this is the public half of a pair; the "
				"private one is wanted here",
				path);
	}
	if (!private && begins(f, "PRIVATE")) {
		return diag_set(d, ERR_USAGE,
				"%s: this is the private half of a pair, which "
				"stays with its owner; the public one is "
				"wanted here (FILE.pub)",
				path);
	}
	return ERR_OK;
}

/* A file that is there to be read; 'secret': not by everybody. */
static enum err
open_key(const char *path, bool secret, FILE **out, struct diag *d)
{
	FILE *f = fopen(path, "re");
	struct stat st;
	bool regular;

	*out = NULL;
	if (f == NULL) {
		return diag_set(d, ERR_USAGE, "%s: %s", path, strerror(errno));
	}
	/* No copy of it in a buffer that nobody wipes. */
	setvbuf(f, NULL, _IONBF, 0);
	/* What a pipe gives can be read only once. */
	regular = fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode);
	if (regular && check_half(f, secret, path, d) != ERR_OK) {
		fclose(f);
		return ERR_USAGE;
	}
	if (secret && regular && (st.st_mode & S_IRWXO) != 0) {
		fclose(f);
		return diag_set(d, ERR_USAGE,
				"%s: everybody may read this key: chmod 600 "
				"it, and make another if others were here",
				path);
	}
	*out = f;
	return ERR_OK;
}

enum err
sign_key_load(struct sign_key **out, const char *path, bool private,
	      struct diag *d)
{
	FILE *f;
	EVP_PKEY *pkey;
	enum err e = open_key(path, private, &f, d);

	*out = NULL;
	if (e != ERR_OK) {
		return e;
	}
	pkey = private ? PEM_read_PrivateKey(f, NULL, NULL, NULL)
		       : PEM_read_PUBKEY(f, NULL, NULL, NULL);
	fclose(f);
	if (pkey == NULL || EVP_PKEY_is_a(pkey, "ED25519") != 1) {
		EVP_PKEY_free(pkey);
		return diag_set(d, ERR_USAGE,
				"%s: no Ed25519 %s key in PEM; make a pair "
				"with: picketctl keys make FILE",
				path, private ? "private" : "public");
	}
	return key_of(out, pkey, d);
}

/* The file's bytes but for newlines at their end. */
static enum err
read_secret(struct sign_key *k, const char *path, struct diag *d)
{
	FILE *f;
	uint8_t text[SECRET_MAX + 2], id[SHA256_BYTES];
	enum err e = open_key(path, true, &f, d);
	size_t n;

	if (e != ERR_OK) {
		return e;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) {
		n--;
	}
	if (n < SECRET_MIN || n > SECRET_MAX) {
		OPENSSL_cleanse(text, sizeof(text));
		return diag_set(d, ERR_USAGE,
				"%s: a secret of %d to %d bytes is wanted; "
				"make one with: picketctl keys make --sensor "
				"SITE/SENSOR --hmac FILE",
				path, SECRET_MIN, SECRET_MAX);
	}
	memcpy(k->secret, text, n);
	k->secret_len = n;
	OPENSSL_cleanse(text, sizeof(text));
	if (HMAC(EVP_sha256(), k->secret, (int)n, (const uint8_t *)ID_PURPOSE,
		 sizeof(ID_PURPOSE), id, NULL) == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	memcpy(k->id, id, SIGN_ID_BYTES);
	return ERR_OK;
}

enum err
sign_key_load_any(struct sign_key **out, const char *spec, bool private,
		  struct diag *d)
{
	static const char hmac[] = "hmac:";
	bool secret = strncmp(spec, hmac, sizeof(hmac) - 1) == 0;
	const char *path = secret ? spec + sizeof(hmac) - 1 : spec;
	enum err e;

	*out = NULL;
	if (!secret) {
		return sign_key_load(out, path, private, d);
	}
	e = key_new(out, SIGN_HMAC_SHA256, d);
	if (e == ERR_OK) {
		e = read_secret(*out, path, d);
	}
	if (e != ERR_OK) {
		sign_key_free(*out);
		*out = NULL;
	}
	return e;
}

void
sign_key_free(struct sign_key *k)
{
	if (k != NULL) {
		EVP_PKEY_free(k->pkey);
		OPENSSL_cleanse(k->secret, sizeof(k->secret));
		free(k);
	}
}

enum sign_alg
sign_key_alg(const struct sign_key *k)
{
	return k->alg;
}

const uint8_t *
sign_key_id(const struct sign_key *k)
{
	return k->id;
}

size_t
sign_len(enum sign_alg alg)
{
	return alg == SIGN_ED25519       ? SIGN_BYTES
	       : alg == SIGN_HMAC_SHA256 ? SHA256_BYTES
					 : 0;
}

/* --- signatures --- */

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

static bool
hmac_of(const struct sign_key *k, const uint8_t *p, size_t len,
	uint8_t out[SHA256_BYTES])
{
	return HMAC(EVP_sha256(), k->secret, (int)k->secret_len, p, len, out,
		    NULL) != NULL;
}

static bool
ed25519_make(struct sign_key *k, const uint8_t *p, size_t len, uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = SIGN_BYTES;
	bool good = ctx != NULL &&
		    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(ctx, out, &n, p, len) == 1 &&
		    n == SIGN_BYTES;

	EVP_MD_CTX_free(ctx);
	return good;
}

static bool
ed25519_check(struct sign_key *k, const uint8_t *p, size_t len, struct view sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL &&
		    EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestVerify(ctx, sig.p, sig.len, p, len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

enum err
sign_make(struct sign_key *k, const char *purpose, struct view text,
	  uint8_t out[SIGN_BYTES])
{
	size_t len = 0;
	uint8_t *p = joined(purpose, text, &len);
	bool good = p != NULL &&
		    (k->alg == SIGN_ED25519 ? ed25519_make(k, p, len, out)
					    : hmac_of(k, p, len, out));

	free(p);
	return good ? ERR_OK : ERR_NOMEM;
}

bool
sign_check(struct sign_key *k, const char *purpose, struct view text,
	   struct view sig)
{
	uint8_t want[SHA256_BYTES];
	size_t len = 0;
	uint8_t *p = joined(purpose, text, &len);
	bool good = p != NULL && sig.len == sign_len(k->alg);

	if (good && k->alg == SIGN_ED25519) {
		good = ed25519_check(k, p, len, sig);
	} else if (good) {
		good = hmac_of(k, p, len, want) &&
		       CRYPTO_memcmp(want, sig.p, sizeof(want)) == 0;
	}
	free(p);
	return good;
}
