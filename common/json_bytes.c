/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as hexadecimal and base64 text. */
#include "common/json.h"

#include "common/cpu.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

void
json_hex(struct json *j, const char *key, struct view v)
{
	static const char digits[] = "0123456789abcdef";
	char *p;

	json_str_begin(j, key);
	p = json_room(j, v.len * 2);
	if (p != NULL) {
		for (size_t i = 0; i < v.len; i++) {
			*p++ = digits[v.p[i] >> 4];
			*p++ = digits[v.p[i] & 15];
		}
		j->len += v.len * 2;
	}
	json_str_end(j);
}

#if defined(__x86_64__)
#define WIDE_IN 24
#define WIDE_OUT 32
/* Two halves of 12 bytes are each loaded as 16. */
#define WIDE_READ 28

/*
 * Of each 32-bit lane that holds bytes 1, 0, 2, 1 of a group of three, the
 * group's four values of six bits; multiplying by powers of two shifts the two
 * 16-bit halves of a lane by different amounts.
 */
__attribute__((target("avx2"))) static inline __m256i
six_bits(__m256i v)
{
	__m256i even = _mm256_mulhi_epu16(
		_mm256_and_si256(v, _mm256_set1_epi32(0x0fc0fc00)),
		_mm256_set1_epi32(0x04000040));
	__m256i odd = _mm256_mullo_epi16(
		_mm256_and_si256(v, _mm256_set1_epi32(0x003f03f0)),
		_mm256_set1_epi32(0x01000010));

	return _mm256_or_si256(even, odd);
}

/* The letter of each value: a distance picked by its range is added. */
__attribute__((target("avx2"))) static inline __m256i
letters(__m256i v)
{
	const __m256i distance = _mm256_broadcastsi128_si256(
		_mm_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
			      '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
			      '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0));
	/* 0: up to 51; 1 to 10: a digit; 11, 12: the signs */
	__m256i range = _mm256_subs_epu8(v, _mm256_set1_epi8(51));
	__m256i capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), v);

	range = _mm256_or_si256(
		range, _mm256_and_si256(capital, _mm256_set1_epi8(13)));
	return _mm256_add_epi8(v, _mm256_shuffle_epi8(distance, range));
}

/* Returns how many bytes were taken, a multiple of three. */
__attribute__((target("avx2"))) static size_t
base64_wide(char *out, struct view v)
{
	const __m256i spread = _mm256_broadcastsi128_si256(_mm_setr_epi8(
		1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
	size_t i = 0;

	for (; v.len - i >= WIDE_READ; i += WIDE_IN, out += WIDE_OUT) {
		const uint8_t *p = v.p + i;
		__m256i x = _mm256_inserti128_si256(
			_mm256_castsi128_si256(_mm_loadu_si128(
				(const __m128i *)(const void *)p)),
			_mm_loadu_si128(
				(const __m128i *)(const void *)(p + 12)),
			1);

		x = letters(six_bits(_mm256_shuffle_epi8(x, spread)));
		_mm256_storeu_si256((__m256i *)(void *)out, x);
	}
	return i;
}
#endif

/* Whole groups of three bytes; returns how many bytes are left. */
static size_t
put_base64(struct json *j, struct view v, bool last)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *p = json_room(j, (v.len + 2) / 3 * 4);
	size_t i = 0, left;
	uint32_t w;

	if (p == NULL) {
		return 0;
	}
#if defined(__x86_64__)
	if (v.len >= WIDE_READ && cpu_has_avx2()) {
		i = base64_wide(p, v);
		p += i / 3 * 4;
	}
#endif
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

	json_str_begin(j, key);
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
	json_str_end(j);
}

void
json_base64(struct json *j, const char *key, struct view v)
{
	json_base64_two(j, key, VIEW_NONE, v);
}
