/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64 positions at a time.  A byte is looked up by its low six bits and by its
 * high six: both are one permutation of a register, and only a byte that
 * shares both with others of the bucket passes wrongly.
 */
#include "rules/prefilter_path.h"

#if defined(__x86_64__)

#pragma GCC target( \
	"avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi,bmi2,popcnt,lzcnt")
#include <immintrin.h>

#include "rules/prefilter_short.h"
#include "rules/prefilter_sift.h"

#define STEP 64

struct six {
	__m512i low, high;
};

static inline __attribute__((always_inline)) __m512i
look_up(const struct six *t, __m512i v)
{
	return _mm512_and_si512(
		_mm512_permutexvar_epi8(v, t->low),
		_mm512_permutexvar_epi8(_mm512_srli_epi16(v, 2), t->high));
}

/* The 64 positions from 'at' on; what is not in 'some' is not read. */
static inline __attribute__((always_inline)) uint64_t
positions(const struct six t[TABLES][LANE_WIDTH_MAX], unsigned width,
	  unsigned tables, const uint8_t *at, __mmask64 some, bool is_all)
{
	__m512i r[TABLES];

#pragma GCC unroll 4
	for (unsigned j = 0; j < width; j++) {
		__m512i v = is_all ? _mm512_loadu_si512(at + j)
				   : _mm512_maskz_loadu_epi8(some, at + j);

#pragma GCC unroll 4
		for (unsigned k = 0; k < tables; k++) {
			__m512i c = look_up(&t[k][j], v);

			r[k] = j == 0 ? c : _mm512_and_si512(r[k], c);
		}
	}
#pragma GCC unroll 4
	for (unsigned k = 1; k < tables; k++) {
		r[0] = _mm512_or_si512(r[0], r[k]);
	}
	return _mm512_test_epi8_mask(r[0], r[0]) & some;
}

/* Appends the positions of the bits set in 'm'; may write 64 in any case. */
static inline __attribute__((always_inline)) size_t
append(uint16_t *queue, size_t n, uint64_t m, __m512i at)
{
	uint32_t low = (uint32_t)m, high = (uint32_t)(m >> 32);

	_mm512_storeu_si512(queue + n, _mm512_maskz_compress_epi16(low, at));
	n += (size_t)_mm_popcnt_u32(low);
	at = _mm512_add_epi16(at, _mm512_set1_epi16(32));
	_mm512_storeu_si512(queue + n, _mm512_maskz_compress_epi16(high, at));
	return n + (size_t)_mm_popcnt_u32(high);
}

static const uint16_t counting[32] __attribute__((aligned(64))) = {
	0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
	16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static inline __attribute__((always_inline)) size_t
filter_width(const struct filter *f, unsigned width, unsigned tables,
	     struct view data, size_t from, size_t to, uint16_t *queue)
{
	__m512i at = _mm512_load_si512(counting);
	struct six t[TABLES][LANE_WIDTH_MAX];
	size_t n = 0, p = from;

#pragma GCC unroll 4
	for (unsigned k = 0; k < tables; k++) {
#pragma GCC unroll 4
		for (unsigned j = 0; j < width; j++) {
			const union classes *c = &f->at[k][j];

			t[k][j].low = _mm512_load_si512(c->six.low);
			t[k][j].high = _mm512_load_si512(c->six.high);
		}
	}
	if (to - from < STEP) {
		uint64_t some = _bzhi_u64(UINT64_MAX, (unsigned)(to - from));
		uint64_t m =
			positions(t, width, tables, data.p + from, some, false);

		return m != 0 ? append(queue, 0, m, at) : 0;
	}
	for (; p + STEP <= to; p += STEP) {
		uint64_t m = positions(t, width, tables, data.p + p, UINT64_MAX,
				       true);

		if (m != 0) {
			n = append(queue, n, m, at);
		}
		at = _mm512_add_epi16(at, _mm512_set1_epi16(STEP));
	}
	if (p < to) {
		/* the last 64, of which some were looked at already */
		unsigned again = (unsigned)(p + STEP - to);
		uint64_t m = positions(t, width, tables, data.p + to - STEP,
				       UINT64_MAX, true) >>
			     again;

		if (m != 0) {
			n = append(queue, n, m, at);
		}
	}
	return n;
}

#define TABLES_OF(w, n) \
	case n: \
		return filter_width(f, w, n, data, from, to, queue)

#define WIDTH(w) \
	switch (f->tables) { \
		TABLES_OF(w, 1); \
		TABLES_OF(w, 2); \
	default: \
		TABLES_OF(w, TABLES); \
	}

static size_t
filter(const struct filter *f, struct view data, size_t from, size_t to,
       uint16_t *queue)
{
	switch (f->width) {
	case 2:
		WIDTH(2)
	case 3:
		WIDTH(3)
	default:
		WIDTH(4)
	}
}

static size_t
run(const struct filter *f, struct view data, size_t from, size_t to)
{
	const struct six t = { _mm512_load_si512(f->at[0][0].six.low),
			       _mm512_load_si512(f->at[0][0].six.high) };

	for (size_t p = from; p < to; p += STEP) {
		size_t left = MIN(to - p, (size_t)STEP);
		__mmask64 some = _bzhi_u64(UINT64_MAX, (unsigned)left);
		__m512i v = _mm512_maskz_loadu_epi8(some, data.p + p);
		__m512i r = look_up(&t, v);
		__mmask64 m = _mm512_mask_test_epi8_mask(some, r, r);

		for (unsigned j = 1; j < RUN_MIN && m != 0; j++) {
			m = _mm512_mask_cmpeq_epi8_mask(
				m, v,
				_mm512_maskz_loadu_epi8(some, data.p + p + j));
		}
		if (m != 0) {
			return p + (size_t)_tzcnt_u64(m);
		}
	}
	return to;
}

static inline __attribute__((always_inline)) void
find_width(struct short_search *x, unsigned width)
{
	struct six t[SHORT_MAX];
	uint8_t classes[STEP];

#pragma GCC unroll 3
	for (unsigned j = 0; j < width; j++) {
		t[j].low = _mm512_load_si512(x->shorts->at[j].six.low);
		t[j].high = _mm512_load_si512(x->shorts->at[j].six.high);
	}
	for (size_t p = x->from; p < x->to && x->wanted != 0; p += STEP) {
		__m512i r = _mm512_set1_epi8((char)x->wanted);
		size_t left = x->data.len - p;
		uint64_t m;

#pragma GCC unroll 3
		for (unsigned j = 0; j < width; j++) {
			/* no more than 64 + j are asked for */
			size_t n = left > j ? left - j : 0;
			__mmask64 some = _bzhi_u64(
				UINT64_MAX, (unsigned)MIN(n, (size_t)STEP));
			__m512i v = _mm512_maskz_loadu_epi8(some,
							    x->data.p + p + j);

			r = _mm512_and_si512(r, look_up(&t[j], v));
		}
		m = _mm512_test_epi8_mask(r, r);
		if (m == 0) {
			continue;
		}
		_mm512_storeu_si512(classes, r);
		for (; m != 0; m &= m - 1) {
			unsigned i = (unsigned)_tzcnt_u64(m);

			take_shorts(x, p + i, classes[i]);
		}
	}
}

static void
find(struct short_search *x)
{
	switch (x->shorts->width) {
	case 1:
		find_width(x, 1);
		break;
	case 2:
		find_width(x, 2);
		break;
	default:
		find_width(x, 3);
	}
}

const struct prefilter_path prefilter_avx512 = {
	"avx512", CLASS_SIX, filter, sift, run, find,
};

#endif
