/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/prefilter_path.h"
#include "rules/prefilter_short.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#define STEP 16
#define BITS 4

typedef uint8x16_t vec;

static inline vec
v_load(const uint8_t *p)
{
	return vld1q_u8(p);
}

static inline void
v_store(uint8_t *p, vec v)
{
	vst1q_u8(p, v);
}

static inline vec
v_spread(const uint8_t *p)
{
	return vld1q_u8(p);
}

static inline vec
v_set(uint8_t c)
{
	return vdupq_n_u8(c);
}

static inline vec
v_look(vec t, vec i)
{
	return vqtbl1q_u8(t, i);
}

static inline vec
v_and(vec a, vec b)
{
	return vandq_u8(a, b);
}

static inline vec
v_or(vec a, vec b)
{
	return vorrq_u8(a, b);
}

static inline vec
v_eq(vec a, vec b)
{
	return vceqq_u8(a, b);
}

static inline vec
v_low(vec v)
{
	return vandq_u8(v, vdupq_n_u8(15));
}

static inline vec
v_high(vec v)
{
	return vshrq_n_u8(v, 4);
}

/* Four bits for each byte, of which one stays. */
static inline uint64_t
v_bits(vec v)
{
	uint8x8_t halves = vshrn_n_u16(vreinterpretq_u16_u8(vtstq_u8(v, v)), 4);

	return vget_lane_u64(vreinterpret_u64_u8(halves), 0) &
	       UINT64_C(0x8888888888888888);
}

#include "rules/prefilter_four.h"
#include "rules/prefilter_sift.h"

const struct prefilter_path prefilter_neon = {
	"neon", CLASS_FOUR, filter, sift, run, find,
};

#endif
