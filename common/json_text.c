/* SPDX-License-Identifier: Apache-2.0 */
/* Text of any kind as the text of a JSON string. */
#include "common/json_parts.h"

#include "common/utf8.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

static const char hex_digits[] = "0123456789abcdef";

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

/* The letter behind the backslash of the short escapes, or 0. */
static inline char
short_escape(uint8_t b)
{
	switch (b) {
	case '"':
		return '"';
	case '\\':
		return '\\';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

/* Writes the one character at 'p' escaped; returns the bytes it took. */
static size_t
put_special(struct json *j, const uint8_t *p, size_t n)
{
	size_t len;
	char e[5];

	if (p[0] < 0x80) {
		put_u16_escape(j, p[0]);
		return 1;
	}
	len = utf8_len(p, n);
	if (len == 0) { /* not text: the visible form \xNN */
		memcpy(e, "\\\\x", 3);
		e[3] = hex_digits[p[0] >> 4];
		e[4] = hex_digits[p[0] & 15];
		put(j, e, 5);
		return 1;
	}
	if (!deceptive(p, len)) {
		put(j, (const char *)p, len);
	} else if (len == 2) {
		put_u16_escape(j, (unsigned)(p[0] & 0x1f) << 6 | (p[1] & 0x3f));
	} else {
		put_u16_escape(j, (unsigned)(p[0] & 0xf) << 12 |
					  (unsigned)(p[1] & 0x3f) << 6 |
					  (p[2] & 0x3f));
	}
	return len;
}

#ifdef __SSE2__
/* The 'n' bytes at 'p', fewer than 16, with nothing behind. */
static inline __m128i
load_short(const uint8_t *p, size_t n)
{
	uint64_t lo = 0, hi = 0;
	uint32_t a, b;

	if (n >= 8) {
		memcpy(&lo, p, 8);
		if (n > 8) {
			memcpy(&hi, p + n - 8, 8);
			hi >>= 8 * (16 - n);
		}
	} else if (n >= 4) {
		memcpy(&a, p, 4);
		memcpy(&b, p + n - 4, 4);
		lo = a | (uint64_t)b << 8 * (n - 4);
	} else {
		for (size_t i = 0; i < n; i++) {
			lo |= (uint64_t)p[i] << 8 * i;
		}
	}
	return _mm_set_epi64x((long long)hi, (long long)lo);
}

/* Writes 16 bytes as copy_plain() says; returns the bits of those that have
 * to be escaped. */
static inline unsigned
copy_sixteen(char *out, __m128i v, bool dots)
{
	/* signed: 0x80 and above are below 0x20 */
	__m128i shown =
		_mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)),
				 _mm_cmpgt_epi8(v, _mm_set1_epi8(0x1f)));
	__m128i special = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
				       _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')));
	unsigned stop = 0;

	if (dots) {
		special = _mm_or_si128(
			special,
			_mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')),
				     _mm_cmpeq_epi8(v, _mm_set1_epi8('\r'))));
		v = _mm_or_si128(_mm_and_si128(shown, v),
				 _mm_andnot_si128(shown, _mm_set1_epi8('.')));
	} else {
		stop = (unsigned)_mm_movemask_epi8(shown) ^ 0xffff;
	}
	_mm_storeu_si128((__m128i *)(void *)out, v);
	return stop | (unsigned)_mm_movemask_epi8(special);
}
#else
/* Whether 'b' stands for itself in a string. */
static inline bool
is_plain(uint8_t b)
{
	return b >= 0x20 && b < 0x7f && b != '"' && b != '\\';
}

static inline uint8_t
printable(uint8_t b)
{
	return (b >= 0x20 && b < 0x7f) || b == '\n' || b == '\r' ? b : '.';
}
#endif

/*
 * Copies bytes to 'out', made printable when 'dots', up to the first of them
 * that has to be escaped; returns how many.  It goes by sixteen, some of which
 * may be written for nothing: 'out' has room for n + 16.
 */
static inline size_t
copy_plain(char *out, const uint8_t *p, size_t n, bool dots)
{
	size_t i = 0;
#ifdef __SSE2__
	unsigned stop;

	for (; n - i >= 16; i += 16) {
		stop = copy_sixteen(
			out + i,
			_mm_loadu_si128((const __m128i *)(const void *)(p + i)),
			dots);
		if (stop != 0) {
			return i + (unsigned)__builtin_ctz(stop);
		}
	}
	if (i == n) {
		return n;
	}
	stop = copy_sixteen(out + i, load_short(p + i, n - i), dots) |
	       1u << (n - i);
	return i + (unsigned)__builtin_ctz(stop);
#else
	for (; i < n; i++) {
		uint8_t b = dots ? printable(p[i]) : p[i];

		if (!is_plain(b)) {
			break;
		}
		out[i] = (char)b;
	}
	return i;
#endif
}

static inline void
put_text(struct json *j, struct view v, bool dots)
{
	size_t i = 0;

	while (i < v.len && room(j, v.len - i + 16)) {
		size_t n = copy_plain(j->p + j->len, v.p + i, v.len - i, dots);
		char e;

		j->len += n;
		i += n;
		if (i == v.len) {
			return;
		}
		e = short_escape(v.p[i]);
		if (e != 0) {
			/* one byte more than it took: within the 16 */
			j->p[j->len++] = '\\';
			j->p[j->len++] = e;
			i++;
		} else {
			i += put_special(j, v.p + i, v.len - i);
		}
	}
}

void
json_str_part(struct json *j, struct view v)
{
	put_text(j, v, false);
}

void
json_printable_part(struct json *j, struct view v)
{
	put_text(j, v, true);
}

void
json_str_end(struct json *j)
{
	put_char(j, '"');
}

void
json_put_str(struct json *j, const char *key, size_t n, struct view v)
{
	json_put_open(j, key, n, '"');
	put_text(j, v, false);
	put_char(j, '"');
}
