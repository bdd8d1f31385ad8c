/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/app_http_plain.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64

/* A bit for each CR and each LF of a block. */
struct ends {
	uint64_t cr, lf;
};

#ifdef __SSE2__
static inline struct ends
ends_of(const uint8_t *p)
{
	struct ends e = { 0, 0 };

	for (unsigned i = 0; i < BLOCK; i += 16) {
		__m128i x = _mm_loadu_si128((const __m128i *)(p + i));
		__m128i cr = _mm_cmpeq_epi8(x, _mm_set1_epi8('\r'));
		__m128i lf = _mm_cmpeq_epi8(x, _mm_set1_epi8('\n'));

		e.cr |= (uint64_t)(unsigned)_mm_movemask_epi8(cr) << i;
		e.lf |= (uint64_t)(unsigned)_mm_movemask_epi8(lf) << i;
	}
	return e;
}
#else
static inline struct ends
ends_of(const uint8_t *p)
{
	struct ends e = { 0, 0 };

	for (unsigned i = 0; i < BLOCK; i++) {
		e.cr |= (uint64_t)(p[i] == '\r') << i;
		e.lf |= (uint64_t)(p[i] == '\n') << i;
	}
	return e;
}
#endif

/* The same of the last bytes, fewer than a block. */
static struct ends
ends_of_rest(const uint8_t *p, size_t n)
{
	uint8_t room[BLOCK] = { 0 };

	memcpy(room, p, n);
	return ends_of(room);
}

/* Whether a line that begins with 'c' goes on with the one before it. */
static inline bool
folds(uint8_t c)
{
	return c == ' ' || c == '\t' || c == 0;
}

bool
http_plain_lines(struct view v, struct http_plain *out)
{
	uint64_t carry = 0; /* the block before ended in CR */
	size_t begin = 0;

	out->n = 0;
	for (size_t i = 0; i < v.len; i += BLOCK) {
		struct ends e = v.len - i >= BLOCK
					? ends_of(v.p + i)
					: ends_of_rest(v.p + i, v.len - i);
		/* an LF, or a place behind a CR, that lacks the other */
		uint64_t lone = e.lf ^ (e.cr << 1 | carry);

		carry = e.cr >> (BLOCK - 1);
		for (uint64_t m = e.lf; m != 0; m &= m - 1) {
			unsigned k = (unsigned)__builtin_ctzll(m);
			size_t lf = i + k;

			if ((lone & ((UINT64_C(2) << k) - 1)) != 0) {
				return false;
			}
			if (lf == begin + 1) {
				out->len = lf + 1;
				return true;
			}
			if (out->n == HTTP_PLAIN_LINES || folds(v.p[begin])) {
				return false;
			}
			out->end[out->n++] = lf - 1;
			begin = lf + 1;
		}
		if (lone != 0) {
			return false;
		}
	}
	return false;
}
