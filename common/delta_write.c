/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <libdeflate.h>

#include "common/delta_bytes.h"

#define LEVEL 1 /* texts repeat: more gains little */

struct delta_writer {
	uint8_t *raw, *doc;
	size_t len;
	uint32_t n;
	struct libdeflate_compressor *def;
};

struct delta_writer *
delta_writer_new(void)
{
	struct delta_writer *w = calloc(1, sizeof(*w));

	if (w != NULL) {
		w->raw = malloc(DELTA_MAX_RAW);
		w->doc = malloc(DELTA_MAX_DOC);
		w->def = libdeflate_alloc_compressor(LEVEL);
		if (w->raw == NULL || w->doc == NULL || w->def == NULL) {
			delta_writer_free(w);
			return NULL;
		}
	}
	return w;
}

void
delta_writer_free(struct delta_writer *w)
{
	if (w != NULL) {
		if (w->def != NULL) {
			libdeflate_free_compressor(w->def);
		}
		free(w->raw);
		free(w->doc);
		free(w);
	}
}

void
delta_begin(struct delta_writer *w)
{
	w->len = 0;
	w->n = 0;
}

uint32_t
delta_count(const struct delta_writer *w)
{
	return w->n;
}

static void
store_be64(uint8_t *p, uint64_t v)
{
	store_be32(p, (uint32_t)(v >> 32));
	store_be32(p + 4, (uint32_t)v);
}

/* A letter of more than one byte is not cut in two. */
static size_t
cut(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len > max) {
		len = max;
		while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80) {
			len--;
		}
	}
	return len;
}

static enum err
put_texts(struct delta_writer *w, size_t *at, const struct indicator *i,
	  unsigned n)
{
	char mark[MARKING_TEXT_CAP];
	const char *text[TEXT_COUNT] = {
		i->value,      marking_text(&i->mark, mark),
		i->id,         i->source,
		i->created_by, i->description,
		i->labels,     i->tactic,
		i->kill_chain,
	};

	for (unsigned t = 0; t < n; t++) {
		const char *s = text[t] != NULL ? text[t] : "";
		size_t len = cut(s, delta_text_max(t, i->kind));

		if (DELTA_MAX_RAW - *at < len + 3) {
			return ERR_LIMIT;
		}
		store_be16(w->raw + *at, (uint16_t)len);
		memcpy(w->raw + *at + 2, s, len);
		w->raw[*at + 2 + len] = 0;
		*at += len + 3;
	}
	return ERR_OK;
}

enum err
delta_add(struct delta_writer *w, const struct indicator *i, bool armed,
	  struct diag *d)
{
	size_t need = armed ? RECORD_ARMED : RECORD_OFF, at = w->len;
	uint8_t *p = w->raw + at;
	enum err e;

	if ((unsigned)i->kind >= INDICATOR_KINDS || i->value == NULL ||
	    i->value[0] == '\0' ||
	    strlen(i->value) > delta_text_max(TEXT_VALUE, i->kind)) {
		return diag_set(d, ERR_FORMAT, "no value of its kind: %.80s",
				i->value != NULL ? i->value : "");
	}
	if (w->n == DELTA_MAX_RECORDS || DELTA_MAX_RAW - at < need) {
		return ERR_LIMIT;
	}
	p[0] = (uint8_t)((armed ? FLAG_ARMED : 0) |
			 (i->exact ? FLAG_EXACT : 0));
	p[1] = (uint8_t)i->kind;
	p[2] = armed ? i->severity : 0;
	p[3] = armed ? i->confidence : 0;
	if (armed) {
		store_be64(p + 4, i->valid_from_us);
		store_be64(p + 12, i->valid_until_us);
		store_be64(p + 20, i->modified_us);
	}
	at += need;
	e = put_texts(w, &at, i, armed ? TEXT_COUNT : TEXT_VALUE + 1);
	if (e == ERR_OK) {
		w->len = at;
		w->n++;
	}
	return e;
}

static void
put_head(uint8_t *p, const struct delta_head *h)
{
	memset(p, 0, DELTA_HEAD);
	memcpy(p, DELTA_MAGIC, 4);
	p[AT_FORMAT] = DELTA_FORMAT;
	p[AT_KIND] = (uint8_t)h->kind;
	store_be64(p + AT_EPOCH, h->epoch);
	store_be64(p + AT_BASE, h->base);
	store_be64(p + AT_FROM, h->from);
	store_be64(p + AT_TO, h->to);
	store_be64(p + AT_MADE, h->made_us);
	store_be32(p + AT_PART, h->kind == DELTA_WHOLE ? h->parts : h->part);
	store_be32(p + AT_COUNT, h->n);
	store_be32(p + AT_RAW, h->raw_len);
}

enum err
delta_finish(struct delta_writer *w, struct delta_head *h, struct sign_key *k,
	     struct view *out, struct diag *d)
{
	size_t len = DELTA_HEAD, packed;

	if (sign_key_alg(k) != SIGN_ED25519) {
		return diag_set(d, ERR_USAGE,
				"indicators are signed with an Ed25519 key");
	}
	h->n = w->n;
	h->raw_len = (uint32_t)w->len;
	put_head(w->doc, h);
	if (w->len > 0) {
		packed = libdeflate_zlib_compress(
			w->def, w->raw, w->len, w->doc + len,
			DELTA_MAX_DOC - DELTA_HEAD - SIGN_BYTES);
		if (packed == 0) {
			return diag_set(d, ERR_NOMEM, "cannot compress");
		}
		len += packed;
	}
	if (sign_make(k, DELTA_PURPOSE, view_of(w->doc, len), w->doc + len) !=
	    ERR_OK) {
		return diag_set(d, ERR_NOMEM, "cannot sign");
	}
	*out = view_of(w->doc, len + SIGN_BYTES);
	return ERR_OK;
}
