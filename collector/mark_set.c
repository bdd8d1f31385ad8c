/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mark_set.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define SLOTS (2 * MARK_SET_MAX)

struct mark_set {
	unsigned n;
	uint16_t slots[SLOTS]; /* index + 1; 0 is free */
	struct marking marks[MARK_SET_MAX];
};

const struct marking mark_nobody = { .tlp = TLP_RED, .limited = true };

struct mark_set *
mark_set_new(void)
{
	return calloc(1, sizeof(struct mark_set));
}

void
mark_set_free(struct mark_set *s)
{
	free(s);
}

bool
mark_same(const struct marking *a, const struct marking *b)
{
	if (a->tlp != b->tlp || a->limited != b->limited) {
		return false;
	}
	if (!a->limited) {
		return true;
	}
	if (a->n_names != b->n_names) {
		return false;
	}
	for (unsigned i = 0; i < a->n_names; i++) {
		if (strcmp(a->names[i], b->names[i]) != 0) {
			return false;
		}
	}
	return true;
}

uint64_t
mark_hash(const struct marking *m)
{
	uint64_t h = (uint64_t)m->tlp << 1 | m->limited;

	for (unsigned i = 0; m->limited && i < m->n_names; i++) {
		h = XXH3_64bits_withSeed(m->names[i], strlen(m->names[i]), h);
	}
	return XXH3_64bits(&h, sizeof(h));
}

const struct marking *
mark_set_keep(struct mark_set *s, const struct marking *m)
{
	size_t slot = mark_hash(m) % SLOTS;

	for (; s->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		const struct marking *has = &s->marks[s->slots[slot] - 1];

		if (mark_same(has, m)) {
			return has;
		}
	}
	if (s->n == MARK_SET_MAX) {
		return &mark_nobody;
	}
	s->marks[s->n] = *m;
	s->slots[slot] = (uint16_t)(s->n + 1);
	return &s->marks[s->n++];
}

const struct marking *
mark_set_join(struct mark_set *s, const struct marking *a,
	      const struct marking *b)
{
	struct marking both;

	if (a == NULL || b == NULL || a == b) {
		return a != NULL ? a : b;
	}
	both = *a;
	marking_join(&both, b);
	return mark_set_keep(s, &both);
}

void
mark_read_kept(struct marking *m, struct view text)
{
	struct diag d;

	if (marking_read(m, text, &d) != ERR_OK) {
		*m = mark_nobody;
	}
}
