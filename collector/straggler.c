/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/straggler.h"

#include <stdlib.h>

#include "common/clock.h"

/* A sensor shows what it does within seconds, and the collector looks each
 * five seconds (health.h). */
#define PATIENCE_US (8 * US_PER_S)
#define PATIENCE_MAX_US (600 * US_PER_S)

struct straggler {
	int64_t sensor, order;
	uint64_t next_us, patience_us;
	bool seen; /* in this look */
};

void
stragglers_free(struct stragglers *t)
{
	free(t->v);
	*t = (struct stragglers){ 0 };
}

void
straggler_look(struct stragglers *t)
{
	t->at = 0;
	for (unsigned i = 0; i < t->n; i++) {
		t->v[i].seen = false;
	}
}

static struct straggler *
find(struct stragglers *t, int64_t sensor, int64_t order)
{
	/* Each look comes by them in the same order. */
	for (unsigned k = 0, i = t->at; k < t->n; k++, i++) {
		i = i < t->n ? i : 0;
		if (t->v[i].sensor == sensor && t->v[i].order == order) {
			t->at = i + 1;
			return &t->v[i];
		}
	}
	if (t->n == t->cap) {
		struct straggler *more =
			realloc(t->v, (t->cap * 2 + 16) * sizeof(*more));

		if (more == NULL) {
			return NULL; /* told at a later look */
		}
		t->v = more;
		t->cap = t->cap * 2 + 16;
	}
	t->v[t->n] =
		(struct straggler){ .sensor = sensor,
				    .order = order,
				    .next_us = clock_mono_us() + PATIENCE_US,
				    .patience_us = PATIENCE_US };
	t->at = ++t->n;
	return &t->v[t->n - 1];
}

bool
straggler_due(struct stragglers *t, int64_t sensor, int64_t order)
{
	struct straggler *s = find(t, sensor, order);
	uint64_t now = clock_mono_us();

	if (s == NULL) {
		return false;
	}
	s->seen = true;
	if (now < s->next_us) {
		return false;
	}
	s->patience_us = MIN(s->patience_us * 2, PATIENCE_MAX_US);
	s->next_us = now + s->patience_us;
	return true;
}

void
straggler_looked(struct stragglers *t)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->n; i++) {
		if (t->v[i].seen) {
			t->v[kept++] = t->v[i];
		}
	}
	t->n = kept;
}
