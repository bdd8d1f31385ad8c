/* SPDX-License-Identifier: Apache-2.0 */
#include "common/csum.h"

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
/* The same with four words a register. */
__attribute__((target("avx2"))) static uint64_t
add_avx2(uint64_t sum, const uint8_t *p, size_t len)
{
	const __m256i low = _mm256_set1_epi64x(0xffffffff);
	__m256i a = _mm256_setzero_si256(), b = a;
	uint64_t part[4];

	while (len >= 64) {
		__m256i v = _mm256_loadu_si256((const void *)p);
		__m256i w = _mm256_loadu_si256((const void *)(p + 32));

		a = _mm256_add_epi64(a, _mm256_and_si256(v, low));
		b = _mm256_add_epi64(b, _mm256_srli_epi64(v, 32));
		a = _mm256_add_epi64(a, _mm256_and_si256(w, low));
		b = _mm256_add_epi64(b, _mm256_srli_epi64(w, 32));
		p += 64;
		len -= 64;
	}
	_mm256_storeu_si256((void *)part, _mm256_add_epi64(a, b));
	sum += part[0] + part[1] + part[2] + part[3];
	return add_words(sum, p, len);
}
#endif

uint64_t
csum_add_long(uint64_t sum, const uint8_t *p, size_t len)
{
#ifdef __x86_64__
	if (LIKELY(__builtin_cpu_supports("avx2"))) {
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
