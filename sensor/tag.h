/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag.h - flows and hosts whose next packets are wanted, by rules with "tag"
 *
 * Place    above rule.h, flow and packet; below worker.
 * Threads  one table a worker.  A host may talk through several workers, so
 *          that rules which tag hosts are run by one worker (see main.c).
 * Memory   TAG_MAX entries of the worker's pool, reserved once; a tag that
 *          finds none free is counted.
 * Cost     nothing for packets while nothing is tagged; then a hash probe for
 *          each end.
 */
#ifndef SENSOR_TAG_H
#define SENSOR_TAG_H

#include "common/pool.h"
#include "rules/rule.h"
#include "sensor/flow.h"

#define TAG_MAX 4096
#define TAG_PER_KEY 50 /* tags of one flow or host that are looked at */

struct tag_table;

struct tag_counters {
	uint64_t set, full;
};

/* NULL when the pool is empty. */
struct tag_table *tag_table_new(struct pool *pool);
void tag_table_free(struct tag_table *t);

/*
 * 'rule' alerted on a packet of 'f' (NULL: none) from 'src' to 'dst': sets its
 * tags, or begins their counts anew.  The packet itself is the first counted.
 */
void tag_set(struct tag_table *t, const struct rule *rule, const struct flow *f,
	     const struct addr *src, const struct addr *dst, uint64_t now_us);

/*
 * Counts a packet of 'len' bytes in all tags that it falls under; true when
 * one of them was there before.  Call after tag_set() of the same packet.
 */
bool tag_packet(struct tag_table *t, const struct flow *f,
		const struct addr *src, const struct addr *dst, uint32_t len,
		uint64_t now_us);

/* The flow is over. */
void tag_forget(struct tag_table *t, const struct flow *f);

const struct tag_counters *tag_counters(const struct tag_table *t);

#endif
