/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hll.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_BITS (HLL_MAX - 1) /* behind those that pick the register */
STATIC_ASSERT(HLL_REGISTERS * 6 == HLL_LEN * 8, "packed without a gap");

/* Four registers are three bytes: none lies in more than two of them. */
static unsigned
get(const struct hll *h, unsigned i)
{
	const uint8_t *p = h->b + i / 4 * 3;

	return load_be24(p) >> (18 - i % 4 * 6) & 63;
}

static void
raise_to(struct hll *h, unsigned i, unsigned value)
{
	uint8_t *p = h->b + i / 4 * 3;
	unsigned shift = 18 - i % 4 * 6;
	uint32_t v = load_be24(p);

	if ((v >> shift & 63) < value) {
		v = (v & ~(UINT32_C(63) << shift)) | value << shift;
		p[0] = (uint8_t)(v >> 16);
		p[1] = (uint8_t)(v >> 8);
		p[2] = (uint8_t)v;
	}
}

void
hll_add_hash(struct hll *h, uint64_t hash)
{
	uint64_t rest = hash << 6;
	unsigned zeros =
		rest != 0 ? (unsigned)__builtin_clzll(rest) : HASH_BITS;

	raise_to(h, (unsigned)(hash >> HASH_BITS), zeros + 1);
}

void
hll_add_addr(struct hll *h, const struct addr *a)
{
	hll_add_hash(h, XXH64(a->b, sizeof(a->b), 0));
}

void
hll_add_port(struct hll *h, uint16_t port)
{
	uint8_t b[2];

	store_be16(b, port);
	hll_add_hash(h, XXH64(b, sizeof(b), 0));
}

void
hll_merge(struct hll *into, const struct hll *from)
{
	for (unsigned i = 0; i < HLL_REGISTERS; i++) {
		raise_to(into, i, get(from, i));
	}
}

/*
 * What the registers that are still empty stand for; 'x' is their share, below
 * 1.  A sum that converges quadratically.
 */
static double
of_empty(double x)
{
	double y = 1, z = x, before;

	do {
		x *= x;
		before = z;
		z += x * y;
		y += y;
	} while (z > before);
	return z;
}

/*
 * The estimator of O. Ertl (arXiv 1702.01284, 4.2), which needs no correction
 * by tables for small numbers.  Its term for full registers is left out: that
 * takes more elements than there are addresses seen by anyone.
 */
uint64_t
hll_count(const struct hll *h)
{
	unsigned n[HLL_MAX + 1] = { 0 };
	double sum = 0, count;

	for (unsigned i = 0; i < HLL_REGISTERS; i++) {
		n[MIN(get(h, i), (unsigned)HLL_MAX)]++;
	}
	if (n[0] == HLL_REGISTERS) {
		return 0;
	}
	for (unsigned k = HLL_MAX; k > 0; k--) {
		sum = (sum + n[k]) / 2;
	}
	sum += HLL_REGISTERS * of_empty((double)n[0] / HLL_REGISTERS);
	/* 1 / (2 ln 2) */
	count = 0.7213475204444817 * HLL_REGISTERS * HLL_REGISTERS / sum + 0.5;
	return count < 0x1p58 ? MAX((uint64_t)count, 1) : UINT64_C(1) << 58;
}

size_t
hll_format(const struct hll *h, char out[HLL_TEXT_CAP])
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < HLL_LEN; i++) {
		out[2 * i] = digits[h->b[i] >> 4];
		out[2 * i + 1] = digits[h->b[i] & 15];
	}
	out[2 * HLL_LEN] = '\0';
	return 2 * HLL_LEN;
}

bool
hll_parse(struct view text, struct hll *out)
{
	bool ok = text.len == 2 * HLL_LEN;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; ok && i < HLL_LEN; i++) {
		int high = ascii_hex(text.p[2 * i]);
		int low = ascii_hex(text.p[2 * i + 1]);

		ok = high >= 0 && low >= 0;
		out->b[i] = ok ? (uint8_t)(high << 4 | low) : 0;
	}
	for (unsigned i = 0; ok && i < HLL_REGISTERS; i++) {
		ok = get(out, i) <= HLL_MAX;
	}
	if (!ok) {
		memset(out, 0, sizeof(*out));
	}
	return ok;
}
