/* SPDX-License-Identifier: Apache-2.0 */
/* rule_search on x86: 16, 32 or 64 places at once. */
#include "rules/rule_search_path.h"

#include "common/cpu.h"

#if defined(__x86_64__)

#include <immintrin.h>

/*
 * What one letter of a content may be in the data: with bit 5 set it is the
 * small letter, and nothing else is; 'fold' is 0 for a byte that is itself.
 */

/* Fewer places than the narrowest register has. */
static size_t
find_few(struct find_job *j, size_t at)
{
	const struct content *c = j->c;
	const uint8_t *a = j->p + c->rare_at[0], *b = j->p + c->rare_at[1];

	for (; at < j->n; at++) {
		if ((a[at] | c->rare_fold[0]) == c->rare[0] &&
		    (b[at] | c->rare_fold[1]) == c->rare[1] &&
		    (find_check(j, at) || j->budget < 0)) {
			break;
		}
	}
	return at;
}

/* The first of the places in 'mask', which begins at 'at', that will do. */
static size_t
first_of(struct find_job *j, size_t at, uint64_t mask)
{
	while (mask != 0) {
		size_t k = at + (size_t)__builtin_ctzll(mask);

		mask &= mask - 1;
		if (find_check(j, k) || j->budget < 0) {
			return k;
		}
	}
	return SIZE_MAX;
}

static inline uint64_t
both_sse2(const struct content *c, const uint8_t *p)
{
	__m128i x = _mm_loadu_si128((const __m128i *)(p + c->rare_at[0]));
	__m128i y = _mm_loadu_si128((const __m128i *)(p + c->rare_at[1]));

	x = _mm_or_si128(x, _mm_set1_epi8((char)c->rare_fold[0]));
	y = _mm_or_si128(y, _mm_set1_epi8((char)c->rare_fold[1]));
	x = _mm_cmpeq_epi8(x, _mm_set1_epi8((char)c->rare[0]));
	y = _mm_cmpeq_epi8(y, _mm_set1_epi8((char)c->rare[1]));
	return (uint32_t)_mm_movemask_epi8(_mm_and_si128(x, y));
}

/* From 'at' on; the last round goes back, so that it ends where 'n' does. */
static size_t
find_sse2_from(struct find_job *j, size_t at)
{
	size_t k, skip;

	if (j->n < 16) {
		return find_few(j, at);
	}
	for (; at + 16 <= j->n; at += 16) {
		k = first_of(j, at, both_sse2(j->c, j->p + at));
		if (k != SIZE_MAX) {
			return k;
		}
	}
	if (at == j->n) {
		return at;
	}
	skip = at + 16 - j->n;
	at = j->n - 16;
	k = first_of(j, at, both_sse2(j->c, j->p + at) >> skip << skip);
	return k != SIZE_MAX ? k : j->n;
}

static size_t
find_sse2(struct find_job *j)
{
	return find_sse2_from(j, 0);
}

__attribute__((target("avx2"))) static size_t
find_avx2(struct find_job *j)
{
	const struct content *c = j->c;
	const uint8_t *a = j->p + c->rare_at[0], *b = j->p + c->rare_at[1];
	__m256i ra = _mm256_set1_epi8((char)c->rare[0]);
	__m256i rb = _mm256_set1_epi8((char)c->rare[1]);
	__m256i fa = _mm256_set1_epi8((char)c->rare_fold[0]);
	__m256i fb = _mm256_set1_epi8((char)c->rare_fold[1]);
	size_t at = 0;

	for (; at + 32 <= j->n; at += 32) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(a + at));
		__m256i y = _mm256_loadu_si256((const __m256i *)(b + at));
		uint32_t mask;

		x = _mm256_cmpeq_epi8(_mm256_or_si256(x, fa), ra);
		y = _mm256_cmpeq_epi8(_mm256_or_si256(y, fb), rb);
		mask = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(x, y));
		if (mask != 0) {
			size_t k = first_of(j, at, mask);

			if (k != SIZE_MAX) {
				return k;
			}
		}
	}
	return find_sse2_from(j, at);
}

__attribute__((target("avx512f,avx512bw"))) static size_t
find_avx512(struct find_job *j)
{
	const struct content *c = j->c;
	const uint8_t *a = j->p + c->rare_at[0], *b = j->p + c->rare_at[1];
	__m512i ra = _mm512_set1_epi8((char)c->rare[0]);
	__m512i rb = _mm512_set1_epi8((char)c->rare[1]);
	__m512i fa = _mm512_set1_epi8((char)c->rare_fold[0]);
	__m512i fb = _mm512_set1_epi8((char)c->rare_fold[1]);

	for (size_t at = 0; at < j->n; at += 64) {
		/* lanes that are masked out are not read */
		__mmask64 here = j->n - at >= 64
					 ? ~UINT64_C(0)
					 : (UINT64_C(1) << (j->n - at)) - 1;
		__m512i x = _mm512_maskz_loadu_epi8(here, a + at);
		__m512i y = _mm512_maskz_loadu_epi8(here, b + at);
		uint64_t mask;

		mask = _mm512_mask_cmpeq_epi8_mask(here, _mm512_or_si512(x, fa),
						   ra);
		mask = _mm512_mask_cmpeq_epi8_mask(mask, _mm512_or_si512(y, fb),
						   rb);
		if (mask != 0) {
			size_t k = first_of(j, at, mask);

			if (k != SIZE_MAX) {
				return k;
			}
		}
	}
	return j->n;
}

find_fn *
find_best_x86(enum find_path path)
{
	switch (path) {
	case FIND_SSE2:
		return find_sse2;
	case FIND_AVX2:
		return cpu_has_avx2() ? find_avx2 : NULL;
	case FIND_AVX512:
		return cpu_has_avx512bw() ? find_avx512 : NULL;
	default:
		return NULL;
	}
}

#else

find_fn *
find_best_x86(enum find_path path)
{
	(void)path;
	return NULL;
}

#endif
