/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which destinations a host came back to.  A pair is three bits of one word for
 * each generation; the hash has no secret, so that the same packets are told of
 * in the same words.  Only destinations that were kept are noted, and only of
 * our own hosts: nobody outside can fill it.
 */
#include "sensor/contacts_state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t
pair_hash(const struct addr *ip, const struct contacts_to *to)
{
	uint8_t key[35];

	memcpy(key, ip->b, 16);
	memcpy(key + 16, to->ip.b, 16);
	store_be16(key + 32, to->port);
	key[34] = to->proto;
	return XXH3_64bits(key, sizeof(key));
}

static uint64_t
bits_of(uint64_t h)
{
	return UINT64_C(1) << (h & 63) | UINT64_C(1) << (h >> 6 & 63) |
	       UINT64_C(1) << (h >> 12 & 63);
}

static uint64_t *
words_of(const struct contacts *c, uint64_t h)
{
	return c->seen.word +
	       (size_t)(h >> 32 & c->seen.mask) * SEEN_GENERATIONS;
}

bool
contacts_seen(const struct contacts *c, const struct addr *ip,
	      const struct contacts_to *to)
{
	uint64_t h = pair_hash(ip, to), bits = bits_of(h);
	const uint64_t *w = words_of(c, h);
	bool seen = false;

	for (unsigned g = 0; g < SEEN_GENERATIONS; g++) {
		seen |= (w[g] & bits) == bits;
	}
	return seen;
}

/* Makes 'generation' the latest; what is older than all four goes. */
static void
go_on(struct seen_pairs *s, uint64_t generation)
{
	uint64_t from = MAX(s->generation + 1,
			    generation > SEEN_GENERATIONS
				    ? generation - SEEN_GENERATIONS + 1
				    : 0);

	for (uint64_t g = from; g <= generation; g++) {
		for (size_t i = 0; i <= s->mask; i++) {
			s->word[i * SEEN_GENERATIONS + g % SEEN_GENERATIONS] =
				0;
		}
	}
	s->generation = generation;
}

void
contacts_note_seen(struct contacts *c, const struct addr *ip,
		   const struct contacts_to *to, uint64_t interval)
{
	uint64_t h = pair_hash(ip, to);
	uint64_t generation = interval >> SEEN_SHIFT;

	/* Not by one wrong time: by the clock that a sweep believes. */
	if (generation > c->seen.generation &&
	    (interval + 1) * c->conf->interval_us <= c->now_us) {
		go_on(&c->seen, generation);
	}
	words_of(c, h)[c->seen.generation % SEEN_GENERATIONS] |= bits_of(h);
}
