/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sink_order.h"

#include <stdlib.h>

int
sink_order_compare(const void *a, const void *b)
{
	const struct sink_slot *x = a, *y = b;

	if (x->order != y->order) {
		return x->order < y->order ? -1 : 1;
	}
	if (x->sub != y->sub) {
		return x->sub < y->sub ? -1 : 1;
	}
	if (x->box != y->box) {
		return x->box < y->box ? -1 : 1;
	}
	return x->index < y->index ? -1 : x->index > y->index;
}

/*
 * Sorts, leaving alone what stands right already: of a lone worker all but
 * flows that ended together.
 */
static void
sort_slots(struct sink_slot *v, size_t n)
{
	size_t from = 1, least;

	while (from < n && sink_order_compare(&v[from - 1], &v[from]) < 0) {
		from++;
	}
	least = from;
	for (size_t i = from; i < n; i++) {
		if (sink_order_compare(&v[i], &v[least]) < 0) {
			least = i;
		}
	}
	if (from < n) {
		struct sink_slot first = v[least];

		while (from > 0 &&
		       sink_order_compare(&first, &v[from - 1]) < 0) {
			from--;
		}
		qsort(v + from, n - from, sizeof(*v), sink_order_compare);
	}
}

bool
sink_order_reserve(struct sink_order *o, size_t n)
{
	struct sink_slot *p;

	if (n <= o->cap) {
		return true;
	}
	p = realloc(o->slots, n * 2 * sizeof(*p));
	if (p == NULL) {
		return false;
	}
	o->slots = p;
	o->cap = n * 2;
	return true;
}

size_t
sink_order_line_up(struct sink_order *o, struct outbox *const *boxes,
		   unsigned n)
{
	size_t k = 0;

	for (unsigned i = 0; i < n; i++) {
		for (size_t r = 0; r < boxes[i]->n; r++) {
			o->slots[k++] = (struct sink_slot){
				.order = boxes[i]->rec[r].order,
				.sub = boxes[i]->rec[r].sub,
				.box = i,
				.index = (uint32_t)r,
			};
		}
	}
	sort_slots(o->slots, k);
	return k;
}

void
sink_order_fini(struct sink_order *o)
{
	free(o->slots);
	*o = (struct sink_order){ NULL, 0 };
}
