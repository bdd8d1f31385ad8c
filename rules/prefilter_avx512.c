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
#define SIFT_MANY 5 /* positions that are worth a register of them */
#define REGISTERS 8 /* for pairs of them */

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
 * Tables that are more than there are registers stay in memory: an instruction
 * takes them from there at no cost, and most buffers are too short for loading
 * them all before.
 */
static inline __attribute__((always_inline)) size_t
filter_width(const struct filter *f, unsigned width, unsigned tables,
	     struct view data, size_t from, size_t to, uint16_t *queue)
{
	__m512i at = _mm512_load_si512(counting);
	size_t n = 0, p = from;

	if (to - from <= STEP) {
		uint64_t some = _bzhi_u64(ALL64, (unsigned)(to - from));
		uint64_t m = positions(f, width, tables, data.p + from, some);

		return m != 0 ? append(queue, 0, m, at) : 0;
	}
	for (; p + STEP <= to; p += STEP) {
		uint64_t m;

		if (tables * width > REGISTERS) {
			__asm__("" : "+r"(f)); /* not loaded before the loop */
		}
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
 * Sixteen positions at a time: the loads of the keys and of the bitmap do not
 * wait for each other.  Of the last positions of short keys the word is taken
 * from where the data still has one.
 */
static size_t
sift_many(const struct lane *l, struct view data, size_t from, uint16_t *queue,
	  size_t n, uint32_t *hash)
{
	const __m512i mask = _mm512_set1_epi32((int)l->key_mask);
	const __m512i times = _mm512_set1_epi32((int)LANE_TIMES);
	const __m512i fold = _mm512_set1_epi32(LANE_FOLD);
	const __m512i one = _mm512_set1_epi32(1);
	const __m128i shift = _mm_cvtsi32_si128((int)l->bitmap_shift);
	const __m512i last = _mm512_set1_epi32(
		(int)MIN(data.len - from, (size_t)2 * BLOCK) - 4);
	size_t kept = 0;

	if (n < SIFT_MANY || data.len < 4) {
		return sift(l, data, from, queue, n, hash);
	}
	for (size_t i = 0; i < n; i += 16) {
		unsigned left = (unsigned)MIN(n - i, (size_t)16);
		__mmask16 some = (__mmask16)_bzhi_u32(0xffff, left);
		__m256i q = _mm256_maskz_loadu_epi16(some, queue + i);
		__m512i at = _mm512_cvtepu16_epi32(q);
		__m512i v, h, word, there = _mm512_min_epi32(at, last);
		__mmask16 m;

		v = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), some,
						there, data.p + from, 1);
		v = _mm512_srlv_epi32(
			v, _mm512_slli_epi32(_mm512_sub_epi32(at, there), 3));
		v = _mm512_or_si512(
			v, _mm512_srli_epi32(_mm512_and_si512(v, fold), 1));
		v = _mm512_mullo_epi32(_mm512_and_si512(v, mask), times);
		h = _mm512_srl_epi32(v, shift);
		/* a bitmap has whole words of 32 bits */
		word = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), some,
						   _mm512_srli_epi32(h, 5),
						   l->bitmap, 4);
		m = _mm512_test_epi32_mask(word, _mm512_rolv_epi32(one, h));
		_mm256_storeu_si256((void *)(queue + kept),
				    _mm256_maskz_compress_epi16(m, q));
		_mm512_storeu_si512(hash + kept,
				    _mm512_maskz_compress_epi32(m, v));
		kept += (size_t)_mm_popcnt_u32(m);
	}
	return kept;
}

/* Which of the bytes of 'some' from 'at' on begin a run that 'f' lets pass. */
static inline __attribute__((always_inline)) uint64_t
runs_at(const struct filter *f, const uint8_t *at, uint64_t some)
{
	__m512i v = load_some(at, some), differ;
	__mmask64 m;

	/* (v ^ next) | (v ^ the one behind), and | (v ^ the last) */
	differ = _mm512_ternarylogic_epi64(v, load_some(at + 1, some),
					   load_some(at + 2, some), 0x7e);
	differ = _mm512_ternarylogic_epi64(differ, v, load_some(at + 3, some),
					   0xf6);
	m = _mm512_mask_testn_epi8_mask(some, differ, differ);
	if (m != 0) {
		/* runs are rare, the bytes that they are of are not */
		__m512i r = load_and_look_up(&f->at[0][0], v);

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

/* A word for each of the shorts. */
struct found {
	__m512i begin, end; /* between which it may begin, less 'p' below */
	__m512i at; /* where it was found */
	__mmask8 wanted;
};

static inline __attribute__((always_inline)) struct found
found_none(const struct short_search *x)
{
	__m512i len = _mm512_cvtepu8_epi64(
		_mm_loadl_epi64((const void *)x->shorts->len));
	__m512i fresh = _mm512_set1_epi64((long long)x->fresh + 1);
	__m512i data_end = _mm512_set1_epi64((long long)x->data.len + 1);
	__m512i to = _mm512_set1_epi64((long long)x->to);
	__m512i p = _mm512_set1_epi64((long long)x->from);
	__m512i end = _mm512_min_epi64(_mm512_sub_epi64(data_end, len), to);

	return (struct found){
		.begin = _mm512_sub_epi64(_mm512_sub_epi64(fresh, len), p),
		.end = _mm512_sub_epi64(end, p),
		.at = _mm512_setzero_si512(),
		.wanted = (__mmask8)x->wanted,
	};
}

/*
 * Of 64 bytes that say which of the shorts stand there a word for each of
 * them, whose highest bit is the first position.
 */
static inline __attribute__((always_inline)) __m512i
turn(__m512i r)
{
	const __m512i bit = _mm512_set1_epi64(INT64_C(0x8040201008040201));

	return _mm512_permutexvar_epi8(
		_mm512_load_si512(turned),
		_mm512_gf2p8affine_epi64_epi8(bit, r, 0));
}

/*
 * 'r' says it of the positions from 'p' on.  What is found in a packet is hard
 * to foresee, so no branch asks for it.
 */
static inline __attribute__((always_inline)) void
take_64(struct found *x, size_t p, __m512i r)
{
	const __m512i all = _mm512_set1_epi64(-1), none = { 0 };
	const __m512i step = _mm512_set1_epi64(STEP);
	__m512i before, behind;
	__mmask8 m;

	r = turn(r);
	/* [begin, end) only; a shift by 64 and more leaves nothing */
	before = _mm512_srlv_epi64(all, _mm512_max_epi64(x->begin, none));
	behind = _mm512_srlv_epi64(all, _mm512_max_epi64(x->end, none));
	r = _mm512_and_si512(r, _mm512_andnot_si512(behind, before));
	m = _mm512_mask_test_epi64_mask(x->wanted, r, r);
	x->at = _mm512_mask_add_epi64(x->at, m, _mm512_lzcnt_epi64(r),
				      _mm512_set1_epi64((long long)p));
	x->wanted = (__mmask8)(x->wanted & ~m);
	x->begin = _mm512_sub_epi64(x->begin, step);
	x->end = _mm512_sub_epi64(x->end, step);
}

/* Of the 64 bytes from 'at' on 'left' are there. */
static inline __attribute__((always_inline)) __m512i
shorts_at(const struct shorts *g, unsigned width, const uint8_t *at,
	  size_t left)
{
	__m512i r = _mm512_set1_epi8(-1);

#pragma GCC unroll 3
	for (unsigned j = 0; j < width; j++) {
		unsigned n = (unsigned)(left > j ? MIN(left - j, 64u) : 0);
		__m512i v = load_some(
			at + j, left == SIZE_MAX ? ALL64 : _bzhi_u64(ALL64, n));
		__m512i c = load_and_look_up(&g->at[j], v);

		r = j == 0 ? c : _mm512_and_si512(r, c);
	}
	return r;
}

/* Which of them stand anywhere, the borders aside. */
static inline __attribute__((always_inline)) unsigned
seen_of(const struct short_search *x, unsigned width)
{
	const struct shorts *g = x->shorts;
	const uint8_t *data = x->data.p;
	size_t p = x->from, len = x->data.len;
	__m512i seen = _mm512_setzero_si512();

	for (; p < x->to && p + STEP + width - 1 <= len; p += STEP) {
		seen = _mm512_or_si512(seen,
				       shorts_at(g, width, data + p, SIZE_MAX));
	}
	for (; p < x->to; p += STEP) {
		seen = _mm512_or_si512(seen,
				       shorts_at(g, width, data + p, len - p));
	}
	seen = turn(seen);
	return _mm512_test_epi64_mask(seen, seen);
}

/*
 * In most buffers there is none of them; where there are some the first ones
 * stand near the beginning, and those bytes are looked at twice.
 */
static inline __attribute__((always_inline)) void
find_width(struct short_search *x, unsigned width)
{
	const struct shorts *g = x->shorts;
	size_t p = x->from;
	struct found f;
	__m512i r;

	if (x->to - p > STEP) {
		x->wanted &= seen_of(x, width);
	}
	r = shorts_at(g, width, x->data.p + p, x->data.len - p);
	if (x->wanted == 0 ||
	    (x->to - p <= STEP && _mm512_test_epi8_mask(r, r) == 0)) {
		return;
	}
	f = found_none(x);
	take_64(&f, p, r);
	for (p += STEP; p < x->to && f.wanted != 0; p += STEP) {
		take_64(&f, p,
			shorts_at(g, width, x->data.p + p, x->data.len - p));
	}
	x->found = x->wanted & ~(unsigned)f.wanted;
	_mm256_storeu_si256((void *)x->at, _mm512_cvtepi64_epi32(f.at));
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
