/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_state_parts.h - what the files of finding_state share
 *
 * Internal header: included by finding_state*.c only.
 *
 * Place    within finding_state.
 * Threads  as finding_state.h.
 */
#ifndef COLLECTOR_FINDING_STATE_PARTS_H
#define COLLECTOR_FINDING_STATE_PARTS_H

#include "collector/finding_state.h"

#define STATE_BUCKETS 65536

struct finding_states {
	sqlite3 *db;
	sqlite3_stmt *put, *gone, *put_place, *gone_place;
	struct mark_set *marks;
	unsigned bounds[STATE_KINDS];
	struct state *buckets[STATE_BUCKETS];
	struct state *dirty;
	struct state_place *places;
	unsigned n_places;
	uint64_t n[STATE_KINDS], evicted[STATE_KINDS];
	int64_t next_id;
	uint32_t next_place;
	int64_t *dropped; /* ids that the store has still */
	size_t n_dropped, cap_dropped;
	uint32_t *dropped_places;
	size_t n_dropped_places, cap_dropped_places;
	bool failed; /* out of memory within a step that cannot say so */
};

size_t finding_body_size(enum state_kind k);
/* An empty one of that key, in its lists; not touched nor dirty.  NULL: no
 * memory. */
struct state *finding_states_insert(struct finding_states *s,
				    struct state_place *p,
				    const struct state_key *key);
struct state_place *finding_states_add_place(struct finding_states *s,
					     uint32_t id);
void finding_states_empty(struct finding_states *s);

#endif
