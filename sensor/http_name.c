/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_name.h"

#define FOLD UINT64_C(0x2020202020202020) /* letters to one case */

static const struct view names[HTTP_NAME_COUNT] = {
#define NAME(sym, text) \
	[HTTP_NAME_##sym] = { (const uint8_t *)text, sizeof(text) - 1 },
	HTTP_NAME_LIST(NAME)
#undef NAME
};

/* By slot_of(), which puts no two of them into one slot. */
static const uint8_t slots[32] = {
	[1] = HTTP_NAME_USER_AGENT + 1,
	[2] = HTTP_NAME_AUTHORIZATION + 1,
	[5] = HTTP_NAME_ACCEPT_ENCODING + 1,
	[7] = HTTP_NAME_REFERER + 1,
	[12] = HTTP_NAME_SET_COOKIE + 1,
	[13] = HTTP_NAME_CONNECTION + 1,
	[16] = HTTP_NAME_HOST + 1,
	[17] = HTTP_NAME_ACCEPT + 1,
	[19] = HTTP_NAME_ACCEPT_LANGUAGE + 1,
	[20] = HTTP_NAME_CONTENT_ENCODING + 1,
	[22] = HTTP_NAME_CONTENT_DISPOSITION + 1,
	[23] = HTTP_NAME_UPGRADE + 1,
	[24] = HTTP_NAME_COOKIE + 1,
	[26] = HTTP_NAME_LOCATION + 1,
	[27] = HTTP_NAME_CONTENT_LENGTH + 1,
	[28] = HTTP_NAME_TRANSFER_ENCODING + 1,
	[29] = HTTP_NAME_SERVER + 1,
	[30] = HTTP_NAME_CONTENT_TYPE + 1,
	[31] = HTTP_NAME_CONTENT_RANGE + 1,
};

static inline unsigned
slot_of(struct view v)
{
	return ((unsigned)v.len + ascii_lower(v.p[0]) * 23u +
		ascii_lower(v.p[v.len - 1]) * 9u) %
	       32;
}

static bool
has_nul(struct view v)
{
	return v.len > 0 && memchr(v.p, 0, v.len) != NULL;
}

enum http_name
http_name_known(struct view v)
{
	unsigned i;

	if (has_nul(v)) {
		for (i = 0; i < HTTP_NAME_COUNT; i++) {
			if (http_name_eq(v, names[i])) {
				break;
			}
		}
		return (enum http_name)i;
	}
	i = v.len > 0 ? slots[slot_of(v)] : 0;
	return i > 0 && view_caseeq(v, names[i - 1]) ? (enum http_name)(i - 1)
						     : HTTP_NAME_COUNT;
}

static inline uint64_t
mix(uint64_t h, uint64_t word)
{
	h = (h ^ (word | FOLD)) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}

/* Byte for byte, over the NULs. */
static uint32_t
hash_slowly(struct view v)
{
	uint64_t h = 0, word = 0;
	unsigned n = 0;

	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] == 0) {
			continue;
		}
		word |= (uint64_t)v.p[i] << (8 * n);
		if (++n == 8) {
			h = mix(h, word);
			word = 0;
			n = 0;
		}
	}
	return (uint32_t)(n > 0 ? mix(h, word) : h);
}

/* The last v.len % 8 bytes; there are some. */
static inline uint64_t
last_word(struct view v)
{
	size_t rest = v.len % 8;
	uint64_t word = 0;

	if (v.len >= 8) {
		return load_le64(v.p + v.len - 8) >> (8 * (8 - rest));
	}
	for (size_t k = rest; k > 0; k--) {
		word = word << 8 | v.p[k - 1];
	}
	return word;
}

/* 'v' has no NUL. */
static inline uint32_t
hash_by_words(struct view v)
{
	uint64_t h = 0;

	for (size_t i = 0; i + 8 <= v.len; i += 8) {
		h = mix(h, load_le64(v.p + i));
	}
	return (uint32_t)(v.len % 8 != 0 ? mix(h, last_word(v)) : h);
}

uint32_t
http_name_hash(struct view v)
{
	return has_nul(v) ? hash_slowly(v) : hash_by_words(v);
}

/* 'v' is a token and as long as 'name': no other character of tokens than a
 * name's own has FOLD make it one of a name. */
static inline bool
is_token_of(struct view v, struct view name)
{
	for (size_t i = 0; i + 8 <= v.len; i += 8) {
		if ((load_le64(v.p + i) | FOLD) != load_le64(name.p + i)) {
			return false;
		}
	}
	return v.len % 8 == 0 ||
	       (last_word(v) | FOLD) == (last_word(name) | FOLD);
}

enum http_name
http_name_of_token(struct view v, uint32_t *hash)
{
	unsigned i = v.len > 0 ? slots[slot_of(v)] : 0;

	*hash = hash_by_words(v);
	return i > 0 && v.len == names[i - 1].len &&
			       is_token_of(v, names[i - 1])
		       ? (enum http_name)(i - 1)
		       : HTTP_NAME_COUNT;
}

bool
http_name_eq(struct view a, struct view b)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < a.len && a.p[i] == 0) {
			i++;
		}
		while (j < b.len && b.p[j] == 0) {
			j++;
		}
		if (i == a.len || j == b.len) {
			return i == a.len && j == b.len;
		}
		if (ascii_lower(a.p[i++]) != ascii_lower(b.p[j++])) {
			return false;
		}
	}
}
