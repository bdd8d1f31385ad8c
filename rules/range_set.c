/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/range_set.h"

#include <stdlib.h>

bool
range_list_add(struct range_list *l, unsigned __int128 lo, unsigned __int128 hi)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 8 : l->cap * 2;
		struct range *v = realloc(l->v, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = (struct range){ lo, hi };
	return true;
}

bool
range_list_add_set(struct range_list *l, const struct range_set *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		if (!range_list_add(l, s->v[i].lo, s->v[i].hi)) {
			return false;
		}
	}
	return true;
}

static int
by_low(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
range_list_normalise(struct range_list *l)
{
	size_t out = 0;

	if (l->n < 2) {
		return;
	}
	qsort(l->v, l->n, sizeof(l->v[0]), by_low);
	for (size_t i = 1; i < l->n; i++) {
		struct range *last = &l->v[out];

		if (last->hi == RANGE_MAX || l->v[i].lo <= last->hi + 1) {
			last->hi = MAX(last->hi, l->v[i].hi);
		} else {
			l->v[++out] = l->v[i];
		}
	}
	l->n = out + 1;
}

bool
range_list_subtract(struct range_list *a, struct range_list *b,
		    struct range_list *out)
{
	size_t j = 0;

	range_list_normalise(a);
	range_list_normalise(b);
	out->n = 0;
	for (size_t i = 0; i < a->n; i++) {
		unsigned __int128 lo = a->v[i].lo, hi = a->v[i].hi;
		bool left = true;

		while (j < b->n && b->v[j].hi < lo) {
			j++;
		}
		for (size_t k = j; k < b->n && b->v[k].lo <= hi; k++) {
			if (b->v[k].lo > lo &&
			    !range_list_add(out, lo, b->v[k].lo - 1)) {
				return false;
			}
			if (b->v[k].hi >= hi) {
				left = false;
				break;
			}
			lo = b->v[k].hi + 1;
		}
		if (left && !range_list_add(out, lo, hi)) {
			return false;
		}
	}
	return true;
}

const struct range_set *
range_list_seal(const struct range_list *l, struct arena *a)
{
	struct range_set *s = arena_alloc(a, sizeof(*s));
	struct range *v = arena_alloc(a, l->n * sizeof(*v));

	if (s == NULL || v == NULL) {
		return NULL;
	}
	if (l->n > 0) {
		memcpy(v, l->v, l->n * sizeof(*v));
	}
	s->v = v;
	s->n = (uint32_t)l->n;
	return s;
}

void
range_list_fini(struct range_list *l)
{
	free(l->v);
	*l = (struct range_list){ NULL, 0, 0 };
}

bool
range_set_has(const struct range_set *s, unsigned __int128 x)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (x < s->v[mid].lo) {
			hi = mid;
		} else if (x > s->v[mid].hi) {
			lo = mid + 1;
		} else {
			return true;
		}
	}
	return false;
}
