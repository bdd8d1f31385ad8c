/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/ja3.h"

#include "sensor/hex_digest.h"

/* "65535-" for each value of lists that other limits bound. */
#define VALUE_CAP 6

struct text {
	char *p;
	size_t len, cap;
	bool item; /* an item of the current list is there */
};

static void
put_char(struct text *t, char c)
{
	if (t->len < t->cap) {
		t->p[t->len++] = c;
	}
}

static void
put_value(struct text *t, unsigned v)
{
	char tmp[5];
	size_t n = 0;

	if (t->item) {
		put_char(t, '-');
	}
	t->item = true;
	do {
		tmp[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	while (n > 0) {
		put_char(t, tmp[--n]);
	}
}

static void
next_list(struct text *t)
{
	put_char(t, ',');
	t->item = false;
}

static void
put_pairs(struct text *t, struct view list)
{
	for (size_t i = 0; i + 2 <= list.len; i += 2) {
		uint16_t v = load_be16(list.p + i);

		if (!tls_is_grease(v)) {
			put_value(t, v);
		}
	}
}

static void
put_exts(struct text *t, const struct tls_hello *h)
{
	for (uint32_t i = 0; i < h->n_exts; i++) {
		if (!tls_is_grease(h->exts[i])) {
			put_value(t, h->exts[i]);
		}
	}
}

static bool
open_text(struct text *t, struct tls_tx *tx, const struct tls_hello *h)
{
	size_t values = 2 + h->ciphers.len / 2 + h->n_exts + h->curves.len / 2 +
			h->point_formats.len;

	t->cap = values * VALUE_CAP + 8;
	t->len = 0;
	t->item = false;
	t->p = arena_alloc(&tx->tx.arena, t->cap);
	return t->p != NULL;
}

static struct view
md5(struct tls_tx *tx, struct view v)
{
	char hex[HEX_DIGEST_CAP];
	size_t n = hex_digest(HEX_MD5, v, 0, hex);

	return arena_copy(&tx->tx.arena, view_of(hex, n));
}

void
ja3_client(struct tls_tx *tx)
{
	const struct tls_hello *h = &tx->hello[FLOW_TOSERVER];
	struct text t;

	if (!open_text(&t, tx, h)) {
		return;
	}
	put_value(&t, h->version);
	next_list(&t);
	put_pairs(&t, h->ciphers);
	next_list(&t);
	put_exts(&t, h);
	next_list(&t);
	put_pairs(&t, h->curves);
	next_list(&t);
	for (size_t i = 0; i < h->point_formats.len; i++) {
		put_value(&t, h->point_formats.p[i]);
	}
	tx->ja3 = view_of(t.p, t.len);
	tx->ja3_hash = md5(tx, tx->ja3);
}

void
ja3_server(struct tls_tx *tx)
{
	const struct tls_hello *h = &tx->hello[FLOW_TOCLIENT];
	struct text t;

	if (!open_text(&t, tx, h)) {
		return;
	}
	put_value(&t, h->version);
	next_list(&t);
	put_pairs(&t, h->ciphers);
	next_list(&t);
	put_exts(&t, h);
	tx->ja3s = view_of(t.p, t.len);
	tx->ja3s_hash = md5(tx, tx->ja3s);
}
