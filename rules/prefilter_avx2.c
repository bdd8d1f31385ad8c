/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"
#include "rules/prefilter_short.h"
#include "rules/prefilter_target.h"

#if defined(__x86_64__)

#include <immintrin.h>

TARGET_BEGIN("avx2,bmi,bmi2,popcnt")

#define STEP 32
#define BITS 1

typedef __m256i vec;

static inline vec
v_load(const uint8_t *p)
{
	return _mm256_loadu_si256((const void *)p);
}

static inline void
v_store(uint8_t *p, vec v)
{
	_mm256_storeu_si256((void *)p, v);
}

static inline vec
v_spread(const uint8_t *p)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)p));
}

static inline vec
v_set(uint8_t c)
{
	return _mm256_set1_epi8((char)c);
}

static inline vec
v_look(vec t, vec i)
{
	return _mm256_shuffle_epi8(t, i);
}

static inline vec
v_and(vec a, vec b)
{
	return _mm256_and_si256(a, b);
}

static inline vec
v_or(vec a, vec b)
{
	return _mm256_or_si256(a, b);
}

static inline vec
v_eq(vec a, vec b)
{
	return _mm256_cmpeq_epi8(a, b);
}

static inline vec
v_low(vec v)
{
	return v_and(v, v_set(15));
}

static inline vec
v_high(vec v)
{
	return v_and(_mm256_srli_epi16(v, 4), v_set(15));
}

static inline uint64_t
v_bits(vec v)
{
	return (uint32_t)~_mm256_movemask_epi8(v_eq(v, v_set(0)));
}

#include "rules/prefilter_four.h"
#include "rules/prefilter_sift.h"

const struct prefilter_path prefilter_avx2 = {
	"avx2", CLASS_FOUR, filter, sift, run, find,
};

TARGET_END

#endif
