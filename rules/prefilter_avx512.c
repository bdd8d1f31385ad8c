/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64 positions at a time.  A byte is looked up by its low six bits and by its
 * high six: both are one permutation of a register, and only a byte that
 * shares both with others of the bucket passes wrongly.
 */
#include "rules/prefilter_path.h"
#include "rules/prefilter_target.h"

#if defined(__x86_64__)

#include <immintrin.h>

TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi,"
	     "bmi2,popcnt,lzcnt")

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

static inline __attribute__((always_inline)) __m512i
load_and_look_up(const union classes *c, __m512i v)
{
	const struct six t = { _mm512_load_si512(c->six.low),
			       _mm512_load_si512(c->six.high) };

	return look_up(&t, v);
}

/*
 * The positions of 'some' from 'at' on, of less than 64: the tables are used
 * once, where they lie.
 */
static inline __attribute__((always_inline)) uint64_t
few_positions(const struct filter *f, unsigned width, unsigned tables,
	      const uint8_t *at, __mmask64 some)
{
	__m512i r[TABLES], v[LANE_WIDTH_MAX];

#pragma GCC unroll 4
	for (unsigned j = 0; j < width; j++) {
		v[j] = _mm512_maskz_loadu_epi8(some, at + j);
	}
#pragma GCC unroll 4
	for (unsigned k = 0; k < tables; k++) {
		r[k] = load_and_look_up(&f->at[k][0], v[0]);
#pragma GCC unroll 4
		for (unsigned j = 1; j < width; j++) {
			r[k] = _mm512_and_si512(
				r[k], load_and_look_up(&f->at[k][j], v[j]));
		}
		r[0] = k == 0 ? r[0] : _mm512_or_si512(r[0], r[k]);
	}
	return _mm512_mask_test_epi8_mask(some, r[0], r[0]);
}

/* The 64 positions from 'at' on. */
static inline __attribute__((always_inline)) uint64_t
positions(const struct six t[TABLES][LANE_WIDTH_MAX], unsigned width,
	  unsigned tables, const uint8_t *at)
{
	__m512i r[TABLES];

#pragma GCC unroll 4
	for (unsigned j = 0; j < width; j++) {
		__m512i v = _mm512_loadu_si512(at + j);

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
	return _mm512_test_epi8_mask(r[0], r[0]);
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

	if (to - from < STEP) {
		uint64_t some = _bzhi_u64(UINT64_MAX, (unsigned)(to - from));
		uint64_t m =
			few_positions(f, width, tables, data.p + from, some);

		return m != 0 ? append(queue, 0, m, at) : 0;
	}
#pragma GCC unroll 4
	for (unsigned k = 0; k < tables; k++) {
#pragma GCC unroll 4
		for (unsigned j = 0; j < width; j++) {
			const union classes *c = &f->at[k][j];

			t[k][j].low = _mm512_load_si512(c->six.low);
			t[k][j].high = _mm512_load_si512(c->six.high);
		}
	}
	for (; p + STEP <= to; p += STEP) {
		uint64_t m = positions(t, width, tables, data.p + p);

		if (m != 0) {
			n = append(queue, n, m, at);
		}
		at = _mm512_add_epi16(at, _mm512_set1_epi16(STEP));
	}
	if (p < to) {
		/* the last 64, of which some were looked at already */
		unsigned again = (unsigned)(p + STEP - to);
		uint64_t m = positions(t, width, tables, data.p + to - STEP) >>
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

/*
 * Eight positions at a time, of data that goes on for eight bytes behind them:
 * the loads of the keys and of the bitmap do not wait for each other.
 */
static size_t
sift_many(const struct lane *l, struct view data, size_t from, uint16_t *queue,
	  size_t n)
{
	const __m512i mask = _mm512_set1_epi64((long long)l->key_mask);
	const __m512i times = _mm512_set1_epi64((long long)KEY_TIMES);
	const __m512i fold = _mm512_set1_epi8(0x40);
	const __m512i low = _mm512_set1_epi64(31), one = _mm512_set1_epi64(1);
	const __m128i shift = _mm_cvtsi32_si128((int)l->bitmap_shift);
	size_t left = data.len - from, kept = 0, i = 0;

	for (; i + 8 <= n && queue[i + 7] + (size_t)8 <= left; i += 8) {
		__m128i q = _mm_loadu_si128((const void *)(queue + i));
		__m512i v = _mm512_i64gather_epi64(_mm512_cvtepu16_epi64(q),
						   data.p + from, 1);
		__m256i word;
		__m512i at;
		__mmask8 m;

		at = _mm512_srli_epi64(_mm512_and_si512(v, fold), 1);
		v = _mm512_and_si512(_mm512_or_si512(v, at), mask);
		v = _mm512_mullo_epi64(v, times);
		v = _mm512_srl_epi64(v, shift);
		/* a bitmap has whole words of 32 bits */
		word = _mm512_i64gather_epi32(_mm512_srli_epi64(v, 5),
					      l->bitmap, 4);
		v = _mm512_srlv_epi64(_mm512_cvtepu32_epi64(word),
				      _mm512_and_si512(v, low));
		m = _mm512_test_epi64_mask(v, one);
		_mm_storeu_si128((void *)(queue + kept),
				 _mm_maskz_compress_epi16(m, q));
		kept += (size_t)_mm_popcnt_u32(m);
	}
	return kept + sift_from(l, data, from, queue, i, n, kept);
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

/* What of the 64 positions from 'p' on is in [from, to). */
static inline uint64_t
between(size_t p, size_t from, size_t to)
{
	uint64_t m = to > p ? _bzhi_u64(UINT64_MAX,
					(unsigned)MIN(to - p, (size_t)STEP))
			    : 0;

	return from <= p         ? m
	       : from - p < STEP ? m >> (from - p) << (from - p)
				 : 0;
}

/*
 * 'r' says of 64 positions from 'p' on which of the shorts stand there.  No
 * branch asks for each, for what is found in a packet is hard to foresee.
 */
static inline __attribute__((always_inline)) void
take_64(struct short_search *x, size_t p, __m512i r)
{
	for (unsigned c = x->wanted; c != 0; c &= c - 1) {
		unsigned i = (unsigned)__builtin_ctz(c);
		size_t len = x->shorts->len[i], end = x->data.len + 1;
		uint64_t m = _mm512_test_epi8_mask(
			r, _mm512_set1_epi8((char)(1u << i)));

		m &= between(p, x->fresh + 1 > len ? x->fresh + 1 - len : 0,
			     end > len ? MIN(end - len, x->to) : 0);
		x->at[i] = m != 0 ? (uint32_t)(p + (size_t)_tzcnt_u64(m))
				  : x->at[i];
		x->wanted &= ~((unsigned)(m != 0) << i);
	}
}

static inline __attribute__((always_inline)) __m512i
shorts_at(const struct six *t, unsigned width, const uint8_t *at, size_t left,
	  unsigned wanted)
{
	__m512i r = _mm512_set1_epi8((char)wanted);

#pragma GCC unroll 3
	for (unsigned j = 0; j < width; j++) {
		__m512i v;

		if (left >= STEP + SHORT_MAX - 1) {
			v = _mm512_loadu_si512(at + j);
		} else {
			__mmask64 some = _bzhi_u64(
				UINT64_MAX,
				(unsigned)(left > j ? MIN(left - j, 64u) : 0));

			v = _mm512_maskz_loadu_epi8(some, at + j);
		}
		r = _mm512_and_si512(r, look_up(&t[j], v));
	}
	return r;
}

static inline __attribute__((always_inline)) void
find_width(struct short_search *x, unsigned width)
{
	struct six t[SHORT_MAX];
	size_t p = x->from;

#pragma GCC unroll 3
	for (unsigned j = 0; j < width; j++) {
		t[j].low = _mm512_load_si512(x->shorts->at[j].six.low);
		t[j].high = _mm512_load_si512(x->shorts->at[j].six.high);
	}
	for (; p < x->to && x->wanted != 0; p += STEP) {
		__m512i r = shorts_at(t, width, x->data.p + p, x->data.len - p,
				      x->wanted);

		if (_mm512_test_epi8_mask(r, r) != 0) {
			take_64(x, p, r);
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
	"avx512", CLASS_SIX, filter, sift_many, run, find,
};

TARGET_END

#endif
