/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps_state.h - what the files of taps share
 *
 * Internal: included by taps*.c only.
 *
 * Place    with taps.
 * Threads  as taps.h.
 * Memory   as taps.h.
 * Cost     as taps.h.
 */
#ifndef COLLECTOR_TAPS_STATE_H
#define COLLECTOR_TAPS_STATE_H

#include "collector/store_sql.h"
#include "collector/taps.h"
#include "common/eve.h"
#include "common/frame.h"

enum taps_statement {
	ST_TWIN,
	ST_FIRST,
	ST_TWINS_GONE,
	ST_PAIR,
	ST_CLOCK,
	ST_NAME,
	ST_JOIN_ROWS,
	ST_JOIN_FIRST,
	ST_JOIN_FRAME,
	ST_EVENT,
	ST_FORGET,
	ST_CALL,
	ST_TAPS
};

/* The frame that was read last, for those that are joined late. */
struct taps_frame {
	struct frame_codec *codec; /* has its bytes; NULL: none was read yet */
	struct eve *eve;
	struct view *lines; /* of its alerts, in order */
	size_t n, cap;
	int64_t id, first, sensor; /* 0: none; its first alert */
	char site[256], name[256];
};

struct taps {
	struct store *store;
	struct twins *twins;
	struct skew *skew;
	uint64_t solve_us; /* clocks are not worked out before; monotonic */
	struct taps_frame frame;
	taps_find_fn *find; /* NULL: there is nothing elsewhere */
	void *find_arg;
	sqlite3_stmt *st[ST_TAPS];
};

/* When an alert of the sensor was, by what is known of its clock. */
struct twin_seen taps_seen(struct taps *t, int64_t sensor, int64_t id,
			   const struct alert *a);
/* The handshake that an anchor tells of; false when it tells of none. */
bool taps_handshake(const struct alert *a, uint64_t *id, uint64_t *syn_us);
/* Its clock for twin. */
uint64_t taps_right(void *arg, int64_t sensor, uint64_t told_us, bool *known);
/* taps_load.c: whether line 'n' (from 0) of a frame is an alert; 'others' lists
 * those that are none, and '*other' is the next of them. */
struct taps_others {
	struct view left;
	uint64_t next; /* UINT64_MAX: none */
};
struct taps_others taps_others(struct view list);
bool taps_is_other(struct taps_others *o, uint64_t n);
/* taps_join.c: ends what it holds. */
void taps_join_fini(struct taps *t);
/* taps_load.c: what the store calls the event of alert 'id'. */
enum err taps_event_of(struct taps *t, int64_t id, int64_t *event) MUST_CHECK;
/* The latest alerts and anchors of the store. */
enum err taps_load(struct taps *t) MUST_CHECK;

#endif
