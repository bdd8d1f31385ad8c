/* SPDX-License-Identifier: Apache-2.0 */
#include "common/csum.h"

#include "common/cpu.h"
#include "common/proto.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Halves of 64-bit words, so that no carry has to be looked after. */
static uint64_t
add_words(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t odd = 0, w, v;
	uint32_t w4;

	while (len >= 16) {
		memcpy(&w, p, 8);
		memcpy(&v, p + 8, 8);
		sum += (w & 0xffffffff) + (v & 0xffffffff);
		odd += (w >> 32) + (v >> 32);
		p += 16;
		len -= 16;
	}
	sum += odd;
	while (len >= 4) {
		memcpy(&w4, p, 4);
		sum += w4;
		p += 4;
		len -= 4;
	}
	if (len > 0) {
		w4 = 0;
		memcpy(&w4, p, len);
		sum += w4;
	}
	return sum;
}

#ifdef __x86_64__
/* So long that no 32-bit lane can overflow. */
#define MAX_LANES ((size_t)1 << 19)

/*
 * Adds 16 words of 16 bits, less 2^15 each: there is an instruction that adds
 * pairs of signed words.
 */
__attribute__((target("avx2"))) static inline __m256i
add_pairs(__m256i sum, __m256i v)
{
	const __m256i bias = _mm256_set1_epi16(INT16_MIN);
	const __m256i ones = _mm256_set1_epi16(1);

	v = _mm256_madd_epi16(_mm256_xor_si256(v, bias), ones);
	return _mm256_add_epi32(sum, v);
}

__attribute__((target("avx2"))) static uint64_t
add_avx2(uint64_t sum, const uint8_t *p, size_t len)
{
	/* From 8 - n on: a mask for n of eight 32-bit words. */
	static const int32_t masks[16] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	__m256i a = _mm256_setzero_si256(), b = a, mask;
	/* Of the words below, with those that are masked away. */
	uint64_t bias = ((uint64_t)len / 32 + 1) * 16 << 15;
	int32_t lane[8];
	int64_t lanes = 0;
	uint16_t w;

	for (; len >= 64; p += 64, len -= 64) {
		a = add_pairs(a, _mm256_loadu_si256((const void *)p));
		b = add_pairs(b, _mm256_loadu_si256((const void *)(p + 32)));
	}
	if (len >= 32) {
		a = add_pairs(a, _mm256_loadu_si256((const void *)p));
		p += 32;
		len -= 32;
	}
	/* Words that are masked away are not touched. */
	mask = _mm256_loadu_si256((const void *)&masks[8 - len / 4]);
	b = add_pairs(b, _mm256_maskload_epi32((const void *)p, mask));
	_mm256_storeu_si256((void *)lane, _mm256_add_epi32(a, b));
	for (unsigned i = 0; i < 8; i++) {
		lanes += lane[i];
	}
	sum += bias + (uint64_t)lanes;
	p += len & ~(size_t)3;
	if ((len & 2) != 0) {
		memcpy(&w, p, 2);
		sum += w;
		p += 2;
	}
	return sum + ((len & 1) != 0 ? *p : 0);
}
#endif

uint64_t
csum_add_long(uint64_t sum, const uint8_t *p, size_t len)
{
#ifdef __x86_64__
	if (LIKELY(cpu_has_avx2() && len <= MAX_LANES)) {
		return add_avx2(sum, p, len);
	}
#endif
	return add_words(sum, p, len);
}

bool
csum_transport_ok(const struct addr *src, const struct addr *dst,
		  uint8_t ip_version, uint8_t proto, struct view l4)
{
	bool bare =
		proto == IPP_ICMP || (proto == IPP_ICMPV6 && ip_version == 4);
	/* The mapped form's prefix must not count. */
	size_t skip = ip_version == 4 ? 12 : 0;
	uint64_t sum = 0;

	if (!bare) {
		sum = csum_add(sum, src->b + skip, 16 - skip);
		sum = csum_add(sum, dst->b + skip, 16 - skip);
		sum = csum_add_be16(sum, (uint16_t)(l4.len >> 16));
		sum = csum_add_be16(sum, (uint16_t)l4.len);
		sum = csum_add_be16(sum, proto);
	}
	return csum_fold(csum_add(sum, l4.p, l4.len)) == 0xffff;
}
