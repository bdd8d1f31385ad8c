/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"

static const char hex_digits[] = "0123456789abcdef";

void
json_init(struct json *j)
{
	*j = (struct json){ 0 };
}

void
json_fini(struct json *j)
{
	free(j->p);
	*j = (struct json){ 0 };
}

void
json_reset(struct json *j)
{
	j->len = 0;
	j->need_comma = false;
	j->failed = false;
}

static bool
grow(struct json *j, size_t n)
{
	size_t cap;
	char *p;

	if (j->failed) {
		return false;
	}
	cap = MAX(j->cap * 2, MAX(j->len + n, (size_t)1024));
	p = realloc(j->p, cap);
	if (p == NULL) {
		j->failed = true;
		j->len = 0;
		return false;
	}
	j->p = p;
	j->cap = cap;
	return true;
}

/* Makes room for 'n' more bytes; false once memory ran out. */
static inline bool
room(struct json *j, size_t n)
{
	return LIKELY(!j->failed && j->cap - j->len >= n) || grow(j, n);
}

static inline void
put(struct json *j, const char *s, size_t n)
{
	if (room(j, n)) {
		memcpy(j->p + j->len, s, n);
		j->len += n;
	}
}

/* A comma if one is due, the key, and 'open' when it is not 0. */
static inline void
put_key_open(struct json *j, const char *key, char open)
{
	size_t n = key != NULL ? strlen(key) : 0;
	char *p;

	if (!room(j, n + 5)) {
		return;
	}
	p = j->p + j->len;
	if (j->need_comma) {
		*p++ = ',';
	}
	if (key != NULL) {
		*p++ = '"';
		memcpy(p, key, n);
		p += n;
		*p++ = '"';
		*p++ = ':';
	}
	if (open != 0) {
		*p++ = open;
	}
	j->len = (size_t)(p - j->p);
	j->need_comma = true;
}

static void
put_key(struct json *j, const char *key)
{
	put_key_open(j, key, 0);
}

void
json_obj(struct json *j, const char *key)
{
	put_key_open(j, key, '{');
	j->need_comma = false;
}

void
json_obj_end(struct json *j)
{
	put(j, "}", 1);
	j->need_comma = true;
}

void
json_open(struct json *j, struct view v)
{
	put_key(j, NULL);
	put(j, (const char *)v.p, v.len);
	j->need_comma = v.len > 0 && v.p[v.len - 1] != '{';
}

void
json_arr(struct json *j, const char *key)
{
	put_key_open(j, key, '[');
	j->need_comma = false;
}

void
json_arr_end(struct json *j)
{
	put(j, "]", 1);
	j->need_comma = true;
}

/*
 * Length of the well-formed UTF-8 sequence at 'p' (RFC 3629 section 4, which
 * excludes overlong forms and surrogates), 0 when there is none.
 */
static size_t
utf8_len(const uint8_t *p, size_t n)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t need;

	if (p[0] < 0x80) {
		return 1;
	}
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		need = 2;
	} else if ((p[0] & 0xf0) == 0xe0) {
		need = 3;
		lo = p[0] == 0xe0 ? 0xa0 : 0x80;
		hi = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		need = 4;
		lo = p[0] == 0xf0 ? 0x90 : 0x80;
		hi = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (n < need || p[1] < lo || p[1] > hi) {
		return 0;
	}
	for (size_t i = 2; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	return need;
}

/* C1 controls, line separators and bidirectional overrides spoof a display. */
static bool
deceptive(const uint8_t *p, size_t n)
{
	uint32_t cp;

	if (n == 2) {
		cp = (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
		return cp < 0xa0 || cp == 0x61c;
	}
	if (n == 3) {
		cp = (uint32_t)(p[0] & 0xf) << 12 |
		     (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
		return (cp >= 0x200b && cp <= 0x200f) ||
		       (cp >= 0x2028 && cp <= 0x202e) ||
		       (cp >= 0x2060 && cp <= 0x2069) || cp == 0xfeff;
	}
	return false;
}

static void
put_u16_escape(struct json *j, unsigned cp)
{
	char e[6] = { '\\',
		      'u',
		      hex_digits[cp >> 12 & 15],
		      hex_digits[cp >> 8 & 15],
		      hex_digits[cp >> 4 & 15],
		      hex_digits[cp & 15] };

	put(j, e, 6);
}

/* Writes the one character at 'p' escaped; returns the bytes it took. */
static size_t
put_special(struct json *j, const uint8_t *p, size_t n)
{
	size_t len = utf8_len(p, n);
	char e[5];

	if (len == 0) { /* not text: the visible form \xNN */
		memcpy(e, "\\\\x", 3);
		e[3] = hex_digits[p[0] >> 4];
		e[4] = hex_digits[p[0] & 15];
		put(j, e, 5);
		return 1;
	}
	if (len > 1) {
		if (!deceptive(p, len)) {
			put(j, (const char *)p, len);
		} else if (len == 2) {
			put_u16_escape(j, (unsigned)(p[0] & 0x1f) << 6 |
						  (p[1] & 0x3f));
		} else {
			put_u16_escape(j, (unsigned)(p[0] & 0xf) << 12 |
						  (unsigned)(p[1] & 0x3f) << 6 |
						  (p[2] & 0x3f));
		}
		return len;
	}
	switch (p[0]) {
	case '"':
		put(j, "\\\"", 2);
		break;
	case '\\':
		put(j, "\\\\", 2);
		break;
	case '\n':
		put(j, "\\n", 2);
		break;
	case '\r':
		put(j, "\\r", 2);
		break;
	case '\t':
		put(j, "\\t", 2);
		break;
	default:
		put_u16_escape(j, p[0]);
	}
	return 1;
}

void
json_str_begin(struct json *j, const char *key)
{
	put_key_open(j, key, '"');
}

#define EACH(b) (UINT64_C(0x0101010101010101) * (b))

/* Whether any byte of 'x' is 0. */
static inline bool
any_zero(uint64_t x)
{
	return ((x - EACH(1)) & ~x & EACH(0x80)) != 0;
}

/* Whether all eight bytes at 'p' stand for themselves in a string. */
static inline bool
eight_plain(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return (x & EACH(0x80)) == 0 &&
	       ((x - EACH(0x20)) & ~x & EACH(0x80)) == 0 &&
	       !any_zero(x ^ EACH(0x7f)) && !any_zero(x ^ EACH('"')) &&
	       !any_zero(x ^ EACH('\\'));
}

void
json_str_part(struct json *j, struct view v)
{
	size_t i = 0, from;

	while (i < v.len) {
		from = i;
		while (v.len - i >= 8 && eight_plain(v.p + i)) {
			i += 8;
		}
		for (; i < v.len && v.p[i] >= 0x20 && v.p[i] < 0x7f &&
		       v.p[i] != '"' && v.p[i] != '\\';
		     i++) {
		}
		put(j, (const char *)v.p + from, i - from);
		if (i < v.len) {
			i += put_special(j, v.p + i, v.len - i);
		}
	}
}

void
json_str_end(struct json *j)
{
	put(j, "\"", 1);
}

void
json_str(struct json *j, const char *key, struct view v)
{
	json_str_begin(j, key);
	json_str_part(j, v);
	json_str_end(j);
}

void
json_cstr(struct json *j, const char *key, const char *s)
{
	json_str(j, key, view_cstr(s));
}

void
json_u64(struct json *j, const char *key, uint64_t v)
{
	char tmp[20];
	size_t n = sizeof(tmp);

	do {
		tmp[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	put_key(j, key);
	put(j, tmp + n, sizeof(tmp) - n);
}

void
json_i64(struct json *j, const char *key, int64_t v)
{
	char tmp[24];
	int n = snprintf(tmp, sizeof(tmp), "%lld", (long long)v);

	put_key(j, key);
	put(j, tmp, (size_t)n);
}

void
json_f64(struct json *j, const char *key, double v)
{
	char tmp[64];
	int n;

	if (!(v > -1e15 && v < 1e15)) { /* also NaN: JSON has no such number */
		json_nil(j, key);
		return;
	}
	n = snprintf(tmp, sizeof(tmp), "%.3f", v);
	put_key(j, key);
	put(j, tmp, (size_t)n);
}

void
json_f64_full(struct json *j, const char *key, double v)
{
	char tmp[64];
	int n = 0;

	if (!(v > -1e15 && v < 1e15)) {
		json_nil(j, key);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		n = snprintf(tmp, sizeof(tmp), "%.*g", digits, v);
		if (!(strtod(tmp, NULL) < v) && !(strtod(tmp, NULL) > v)) {
			break;
		}
	}
	put_key(j, key);
	put(j, tmp, (size_t)n);
}

void
json_bool(struct json *j, const char *key, bool v)
{
	put_key(j, key);
	put(j, v ? "true" : "false", v ? 4 : 5);
}

void
json_nil(struct json *j, const char *key)
{
	put_key(j, key);
	put(j, "null", 4);
}

void
json_addr(struct json *j, const char *key, const struct addr *a)
{
	char tmp[ADDR_TEXT_CAP];
	size_t n = addr_format(a, tmp);

	json_str(j, key, view_of(tmp, n));
}

void
json_time(struct json *j, const char *key, uint64_t wall_us)
{
	char tmp[CLOCK_ISO_CAP];
	size_t n = clock_iso(wall_us, tmp);

	json_str(j, key, view_of(tmp, n));
}

void
json_hex(struct json *j, const char *key, struct view v)
{
	put_key(j, key);
	put(j, "\"", 1);
	if (room(j, v.len * 2)) {
		for (size_t i = 0; i < v.len; i++) {
			j->p[j->len++] = hex_digits[v.p[i] >> 4];
			j->p[j->len++] = hex_digits[v.p[i] & 15];
		}
	}
	put(j, "\"", 1);
}

/* Whole groups of three bytes; returns how many bytes are left. */
static size_t
put_base64(struct json *j, struct view v, bool last)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i = 0, left;
	uint32_t w;
	char *p;

	if (!room(j, (v.len + 2) / 3 * 4)) {
		return 0;
	}
	p = j->p + j->len;
	for (; v.len - i >= 3; i += 3, p += 4) {
		w = (uint32_t)v.p[i] << 16 | (uint32_t)v.p[i + 1] << 8 |
		    v.p[i + 2];
		p[0] = set[w >> 18];
		p[1] = set[w >> 12 & 63];
		p[2] = set[w >> 6 & 63];
		p[3] = set[w & 63];
	}
	left = v.len - i;
	if (left > 0 && last) {
		w = (uint32_t)v.p[i] << 16 |
		    (left > 1 ? (uint32_t)v.p[i + 1] << 8 : 0);
		p[0] = set[w >> 18];
		p[1] = set[w >> 12 & 63];
		p[2] = left > 1 ? set[w >> 6 & 63] : '=';
		p[3] = '=';
		p += 4;
		left = 0;
	}
	j->len = (size_t)(p - j->p);
	return left;
}

void
json_base64_two(struct json *j, const char *key, struct view a, struct view b)
{
	uint8_t seam[3];
	size_t left, more;

	put_key(j, key);
	put(j, "\"", 1);
	left = put_base64(j, a, false);
	if (left > 0) {
		/* The group that has bytes of both. */
		more = MIN(3 - left, b.len);
		memcpy(seam, a.p + a.len - left, left);
		if (more > 0) {
			memcpy(seam + left, b.p, more);
		}
		put_base64(j, view_of(seam, left + more), true);
		b = view_sub(b, more, b.len);
	}
	put_base64(j, b, true);
	put(j, "\"", 1);
}

void
json_base64(struct json *j, const char *key, struct view v)
{
	json_base64_two(j, key, v, VIEW_NONE);
}

void
json_raw(struct json *j, const char *key, struct view v)
{
	put_key(j, key);
	put(j, (const char *)v.p, v.len);
}
