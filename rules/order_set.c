/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/order_set.h"

#include <stdlib.h>

static int
by_order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool
order_set_build(struct order_set *s, const uint32_t *orders, uint32_t n)
{
	uint32_t *sorted = malloc((n + 1) * sizeof(*sorted));

	s->n = 0;
	s->v = malloc((n + 1) * sizeof(*s->v));
	if (sorted == NULL || s->v == NULL) {
		free(sorted);
		order_set_fini(s);
		return false;
	}
	if (n > 0) {
		memcpy(sorted, orders, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), by_order);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = sorted[i] / 64;

		if (s->n == 0 || s->v[s->n - 1].at != at) {
			s->v[s->n++] = (struct order_word){ 0, at };
		}
		s->v[s->n - 1].bits |= UINT64_C(1) << (sorted[i] % 64);
	}
	free(sorted);
	return true;
}

void
order_set_fini(struct order_set *s)
{
	free(s->v);
	s->v = NULL;
	s->n = 0;
}
