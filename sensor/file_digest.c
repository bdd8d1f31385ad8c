/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_digest.h"

#include <stdlib.h>

#include <openssl/evp.h>

#define N_KINDS 3

struct digest_run {
	struct digest_run *next; /* while it is free */
	EVP_MD_CTX *ctx[N_KINDS];
	unsigned kinds; /* those that run */
};

struct digest_pool {
	EVP_MD *md[N_KINDS]; /* NULL where the library refuses (FIPS) */
	struct digest_run *idle;
	uint32_t n_runs; /* made so far */
};

static const char *const md_names[N_KINDS] = { "MD5", "SHA1", "SHA256" };

struct digest_pool *
digest_pool_new(void)
{
	struct digest_pool *p = calloc(1, sizeof(*p));

	for (unsigned i = 0; p != NULL && i < N_KINDS; i++) {
		p->md[i] = EVP_MD_fetch(NULL, md_names[i], NULL);
	}
	return p;
}

static void
run_free(struct digest_run *r)
{
	for (unsigned i = 0; i < N_KINDS; i++) {
		EVP_MD_CTX_free(r->ctx[i]);
	}
	free(r);
}

void
digest_pool_free(struct digest_pool *p)
{
	if (p == NULL) {
		return;
	}
	while (p->idle != NULL) {
		struct digest_run *r = p->idle;

		p->idle = r->next;
		run_free(r);
	}
	for (unsigned i = 0; i < N_KINDS; i++) {
		EVP_MD_free(p->md[i]);
	}
	free(p);
}

static struct digest_run *
take(struct digest_pool *p)
{
	struct digest_run *r = p->idle;

	if (r != NULL) {
		p->idle = r->next;
		return r;
	}
	if (p->n_runs == DIGEST_RUNS_MAX) {
		return NULL;
	}
	r = calloc(1, sizeof(*r));
	p->n_runs += r != NULL;
	return r;
}

struct digest_run *
digest_begin(struct digest_pool *p, unsigned kinds)
{
	struct digest_run *r = take(p);

	if (r == NULL) {
		return NULL;
	}
	r->kinds = 0;
	for (unsigned i = 0; i < N_KINDS; i++) {
		if ((kinds >> i & 1) == 0 || p->md[i] == NULL) {
			continue;
		}
		if (r->ctx[i] == NULL) {
			r->ctx[i] = EVP_MD_CTX_new();
		}
		if (r->ctx[i] != NULL &&
		    EVP_DigestInit_ex(r->ctx[i], p->md[i], NULL) == 1) {
			r->kinds |= 1U << i;
		}
	}
	return r;
}

void
digest_add(struct digest_run *r, struct view data)
{
	for (unsigned i = 0; i < N_KINDS; i++) {
		if ((r->kinds >> i & 1) != 0 &&
		    EVP_DigestUpdate(r->ctx[i], data.p, data.len) != 1) {
			r->kinds &= ~(1U << i);
		}
	}
}

void
digest_end(struct digest_pool *p, struct digest_run *r, struct digest_sums *out)
{
	uint8_t *const at[N_KINDS] = { out->md5, out->sha1, out->sha256 };

	out->has = 0;
	for (unsigned i = 0; i < N_KINDS; i++) {
		uint8_t sum[EVP_MAX_MD_SIZE];
		const size_t sizes[N_KINDS] = { sizeof(out->md5),
						sizeof(out->sha1),
						sizeof(out->sha256) };
		unsigned n = 0;

		if ((r->kinds >> i & 1) != 0 &&
		    EVP_DigestFinal_ex(r->ctx[i], sum, &n) == 1 &&
		    n == sizes[i]) {
			memcpy(at[i], sum, n);
			out->has |= (uint8_t)(1U << i);
		}
	}
	r->next = p->idle;
	p->idle = r;
}
