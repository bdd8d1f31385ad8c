/* SPDX-License-Identifier: Apache-2.0 */
/* rule_search on 64-bit ARM: 16 places at once. */
#include "rules/rule_search_path.h"

#if defined(__aarch64__)

#include <arm_neon.h>

/* Four bits a place, all or none. */
static inline uint64_t
both_neon(const struct content *c, const uint8_t *p)
{
	uint8x16_t x = vld1q_u8(p + c->rare_at[0]);
	uint8x16_t y = vld1q_u8(p + c->rare_at[1]);
	uint8x16_t both;

	x = vceqq_u8(vorrq_u8(x, vdupq_n_u8(c->rare_fold[0])),
		     vdupq_n_u8(c->rare[0]));
	y = vceqq_u8(vorrq_u8(y, vdupq_n_u8(c->rare_fold[1])),
		     vdupq_n_u8(c->rare[1]));
	both = vandq_u8(x, y);
	return vget_lane_u64(
		vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(both), 4)),
		0);
}

static size_t
first_of(struct find_job *j, size_t at, uint64_t mask)
{
	while (mask != 0) {
		unsigned bit = (unsigned)__builtin_ctzll(mask);

		mask &= ~(UINT64_C(15) << bit);
		if (find_check(j, at + bit / 4) || j->budget < 0) {
			return at + bit / 4;
		}
	}
	return SIZE_MAX;
}

static size_t
find_neon(struct find_job *j)
{
	const struct content *c = j->c;
	size_t at = 0, k, skip;

	for (; at + 16 <= j->n; at += 16) {
		k = first_of(j, at, both_neon(c, j->p + at));
		if (k != SIZE_MAX) {
			return k;
		}
	}
	if (at == j->n) {
		return at;
	}
	if (j->n >= 16) {
		skip = 4 * (at + 16 - j->n);
		at = j->n - 16;
		k = first_of(j, at, both_neon(c, j->p + at) >> skip << skip);
		return k != SIZE_MAX ? k : j->n;
	}
	for (; at < j->n; at++) {
		const uint8_t *p = j->p + at;

		if ((p[c->rare_at[0]] | c->rare_fold[0]) == c->rare[0] &&
		    (p[c->rare_at[1]] | c->rare_fold[1]) == c->rare[1] &&
		    (find_check(j, at) || j->budget < 0)) {
			break;
		}
	}
	return at;
}

find_fn *
find_best_arm(enum find_path path)
{
	return path == FIND_NEON ? find_neon : NULL;
}

#else

find_fn *
find_best_arm(enum find_path path)
{
	(void)path;
	return NULL;
}

#endif
