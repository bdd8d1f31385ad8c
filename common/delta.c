/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libdeflate.h>

#include "common/delta_bytes.h"

struct delta_reader {
	uint8_t *raw;
	size_t len, at;
	uint32_t n, left;
	struct libdeflate_decompressor *inf;
};

struct delta_reader *
delta_reader_new(void)
{
	struct delta_reader *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->raw = malloc(DELTA_MAX_RAW);
		r->inf = libdeflate_alloc_decompressor();
		if (r->raw == NULL || r->inf == NULL) {
			delta_reader_free(r);
			return NULL;
		}
	}
	return r;
}

void
delta_reader_free(struct delta_reader *r)
{
	if (r != NULL) {
		if (r->inf != NULL) {
			libdeflate_free_decompressor(r->inf);
		}
		free(r->raw);
		free(r);
	}
}

static enum err
read_head(const uint8_t *p, struct delta_head *h, struct diag *d)
{
	uint32_t part = load_be32(p + AT_PART);

	if (memcmp(p, DELTA_MAGIC, 4) != 0 || p[AT_FORMAT] != DELTA_FORMAT) {
		return diag_set(d, ERR_FORMAT, "head: no document of format %d",
				DELTA_FORMAT);
	}
	if (p[AT_KIND] < DELTA_CHANGES || p[AT_KIND] > DELTA_WHOLE ||
	    load_be16(p + AT_KIND + 1) != 0 || load_be32(p + AT_RAW + 4) != 0) {
		return diag_set(d, ERR_FORMAT, "head: kind %u is not known",
				p[AT_KIND]);
	}
	*h = (struct delta_head){
		.kind = (enum delta_kind)p[AT_KIND],
		.epoch = load_be64(p + AT_EPOCH),
		.base = load_be64(p + AT_BASE),
		.from = load_be64(p + AT_FROM),
		.to = load_be64(p + AT_TO),
		.made_us = load_be64(p + AT_MADE),
		.n = load_be32(p + AT_COUNT),
		.raw_len = load_be32(p + AT_RAW),
	};
	*(h->kind == DELTA_WHOLE ? &h->parts : &h->part) = part;
	if (h->n > DELTA_MAX_RECORDS || h->raw_len > DELTA_MAX_RAW ||
	    (h->n == 0) != (h->raw_len == 0) ||
	    (h->kind == DELTA_WHOLE && h->n != 0)) {
		return diag_set(d, ERR_LIMIT,
				"head: %" PRIu32 " records of %" PRIu32
				" bytes are out of bounds",
				h->n, h->raw_len);
	}
	if (h->epoch == 0 || (h->kind == DELTA_CHANGES && h->to <= h->from)) {
		return diag_set(d, ERR_FORMAT,
				"head: epoch %" PRIu64 " from %" PRIu64
				" to %" PRIu64,
				h->epoch, h->from, h->to);
	}
	return ERR_OK;
}

enum err
delta_open(struct delta_reader *r, struct view doc, struct sign_key *k,
	   struct delta_head *h, struct diag *d)
{
	struct view text, body;
	size_t got = 0;
	enum err e;

	r->len = r->at = 0;
	r->n = r->left = 0;
	if (doc.len < DELTA_HEAD + SIGN_BYTES || doc.len > DELTA_MAX_DOC) {
		return diag_set(d, ERR_FORMAT, "%zu bytes are no document",
				doc.len);
	}
	text = view_sub(doc, 0, doc.len - SIGN_BYTES);
	if (k != NULL && (sign_key_alg(k) != SIGN_ED25519 ||
			  !sign_check(k, DELTA_PURPOSE, text,
				      view_sub(doc, text.len, SIGN_BYTES)))) {
		return diag_set(d, ERR_AUTH, "not signed with our key");
	}
	e = read_head(doc.p, h, d);
	if (e != ERR_OK) {
		return e;
	}
	body = view_sub(text, DELTA_HEAD, text.len);
	if (h->raw_len > 0 &&
	    (libdeflate_zlib_decompress(r->inf, body.p, body.len, r->raw,
					h->raw_len,
					&got) != LIBDEFLATE_SUCCESS ||
	     got != h->raw_len)) {
		return diag_set(d, ERR_FORMAT,
				"body: does not inflate to %" PRIu32 " bytes",
				h->raw_len);
	}
	r->len = got;
	r->n = r->left = h->n;
	return ERR_OK;
}

static enum err
bad(const struct delta_reader *r, const char *what, struct diag *d)
{
	return diag_set(d, ERR_FORMAT, "record %" PRIu32 ": %s", r->n - r->left,
			what);
}

/* The next text, which its zero ends and no other. */
static const char *
get_text(struct delta_reader *r, size_t max)
{
	const char *s;
	size_t len;

	if (r->len - r->at < 3) {
		return NULL;
	}
	len = load_be16(r->raw + r->at);
	s = (const char *)r->raw + r->at + 2;
	if (len > max || r->len - r->at - 3 < len || strnlen(s, len) != len ||
	    s[len] != '\0') {
		return NULL;
	}
	r->at += len + 3;
	return s;
}

static enum err
get_texts(struct delta_reader *r, struct delta_change *c, struct diag *d)
{
	struct indicator *i = &c->i;
	const char *text[TEXT_COUNT];
	unsigned n = c->armed ? TEXT_COUNT : TEXT_VALUE + 1;

	for (unsigned t = 0; t < TEXT_COUNT; t++) {
		text[t] = t < n ? get_text(r, delta_text_max(t, i->kind)) : "";
		if (text[t] == NULL) {
			return bad(r, "a text ends outside or is too long", d);
		}
	}
	i->value = text[TEXT_VALUE];
	i->id = text[TEXT_ID];
	i->source = text[TEXT_SOURCE];
	i->created_by = text[TEXT_CREATED_BY];
	i->description = text[TEXT_DESCRIPTION];
	i->labels = text[TEXT_LABELS];
	i->tactic = text[TEXT_TACTIC];
	i->kill_chain = text[TEXT_KILL_CHAIN];
	if (i->value[0] == '\0') {
		return bad(r, "no value", d);
	}
	if (c->armed && marking_read(&i->mark, view_cstr(text[TEXT_MARK]),
				     NULL) != ERR_OK) {
		c->known = false;
	}
	return ERR_OK;
}

enum err
delta_next(struct delta_reader *r, struct delta_change *out, struct diag *d)
{
	const uint8_t *p = r->raw + r->at;
	size_t left = r->len - r->at;

	if (r->left == 0) {
		return left == 0 ? ERR_EOF : bad(r, "bytes are left", d);
	}
	r->left--;
	if (left < RECORD_OFF || (p[0] & ~FLAG_ALL) != 0) {
		return bad(r, "its flags are not known", d);
	}
	*out = (struct delta_change){ .armed = (p[0] & FLAG_ARMED) != 0,
				      .known = p[1] < INDICATOR_KINDS };
	out->i.exact = (p[0] & FLAG_EXACT) != 0;
	out->i.kind =
		out->known ? (enum indicator_kind)p[1] : INDICATOR_PATTERN;
	r->at += RECORD_OFF;
	if (out->armed) {
		if (left < RECORD_ARMED) {
			return bad(r, "it ends too early", d);
		}
		out->i.severity = p[2];
		out->i.confidence = p[3];
		out->i.valid_from_us = load_be64(p + 4);
		out->i.valid_until_us = load_be64(p + 12);
		out->i.modified_us = load_be64(p + 20);
		r->at += RECORD_ARMED - RECORD_OFF;
	}
	return get_texts(r, out, d);
}

const char *
delta_part_key(uint64_t epoch, uint64_t base, uint32_t part,
	       char out[DELTA_KEY_CAP])
{
	snprintf(out, DELTA_KEY_CAP, "%s:%" PRIu64 "-%" PRIu64 ":%" PRIu32,
		 DELTA_BASE, epoch, base, part);
	return out;
}

const char *
delta_version_text(uint64_t epoch, uint64_t version,
		   char out[DELTA_VERSION_CAP])
{
	snprintf(out, DELTA_VERSION_CAP, "%" PRIu64 "-%" PRIu64, epoch,
		 version);
	return out;
}

bool
delta_version_read(const char *text, uint64_t *epoch, uint64_t *version)
{
	int end = 0;

	return text[0] >= '0' && text[0] <= '9' &&
	       sscanf(text, "%20" SCNu64 "-%20" SCNu64 "%n", epoch, version,
		      &end) == 2 &&
	       text[end] == '\0';
}
