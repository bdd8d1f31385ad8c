/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink_order.h - the lines of all workers in the order of their packets
 *
 * Place    above record; sink's own.
 * Threads  the sink's.
 * Memory   a slot a line of the largest round, on the heap.
 * Cost     a comparison a line where they stand right already, as a lone
 *          worker's do; else a sort of those that do not.
 */
#ifndef SENSOR_SINK_ORDER_H
#define SENSOR_SINK_ORDER_H

#include "sensor/record.h"

/* Which line of which outbox comes next. */
struct sink_slot {
	uint64_t order, sub;
	uint32_t box, index;
};

struct sink_order {
	struct sink_slot *slots;
	size_t cap;
};

/* Zeroed is a valid empty one. */
void sink_order_fini(struct sink_order *o);
/* Room for 'n' lines; false: no memory. */
bool sink_order_reserve(struct sink_order *o, size_t n) MUST_CHECK;
/* The records of all boxes, sorted, for which there is room; returns how many. */
size_t sink_order_line_up(struct sink_order *o, struct outbox *const *boxes,
			  unsigned n);
/* Of two struct sink_slot, for qsort(); none are equal. */
int sink_order_compare(const void *a, const void *b);

#endif
