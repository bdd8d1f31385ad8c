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

enum taps_statement {
	ST_TWIN,
	ST_TWINS_GONE,
	ST_PAIR,
	ST_CLOCK,
	ST_NAME,
	ST_EVENT,
	ST_TAPS
};

struct taps {
	struct store *store;
	struct twins *twins;
	struct skew *skew;
	uint64_t solve_us; /* clocks are not worked out before; monotonic */
	sqlite3_stmt *st[ST_TAPS];
};

/* When an alert of the sensor was, by what is known of its clock. */
struct twin_seen taps_seen(struct taps *t, int64_t sensor, int64_t id,
			   const struct alert *a);
/* The handshake that an anchor tells of; false when it tells of none. */
bool taps_handshake(const struct alert *a, uint64_t *id, uint64_t *syn_us);
/* taps_load.c: the latest alerts and anchors of the store. */
enum err taps_load(struct taps *t) MUST_CHECK;

#endif
