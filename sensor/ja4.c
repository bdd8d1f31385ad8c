/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ja4.h"

#include <stdio.h>

#include "sensor/hex_digest.h"

/* A hello with more is hostile; its fingerprint is of the first ones. */
#define MAX_SORTED 1024
#define HASH_LEN 12 /* of SHA-256's 64 hexadecimal digits */
#define EXT_SNI 0
#define EXT_ALPN 16

struct list {
	uint16_t v[MAX_SORTED];
	size_t n;
};

static void
add(struct list *l, uint16_t v)
{
	if (!tls_is_grease(v) && l->n < MAX_SORTED) {
		l->v[l->n++] = v;
	}
}

/* Shell's sort with Ciura's gaps; the C library's may allocate. */
static void
sort(struct list *l)
{
	static const size_t gaps[] = { 701, 301, 132, 57, 23, 10, 4, 1 };

	for (size_t g = 0; g < ARRAY_LEN(gaps); g++) {
		for (size_t i = gaps[g]; i < l->n; i++) {
			uint16_t v = l->v[i];
			size_t k = i;

			for (; k >= gaps[g] && l->v[k - gaps[g]] > v;
			     k -= gaps[g]) {
				l->v[k] = l->v[k - gaps[g]];
			}
			l->v[k] = v;
		}
	}
}

struct text {
	char b[2 * MAX_SORTED * 5 + 8]; /* "c02b," each, both lists */
	size_t len;
};

static void
put_hex(struct text *t, uint16_t v)
{
	static const char hex[] = "0123456789abcdef";
	char e[4] = { hex[v >> 12], hex[v >> 8 & 15], hex[v >> 4 & 15],
		      hex[v & 15] };

	memcpy(t->b + t->len, e, 4);
	t->len += 4;
}

static void
put_list(struct text *t, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0) {
			t->b[t->len++] = ',';
		}
		put_hex(t, l->v[i]);
	}
}

static void
hash(const struct text *t, char out[HASH_LEN])
{
	char hex[HEX_DIGEST_CAP];

	memset(out, '0', HASH_LEN);
	if (t->len > 0 &&
	    hex_digest(HEX_SHA256, view_of(t->b, t->len), 0, hex) > 0) {
		memcpy(out, hex, HASH_LEN);
	}
}

static const char *
version_code(uint16_t v)
{
	switch (v) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0x0002:
		return "s2";
	default:
		return "00";
	}
}

static bool
is_alnum(uint8_t c)
{
	uint8_t l = ascii_lower(c);

	return (c >= '0' && c <= '9') || (l >= 'a' && l <= 'z');
}

/* First and last character of the first protocol; hexadecimal if not text. */
static void
alpn_code(const struct tls_hello *h, char out[2])
{
	static const char hex[] = "0123456789abcdef";
	struct view a = h->n_alpn > 0 ? h->alpn[0] : VIEW_NONE;

	out[0] = out[1] = '0';
	if (a.len == 0) {
		return;
	}
	if (is_alnum(a.p[0]) && is_alnum(a.p[a.len - 1])) {
		out[0] = (char)a.p[0];
		out[1] = (char)a.p[a.len - 1];
	} else {
		out[0] = hex[a.p[0] >> 4];
		out[1] = hex[a.p[a.len - 1] & 15];
	}
}

void
ja4_client(struct tls_tx *tx)
{
	const struct tls_hello *h = &tx->hello[FLOW_TOSERVER];
	struct list l = { .n = 0 };
	char cipher_hash[HASH_LEN], ext_hash[HASH_LEN], alpn[2], out[64];
	size_t n_ciphers, n_exts = 0;
	struct text t = { .len = 0 };
	int n;

	for (size_t i = 0; i + 2 <= h->ciphers.len; i += 2) {
		add(&l, load_be16(h->ciphers.p + i));
	}
	n_ciphers = l.n;
	sort(&l);
	put_list(&t, &l);
	hash(&t, cipher_hash);

	l.n = t.len = 0;
	for (uint32_t i = 0; i < h->n_exts; i++) {
		n_exts += !tls_is_grease(h->exts[i]);
		if (h->exts[i] != EXT_SNI && h->exts[i] != EXT_ALPN) {
			add(&l, h->exts[i]);
		}
	}
	sort(&l);
	put_list(&t, &l);
	l.n = 0;
	for (size_t i = 0; i + 2 <= h->sigalgs.len; i += 2) {
		add(&l, load_be16(h->sigalgs.p + i));
	}
	/* Suricata's rules expect the separator even before an empty list. */
	if (t.len > 0 || l.n > 0) {
		t.b[t.len++] = '_';
	}
	put_list(&t, &l);
	hash(&t, ext_hash);

	alpn_code(h, alpn);
	n = snprintf(out, sizeof(out), "t%s%c%02zu%02zu%.2s_%.12s_%.12s",
		     version_code(h->best_version), h->has_sni ? 'd' : 'i',
		     MIN(n_ciphers, (size_t)99), MIN(n_exts, (size_t)99), alpn,
		     cipher_hash, ext_hash);
	tx->ja4 = arena_copy(&tx->tx.arena, view_of(out, (size_t)n));
}
