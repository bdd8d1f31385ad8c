/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_pattern_state.h"

#include <stdlib.h>

struct ioc_pattern_state {
	struct ioc_partial *v;
	uint32_t n;
	struct ioc_state_counters count;
};

struct ioc_pattern_state *
ioc_pattern_state_new(uint32_t n_stateful)
{
	struct ioc_pattern_state *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->n = n_stateful;
	s->v = calloc((size_t)n_stateful + 1, sizeof(*s->v));
	if (s->v == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
ioc_pattern_state_free(struct ioc_pattern_state *s)
{
	if (s != NULL) {
		for (uint32_t i = 0; i < s->n; i++) {
			free(s->v[i].v);
		}
		free(s->v);
		free(s);
	}
}

static bool
grow(struct ioc_pattern_state *s, struct ioc_partial *q)
{
	uint32_t cap = MIN(q->cap * 2 + 4, IOC_STATE_KEPT);
	struct ioc_kept *v;

	if (q->cap == IOC_STATE_KEPT || s->count.kept >= IOC_STATE_TOTAL) {
		return false;
	}
	v = realloc(q->v, cap * sizeof(*v));
	if (v == NULL) {
		s->count.no_memory++;
		return false;
	}
	q->v = v;
	q->cap = cap;
	return true;
}

/*
 * The oldest that satisfied the same leaves gives way, or else the oldest that
 * satisfied what the latest did: a flood displaces itself.
 */
static void
evict(struct ioc_pattern_state *s, struct ioc_partial *q, uint64_t leaves)
{
	uint32_t at = 0;

	while (at < q->n && q->v[at].leaves != leaves) {
		at++;
	}
	if (at == q->n) {
		leaves = q->v[q->n - 1].leaves;
		for (at = 0; q->v[at].leaves != leaves;) {
			at++;
		}
	}
	memmove(&q->v[at], &q->v[at + 1], (q->n - at - 1) * sizeof(q->v[0]));
	q->n--;
	s->count.kept--;
	s->count.evicted++;
}

static void
forget(struct ioc_pattern_state *s, struct ioc_partial *q)
{
	s->count.kept -= q->n;
	free(q->v);
	*q = (struct ioc_partial){ 0 };
}

bool
ioc_pattern_state_apply(struct ioc_pattern_state *s, const struct ioc_prog *p,
			uint64_t leaves, uint64_t ts_us)
{
	struct ioc_partial *q = &s->v[p->state];
	bool limited = false, met;

	if ((q->n == q->cap || s->count.kept >= IOC_STATE_TOTAL) &&
	    !grow(s, q)) {
		if (q->n == 0) {
			s->count.evicted++;
			return false;
		}
		evict(s, q, leaves);
	}
	q->v[q->n++] = (struct ioc_kept){ ts_us, leaves };
	s->count.kept++;
	met = ioc_pattern_search(p, q, &limited);
	s->count.limited += limited;
	if (met) {
		forget(s, q);
	}
	return met;
}

void
ioc_pattern_state_move(struct ioc_pattern_state *to, uint32_t to_state,
		       struct ioc_pattern_state *from, uint32_t from_state)
{
	struct ioc_partial *q = &from->v[from_state];

	to->v[to_state] = *q;
	to->count.kept += q->n;
	from->count.kept -= q->n;
	*q = (struct ioc_partial){ 0 };
}

struct ioc_state_counters
ioc_pattern_state_counters(const struct ioc_pattern_state *s)
{
	return s->count;
}
