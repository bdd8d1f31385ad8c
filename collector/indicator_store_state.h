/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_store_state.h - what the files of the common set's tables share
 *
 * Internal header: included by indicator_store*.c only.
 *
 * Place    within indicator_store.
 * Threads  as indicator_store.h.
 */
#ifndef COLLECTOR_INDICATOR_STORE_STATE_H
#define COLLECTOR_INDICATOR_STORE_STATE_H

#include "collector/indicator_store.h"
#include "collector/store_sql.h"

enum indicator_statement {
	IS_NEWEST,
	IS_FIND,
	IS_ROW,
	IS_SET,
	IS_OFF,
	IS_ADD,
	IS_SOURCE,
	IS_SOURCES,
	IS_SOURCE_PUT,
	IS_SOURCE_TOUCH,
	IS_SOURCE_GONE,
	IS_OLDER,
	IS_DUE,
	IS_BEHIND,
	IS_ORIGIN,
	IS_ORIGIN_PUT,
	IS_ORIGIN_N,
	IS_TOTAL,
	IS_LOG,
	IS_VERDICT,
	IS_N_OFF,
	IS_OLDEST_OFF,
	IS_N_SOURCES,
	IS_SOURCE_DROP,
	IS_DROP_ORIGINS,
	IS_DROP_SOURCES,
	IS_DROP_LOG,
	IS_DROP_SEEN,
	IS_DROP,
	IS_FLOOR,
	IS_LOG_TRIM,
	IS_STATEMENTS
};

struct indicator_store {
	sqlite3 *db;
	sqlite3_stmt *st[IS_STATEMENTS];
	struct indicator_limits limits;
	uint64_t change; /* the newest, of this transaction */
	uint64_t total; /* records of sources, of this transaction */
	/* The source last put from, and its records; 0: none. */
	int64_t origin;
	uint64_t origin_n;
	bool origin_moved;
};

/* A row of the table as it is. */
struct indicator_row {
	int64_t id;
	enum indicator_kind kind;
	enum indicator_state state;
	enum indicator_verdict verdict;
	bool exact;
	char reason[INDICATOR_REASON_CAP];
	char *value; /* its own, or NULL */
};

/* What the sources in force say together. */
struct indicator_joined {
	unsigned n; /* in force */
	struct indicator is; /* texts are empty */
	uint64_t due_us;
	int64_t best; /* source whose texts are shown */
	unsigned best_confidence;
	uint64_t best_modified_us;
	const char *gone; /* why none is in force */
};

/* Adds one record in force, or not ('gone', or run out by now). */
void indicator_joined_add(struct indicator_joined *j, const struct indicator *i,
			  int64_t origin, enum indicator_gone gone,
			  uint64_t now_us);
/* What becomes of 'row', from 'state' it has: its state and its reason. */
void indicator_decide(struct indicator_row *row,
		      const struct indicator_joined *j,
		      const struct indicator_gate *gate);
/* Joins the sources of row 'id' anew and keeps what comes of it. */
enum err indicator_settle(struct indicator_store *s, int64_t id,
			  const struct indicator_gate *gate, uint64_t now_us,
			  bool *held) MUST_CHECK;
enum err indicator_row_read(struct indicator_store *s, int64_t id,
			    struct indicator_row *row) MUST_CHECK;
/* Steps a statement of one number; 0 when there is no row. */
enum err indicator_number(sqlite3_stmt *st, uint64_t *out) MUST_CHECK;

#endif
