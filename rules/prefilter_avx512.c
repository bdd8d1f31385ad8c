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

TARGET_BEGIN("avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,"
	     "avx512vbmi2,gfni,bmi,bmi2,popcnt,lzcnt")

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

/* The table's registers are loaded where they are used. */
static inline __attribute__((always_inline)) __m512i
load_and_look_up(const union classes *c, __m512i v)
{
	const struct six t = { _mm512_load_si512(c->six.low),
			       _mm512_load_si512(c->six.high) };

	return look_up(&t, v);
}

#define ALL64 (~UINT64_C(0))

/* A constant of all bits makes it an ordinary load. */
static inline __attribute__((always_inline)) __m512i
load_some(const uint8_t *at, uint64_t some)
{
	return some == ALL64 ? _mm512_loadu_si512(at)
			     : _mm512_maskz_loadu_epi8(some, at);
}

/* Of the 64 positions from 'at' on those of 'some'. */
static inline __attribute__((always_inline)) uint64_t
positions(const struct filter *f, unsigned width, unsigned tables,
	  const uint8_t *at, uint64_t some)
{
	__m512i all = _mm512_setzero_si512();

#pragma GCC unroll 4
	for (unsigned k = 0; k < tables; k++) {
		__m512i r = _mm512_set1_epi8(-1);

#pragma GCC unroll 4
		for (unsigned j = 0; j < width; j++) {
			__m512i v = load_some(at + j, some);
			__m512i c = load_and_look_up(&f->at[k][j], v);

			r = j == 0 ? c : _mm512_and_si512(r, c);
		}
		all = k == 0 ? r : _mm512_or_si512(all, r);
	}
	return _mm512_mask_test_epi8_mask(some, all, all);
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

/* Byte i of word k goes to byte k of word i, the words counted backwards. */
#define TURNED(i) \
	56 + (i), 48 + (i), 40 + (i), 32 + (i), 24 + (i), 16 + (i), 8 + (i), (i)
static const uint8_t turned[STEP] __attribute__((aligned(64))) = {
	TURNED(0), TURNED(1), TURNED(2), TURNED(3),
	TURNED(4), TURNED(5), TURNED(6), TURNED(7),
};

/*
 * The tables stay in memory: an instruction takes them from there at no cost,
 * and most buffers are too short for loading them all before.
 */
static inline __attribute__((always_inline)) size_t
filter_width(const struct filter *f, unsigned width, unsigned tables,
	     struct view data, size_t from, size_t to, uint16_t *queue)
{
	__m512i at = _mm512_load_si512(counting);
	size_t n = 0, p = from;

	for (; p + STEP <= to; p += STEP) {
		uint64_t m;

		__asm__("" : "+r"(f)); /* or they would be loaded before */
		m = positions(f, width, tables, data.p + p, ALL64);
		if (m != 0) {
			n = append(queue, n, m, at);
		}
		at = _mm512_add_epi16(at, _mm512_set1_epi16(STEP));
	}
	if (p < to) {
		uint64_t some = _bzhi_u64(ALL64, (unsigned)(to - p));
		uint64_t m = positions(f, width, tables, data.p + p, some);

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

/* Which of the bytes of 'some' from 'at' on begin a run that 'f' lets pass. */
static inline __attribute__((always_inline)) uint64_t
runs_at(const struct filter *f, const uint8_t *at, uint64_t some)
{
	__m512i v = load_some(at, some), r;
	__mmask64 m = some;

#pragma GCC unroll 4
	for (unsigned j = 1; j < RUN_MIN; j++) {
		m = _mm512_mask_cmpeq_epi8_mask(m, v, load_some(at + j, some));
	}
	if (m != 0) {
		/* runs are rare, the bytes that they are of are not */
		r = load_and_look_up(&f->at[0][0], v);
		m = _mm512_mask_test_epi8_mask(m, r, r);
	}
	return m;
}

static size_t
run(const struct filter *f, struct view data, size_t from, size_t to)
{
	size_t p = from;
	uint64_t m;

	for (; p + STEP <= to; p += STEP) {
		m = runs_at(f, data.p + p, ALL64);
		if (m != 0) {
			return p + (size_t)_tzcnt_u64(m);
		}
	}
	if (p == to) {
		return to;
	}
	m = runs_at(f, data.p + p, _bzhi_u64(ALL64, (unsigned)(to - p)));
	return m != 0 ? p + (size_t)_tzcnt_u64(m) : to;
}

/* Between which positions each of the shorts may begin, as signed words. */
struct limits {
	__m512i begin, end;
};

static inline __attribute__((always_inline)) struct limits
limits_of(const struct short_search *x)
{
	const __m512i none = _mm512_setzero_si512();
	__m512i len = _mm512_cvtepu8_epi64(
		_mm_loadl_epi64((const void *)x->shorts->len));
	__m512i fresh = _mm512_set1_epi64((long long)x->fresh + 1);
	__m512i end = _mm512_set1_epi64((long long)x->data.len + 1);
	__m512i to = _mm512_set1_epi64((long long)x->to);

	return (struct limits){
		_mm512_max_epi64(_mm512_sub_epi64(fresh, len), none),
		_mm512_min_epi64(_mm512_sub_epi64(end, len), to),
	};
}

/*
 * 'r' says of 64 positions from 'p' on which of the shorts stand there.  Turned
 * about it is a word for each of them, whose highest bit is the first position:
 * what is found in a packet is hard to foresee, so no branch asks for it.
 */
static inline __attribute__((always_inline)) void
take_64(struct short_search *x, size_t p, __m512i r, const struct limits *l)
{
	const __m512i none = _mm512_setzero_si512();
	const __m512i all = _mm512_set1_epi64(-1);
	const __m512i bit = _mm512_set1_epi64(INT64_C(0x8040201008040201)),
		      turn = _mm512_load_si512(turned);
	__m512i at = _mm512_set1_epi64((long long)p), begin, end;
	__mmask8 m;

	begin = _mm512_max_epi64(_mm512_sub_epi64(l->begin, at), none);
	end = _mm512_max_epi64(_mm512_sub_epi64(l->end, at), none);
	r = _mm512_permutexvar_epi8(turn,
				    _mm512_gf2p8affine_epi64_epi8(bit, r, 0));
	/* [begin, end) only; a shift by 64 and more leaves nothing */
	r = _mm512_and_si512(
		r, _mm512_andnot_si512(_mm512_srlv_epi64(all, end),
				       _mm512_srlv_epi64(all, begin)));
	m = (__mmask8)(_mm512_test_epi64_mask(r, r) & x->wanted);
	at = _mm512_add_epi64(at, _mm512_lzcnt_epi64(r));
	_mm256_mask_storeu_epi32(x->at, m, _mm512_cvtepi64_epi32(at));
	x->wanted &= ~(unsigned)m;
}

/* Of the 64 bytes from 'at' on 'left' are there. */
static inline __attribute__((always_inline)) __m512i
shorts_at(const struct shorts *g, unsigned width, const uint8_t *at,
	  size_t left, __m512i wanted)
{
#pragma GCC unroll 3
	for (unsigned j = 0; j < width; j++) {
		unsigned n = (unsigned)(left > j ? MIN(left - j, 64u) : 0);
		__m512i v = load_some(
			at + j, left == SIZE_MAX ? ALL64 : _bzhi_u64(ALL64, n));

		wanted = _mm512_and_si512(wanted,
					  load_and_look_up(&g->at[j], v));
	}
	return wanted;
}

static inline __attribute__((always_inline)) void
find_width(struct short_search *x, unsigned width)
{
	const struct shorts *g = x->shorts;
	const uint8_t *data = x->data.p;
	__m512i wanted = _mm512_set1_epi8((char)x->wanted), r;
	struct limits l = limits_of(x);
	size_t p = x->from, len = x->data.len;

	for (; p < x->to && p + STEP + width - 1 <= len; p += STEP) {
		__asm__("" : "+r"(g)); /* as in filter_width() */
		r = shorts_at(g, width, data + p, SIZE_MAX, wanted);
		if (_mm512_test_epi8_mask(r, r) == 0) {
			continue;
		}
		take_64(x, p, r, &l);
		if (x->wanted == 0) {
			return;
		}
		wanted = _mm512_set1_epi8((char)x->wanted);
	}
	for (; p < x->to; p += STEP) {
		r = shorts_at(g, width, data + p, len - p, wanted);
		if (_mm512_test_epi8_mask(r, r) != 0) {
			take_64(x, p, r, &l);
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
