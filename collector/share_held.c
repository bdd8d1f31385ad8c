/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/share_held.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Slots in which one thing may be, beside each other; the newest is first. */
#define WAYS 4

static uint64_t
hash_of(const struct share_note *n, uint64_t seed)
{
	const int64_t what[3] = { (int64_t)n->kind, (int64_t)n->verdict,
				  n->local };
	uint64_t h = XXH3_64bits_withSeed(what, sizeof(what), seed);

	h = XXH3_64bits_withSeed(n->mark, strlen(n->mark), h);
	return h != 0 ? h : 1;
}

static size_t
first_slot(uint64_t h)
{
	return (size_t)(h % (SHARE_HELD_SLOTS / WAYS)) * WAYS;
}

static bool
is_known(const struct share_held_known *k, uint64_t h)
{
	const uint64_t *slot = &k->slots[first_slot(h)];

	for (unsigned i = 0; i < WAYS; i++) {
		if (slot[i] == h) {
			return true;
		}
	}
	return false;
}

void
share_held_news(const struct share_held_known *k, const char *policy,
		struct share_bundle *b)
{
	uint64_t seed = XXH3_64bits(policy, strlen(policy));
	size_t kept = 0;

	for (size_t i = 0; i < b->n_notes; i++) {
		struct share_note *n = &b->notes[i];

		if (n->verdict != RELEASE_GOES &&
		    is_known(k, hash_of(n, seed))) {
			b->counts[n->kind][n->verdict]--;
			b->n_held--;
			free(n->mark);
			continue;
		}
		b->notes[kept++] = *n;
	}
	b->n_notes = kept;
}

void
share_held_note(struct share_held_known *k, const char *policy,
		const struct share_bundle *b)
{
	uint64_t seed = XXH3_64bits(policy, strlen(policy));

	for (size_t i = 0; i < b->n_notes; i++) {
		const struct share_note *n = &b->notes[i];
		uint64_t h = hash_of(n, seed);
		uint64_t *slot = &k->slots[first_slot(h)];

		if (n->verdict != RELEASE_GOES && !is_known(k, h)) {
			memmove(slot + 1, slot, (WAYS - 1) * sizeof(*slot));
			slot[0] = h;
		}
	}
}
