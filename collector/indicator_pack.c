/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_pack.h"

/* The length of the whole record, five bytes of small numbers, three times. */
#define HEAD (4 + 5 + 3 * 8)
#define N_TEXTS 8

enum { FLAG_EXACT = 1, FLAG_REVOKED = 2 };

/* As they follow each other: length, bytes, NUL. */
static const size_t caps[N_TEXTS] = {
	INDICATOR_PATTERN_CAP, INDICATOR_ID_CAP,   INDICATOR_TEXT_CAP,
	INDICATOR_TEXT_CAP,    INDICATOR_TEXT_CAP, INDICATOR_TEXT_CAP,
	INDICATOR_TEXT_CAP,    MARKING_TEXT_CAP,
};

/* At most 'max' bytes, not ending inside of a UTF-8 sequence. */
static size_t
cut(const char *s, size_t max)
{
	size_t n = strnlen(s, max + 1);

	if (n <= max) {
		return n;
	}
	for (n = max; n > 0 && ((uint8_t)s[n] & 0xc0) == 0x80; n--) {
	}
	return n;
}

size_t
indicator_pack(const struct indicator *i, uint8_t *out, size_t cap)
{
	char mark[MARKING_TEXT_CAP];
	const char *const texts[N_TEXTS] = {
		i->value,      i->id,
		i->created_by, i->description,
		i->labels,     i->tactic,
		i->kill_chain, marking_text(&i->mark, mark),
	};
	size_t at = HEAD;

	if (cap < HEAD ||
	    strnlen(i->value, INDICATOR_PATTERN_CAP) >= INDICATOR_PATTERN_CAP) {
		return 0;
	}
	for (size_t k = 0; k < N_TEXTS; k++) {
		size_t n = cut(texts[k], caps[k] - 1);

		if (cap - at < n + 3) {
			return 0;
		}
		store_be16(out + at, (uint16_t)n);
		memcpy(out + at + 2, texts[k], n);
		out[at + 2 + n] = '\0';
		at += n + 3;
	}
	store_le32(out, (uint32_t)at);
	out[4] = (uint8_t)i->kind;
	out[5] = (uint8_t)((i->exact ? FLAG_EXACT : 0) |
			   (i->revoked ? FLAG_REVOKED : 0));
	out[6] = i->severity;
	out[7] = i->confidence;
	out[8] = 0;
	store_le64(out + 9, i->valid_from_us);
	store_le64(out + 17, i->valid_until_us);
	store_le64(out + 25, i->modified_us);
	return at;
}

enum err
indicator_unpack(struct view *bytes, struct indicator *out)
{
	const char *texts[N_TEXTS];
	const uint8_t *p = bytes->p;
	size_t len, at = HEAD;

	if (bytes->len == 0) {
		return ERR_EOF;
	}
	len = bytes->len >= HEAD ? load_le32(p) : 0;
	if (len < HEAD || len > bytes->len || p[4] >= INDICATOR_KINDS) {
		return ERR_FORMAT;
	}
	for (size_t k = 0; k < N_TEXTS; k++) {
		size_t n = len - at >= 3 ? load_be16(p + at) : SIZE_MAX;

		if (n >= caps[k] || len - at < n + 3 || p[at + 2 + n] != '\0' ||
		    memchr(p + at + 2, '\0', n + 1) != p + at + 2 + n) {
			return ERR_FORMAT;
		}
		texts[k] = (const char *)p + at + 2;
		at += n + 3;
	}
	*out = (struct indicator){
		.kind = (enum indicator_kind)p[4],
		.exact = (p[5] & FLAG_EXACT) != 0,
		.revoked = (p[5] & FLAG_REVOKED) != 0,
		.severity = p[6],
		.confidence = p[7],
		.valid_from_us = load_le64(p + 9),
		.valid_until_us = load_le64(p + 17),
		.modified_us = load_le64(p + 25),
		.value = texts[0],
		.id = texts[1],
		.source = "",
		.created_by = texts[2],
		.description = texts[3],
		.labels = texts[4],
		.tactic = texts[5],
		.kill_chain = texts[6],
	};
	if (at != len ||
	    marking_read(&out->mark, view_cstr(texts[7]), NULL) != ERR_OK) {
		return ERR_FORMAT;
	}
	*bytes = view_of(p + len, bytes->len - len);
	return ERR_OK;
}
