/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/byte_gram.h"

#include "rules/byte_gram_data.h"

static bool
is_letter(uint8_t c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static unsigned
half_bits(char c)
{
	return (unsigned)(c - BYTE_GRAM_ZERO);
}

static unsigned
pair(uint8_t a, uint8_t b)
{
	return half_bits(byte_gram_pairs[byte_gram_fold(a) * BYTE_GRAM_FOLDED +
					 byte_gram_fold(b)]);
}

unsigned
byte_gram_byte(uint8_t c, bool nocase)
{
	unsigned cost = half_bits(byte_gram_bytes[c]);

	if (nocase && is_letter(c)) {
		unsigned other = half_bits(byte_gram_bytes[c ^ 0x20]);

		/* as often as the commoner case, and once more if both are */
		cost = MIN(cost, other) - (cost == other && cost >= 2 ? 2 : 0);
	}
	return cost;
}

/*
 * What asking for the exact case adds.  Letters of a word share their case, so
 * it is that of the rarest one and not the sum.
 */
static unsigned
case_cost(struct view v)
{
	unsigned most = 0;

	for (size_t i = 0; i < v.len; i++) {
		most = MAX(most, byte_gram_byte(v.p[i], false) -
					 byte_gram_byte(v.p[i], true));
	}
	return most;
}

unsigned
byte_gram_string(struct view v, bool nocase)
{
	unsigned cost;

	if (v.len == 0) {
		return 0;
	}
	cost = byte_gram_byte(v.p[0], true);
	for (size_t i = 1; i < v.len; i++) {
		cost += pair(v.p[i - 1], v.p[i]);
	}
	return cost + (nocase ? 0 : case_cost(v));
}

unsigned
byte_gram_cost(struct view v, bool nocase)
{
	unsigned best = 0;

	if (v.len <= BYTE_GRAM_WINDOW) {
		return byte_gram_string(v, nocase);
	}
	for (size_t i = 0; i + BYTE_GRAM_WINDOW <= v.len; i++) {
		best = MAX(best,
			   byte_gram_string(view_sub(v, i, BYTE_GRAM_WINDOW),
					    nocase));
	}
	return best;
}
