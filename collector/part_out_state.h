/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_out_state.h - what the files of part_out share
 *
 * Internal: included by part_out*.c only.
 *
 * Place    with part_out.
 * Threads  as part_out.h.
 * Memory   as part_out.h.
 * Cost     as part_out.h.
 */
#ifndef COLLECTOR_PART_OUT_STATE_H
#define COLLECTOR_PART_OUT_STATE_H

#include "collector/part_out.h"
#include "collector/part_pack.h"
#include "collector/store_sql.h"
#include "common/frame.h"

enum part_out_statement { ST_PUT, ST_GET, ST_FREE, ST_SELF, ST_PART_OUT };

struct part_out {
	const struct part_config *cfg;
	struct store *store;
	struct part_pack *pack;
	struct frame_codec *codec;
	sqlite3_stmt *st[ST_PART_OUT];
	uint64_t epoch, head_epoch; /* of the head, when it has more */
	uint64_t seq, committed_seq; /* the last that is written */
	uint64_t start; /* what the store had as its last when we began */
	uint64_t point, freed; /* that the head has; of which rows are gone */
	uint64_t sent; /* to this Redis */
	uint64_t sent_bytes; /* since the last word of the head */
	uint64_t bytes, committed_bytes; /* in the table */
	uint64_t connects; /* of the pool, when we last sent */
	uint64_t moved_us, freed_us, said_us; /* monotonic */
	bool begun; /* 'start' is known */
	bool asked; /* where the head is, once at least */
	bool behind; /* the head has what the store does not know of */
	bool told_full, told_point, changed;
	struct part_out_stats stats, committed;
};

/* part_out.c: the store is older than what the head has of it.  What it had
 * when we began is the head's already, and what came since is numbered anew,
 * in a transaction of its own. */
enum err part_out_begin_anew(struct part_out *o) MUST_CHECK;

#endif
