/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_in_state.h - what the files of part_in share
 *
 * Internal: included by part_in*.c only.
 *
 * Place    with part_in.
 * Threads  as part_in.h.
 * Memory   as part_in.h.
 * Cost     as part_in.h.
 */
#ifndef COLLECTOR_PART_IN_STATE_H
#define COLLECTOR_PART_IN_STATE_H

#include "collector/ingest.h"
#include "collector/part_in.h"
#include "collector/store_sql.h"
#include "common/frame_sign.h"

enum part_in_statement {
	ST_MARK,
	ST_RECORD,
	ST_OLDEST,
	ST_GONE,
	ST_ALL_GONE,
	ST_KEPT,
	ST_TWINS_GONE,
	ST_FIND,
	ST_PART_IN
};

#define TELL_US (UINT64_C(60) * US_PER_S)

/* How far a part is; its epoch 0: nothing came of it yet. */
struct part_mark {
	uint64_t epoch, seq, lost, records, alerts;
	uint64_t at_us; /* of the last record */
	/* When it was last heard of, and what it had said by then. */
	uint64_t seen_us, said_epoch, said_seq;
	uint64_t sensors; /* that it was the first to tell of */
};

struct part_source {
	struct part_mark mark;
	redisReply *reply; /* the last read */
	unsigned strikes; /* connections that its stream cost */
	bool away; /* it could not be read; told */
	bool silent; /* nothing is heard of it; told */
	bool moved, anew; /* in this transaction */
	bool publish; /* its point is to be told */
	uint64_t sensor_us; /* one of it found no room, told then (monotonic) */
};

/* An entry whose header was read. */
struct part_record {
	struct ingest_entry entry;
	struct frame_header hdr;
	uint64_t from; /* the oldest that the part still had */
};

struct part_in {
	const struct part_config *cfg;
	struct store *store;
	struct part_unpack *unpack;
	struct frame_codec *codec;
	sqlite3_stmt *st[ST_PART_IN];
	struct part_source source[PART_MAX];
	int64_t oldest, next; /* records that are kept: of what numbers */
	uint64_t kept; /* alerts and anchors in them */
	uint64_t published_us, told_us, looked_us, kept_us; /* monotonic */
	uint64_t since_us; /* we look (wall clock) */
	/* The record that codec and reader have from part_in_find(), and the
	 * last alert that was read of it; 0: none. */
	int64_t found_record, found_alert;
	struct part_in_stats stats, committed;
};

/* part_in_redis.c: the fields of one entry; false when it is not even a
 * record's.  And whether the part signed it, if it has to. */
bool part_in_entry(const redisReply *item, struct part_record *out) MUST_CHECK;
bool part_in_signed(const struct part_in *in, unsigned part,
		    const struct part_record *r) MUST_CHECK;

/* part_in_store.c: writes down how far a part is. */
enum err part_in_mark(struct part_in *in, unsigned part) MUST_CHECK;
/* Keeps a record that was applied, with 'n' alerts and anchors,
 * whose last alert is 'last'. */
enum err part_in_keep_record(struct part_in *in, unsigned part,
			     const struct part_record *r, uint64_t now_us,
			     uint64_t n, int64_t last) MUST_CHECK;
/* What is more than is to be read again goes, with its rows of "twins". */
enum err part_in_trim(struct part_in *in) MUST_CHECK;
/* The part counts its alerts from 1 on again: the records that are kept of it
 * go, as their numbers are other alerts' from now on. */
enum err part_in_forget(struct part_in *in, unsigned part) MUST_CHECK;

#endif
