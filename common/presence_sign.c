/* SPDX-License-Identifier: Apache-2.0 */
#include "common/presence_sign.h"

#include <stdlib.h>

#define PURPOSE "picket-presence"
#define NAME_MAX_BYTES 255

struct text {
	uint8_t *p;
	size_t len;
};

/* 'bytes' of length, big-endian, and the text. */
static void
put(struct text *t, struct view v, unsigned bytes)
{
	while (bytes-- > 0) {
		t->p[t->len++] = (uint8_t)(v.len >> (8 * bytes));
	}
	if (v.len > 0) {
		memcpy(t->p + t->len, v.p, v.len);
		t->len += v.len;
	}
}

/* Room for all, or 0: too much. */
static size_t
claim_len(struct view name, const struct presence_field *f, size_t n)
{
	size_t len = FRAME_MAC_HEAD + 1 + name.len;

	if (name.len > NAME_MAX_BYTES || n > PRESENCE_MAX_FIELDS) {
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (f[i].name.len > NAME_MAX_BYTES ||
		    f[i].value.len > PRESENCE_MAX_BYTES) {
			return 0;
		}
		len += 1 + f[i].name.len + 4 + f[i].value.len;
	}
	return len <= PRESENCE_MAX_BYTES ? len : 0;
}

/* What is signed: the mac's head, SITE/SENSOR, then names and values. */
static enum err
write_claim(struct text *t, const uint8_t *head, struct view name,
	    const struct presence_field *f, size_t n)
{
	size_t cap = claim_len(name, f, n);

	*t = (struct text){ .p = cap > 0 ? malloc(cap) : NULL };
	if (t->p == NULL) {
		return cap == 0 ? ERR_LIMIT : ERR_NOMEM;
	}
	memcpy(t->p, head, FRAME_MAC_HEAD);
	t->len = FRAME_MAC_HEAD;
	put(t, name, 1);
	for (size_t i = 0; i < n; i++) {
		put(t, f[i].name, 1);
		put(t, f[i].value, 4);
	}
	return ERR_OK;
}

static bool
write_list(const struct presence_field *f, size_t n,
	   char list[PRESENCE_LIST_CAP])
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (at + f[i].name.len + 2 > PRESENCE_LIST_CAP) {
			return false;
		}
		if (i > 0) {
			list[at++] = ' ';
		}
		memcpy(list + at, f[i].name.p, f[i].name.len);
		at += f[i].name.len;
	}
	list[at] = '\0';
	return true;
}

enum err
presence_sign(struct sign_key *k, const char *name,
	      const struct presence_field *f, size_t n,
	      char list[PRESENCE_LIST_CAP], char mac[PRESENCE_MAC_CAP])
{
	uint8_t raw[FRAME_MAC_MAX];
	size_t len = frame_mac_head(k, raw);
	struct text t;
	enum err e;

	if (!write_list(f, n, list)) {
		return ERR_LIMIT;
	}
	e = write_claim(&t, raw, view_cstr(name), f, n);
	if (e == ERR_OK) {
		e = sign_make(k, PURPOSE, view_of(t.p, t.len),
			      raw + FRAME_MAC_HEAD);
		free(t.p);
	}
	if (e == ERR_OK) {
		frame_mac_hex(view_of(raw, len), mac);
	}
	return e;
}

/* The field of that name among those from 'at' on comes to 'at'. */
static bool
fetch(struct view name, struct presence_field *f, size_t n, size_t at)
{
	for (size_t i = at; i < n; i++) {
		if (view_eq(f[i].name, name)) {
			struct presence_field was = f[at];

			f[at] = f[i];
			f[i] = was;
			return true;
		}
	}
	return false;
}

bool
presence_pick(struct view list, struct presence_field *f, size_t *n)
{
	size_t picked = 0;

	while (list.len > 0) {
		const uint8_t *blank = memchr(list.p, ' ', list.len);
		size_t len =
			blank != NULL ? (size_t)(blank - list.p) : list.len;

		if (!fetch(view_sub(list, 0, len), f, *n, picked)) {
			return false;
		}
		picked++;
		list = view_sub(list, MIN(len + 1, list.len), list.len);
	}
	*n = picked;
	return picked > 0;
}

bool
presence_check(struct sign_key *k, struct view name,
	       const struct presence_field *f, size_t n,
	       const struct frame_mac *m)
{
	uint8_t head[FRAME_MAC_MAX];
	struct text t;
	bool good;

	(void)frame_mac_head(k, head);
	if (!frame_mac_is_of(m, k) ||
	    write_claim(&t, head, name, f, n) != ERR_OK) {
		return false;
	}
	good = sign_check(k, PURPOSE, view_of(t.p, t.len), m->sig);
	free(t.p);
	return good;
}
