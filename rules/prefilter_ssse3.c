/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"
#include "rules/prefilter_short.h"
#include "rules/prefilter_target.h"

#if defined(__x86_64__)

#include <tmmintrin.h>

TARGET_BEGIN("ssse3")

#define STEP 16
#define BITS 1

typedef __m128i vec;

static inline vec
v_load(const uint8_t *p)
{
	return _mm_loadu_si128((const void *)p);
}

static inline void
v_store(uint8_t *p, vec v)
{
	_mm_storeu_si128((void *)p, v);
}

static inline vec
v_spread(const uint8_t *p)
{
	return v_load(p);
}

static inline vec
v_set(uint8_t c)
{
	return _mm_set1_epi8((char)c);
}

static inline vec
v_look(vec t, vec i)
{
	return _mm_shuffle_epi8(t, i);
}

static inline vec
v_and(vec a, vec b)
{
	return _mm_and_si128(a, b);
}

static inline vec
v_or(vec a, vec b)
{
	return _mm_or_si128(a, b);
}

static inline vec
v_eq(vec a, vec b)
{
	return _mm_cmpeq_epi8(a, b);
}

static inline vec
v_low(vec v)
{
	return v_and(v, v_set(15));
}

static inline vec
v_high(vec v)
{
	return v_and(_mm_srli_epi16(v, 4), v_set(15));
}

static inline uint64_t
v_bits(vec v)
{
	return (uint64_t)(~_mm_movemask_epi8(v_eq(v, v_set(0))) & 0xffff);
}

#include "rules/prefilter_four.h"
#include "rules/prefilter_sift.h"

const struct prefilter_path prefilter_ssse3 = {
	"ssse3", CLASS_FOUR, filter, sift, run, find,
};

TARGET_END

#endif
