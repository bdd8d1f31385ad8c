/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common_set_state.h - what the files of the common set share
 *
 * common_set.c takes from the inbox, a slice a turn; common_set_put.c takes one or
 * many at once from a source that the collector listens to, and what was seen.
 *
 * Internal header: included by common_set*.c only.
 *
 * Place    within common_set.
 * Threads  as common_set.h.
 */
#ifndef COLLECTOR_COMMON_SET_STATE_H
#define COLLECTOR_COMMON_SET_STATE_H

#include "collector/common_set.h"
#include "collector/store_sql.h"

enum set_statement {
	CS_OPEN,
	CS_IMPORT,
	CS_LEFT,
	CS_OLDEST,
	CS_ROW,
	CS_ROW_GONE,
	CS_ADD,
	CS_CURSOR,
	CS_DONE,
	CS_BROKEN,
	CS_LATE,
	CS_DUE,
	CS_REFUSALS_TRIM,
	CS_IMPORTS_TRIM,
	CS_SEEN,
	CS_SEEN_BEFORE,
	CS_LARGEST_PARTNER,
	CS_STATEMENTS
};

struct common_set {
	sqlite3 *db;
	struct indicator_store *store;
	struct gate *gate;
	struct indicator_gate as_gate;
	struct indicator_words *words;
	sqlite3_stmt *st[CS_STATEMENTS];
	struct common_set_config cfg;
	struct common_set_stats stats, committed;
	uint64_t trimmed_us; /* monotonic */
	uint64_t budget_us; /* of a slice, before its commit */
	bool busy;
	bool draining; /* the inbox was full: until it is empty */
	bool ready; /* the gate */
	int64_t ended; /* import that this slice ended; 0: none */
};

/* Counts what came of one record. */
void common_set_count(struct common_set_stats *s,
		      const struct indicator_put *p);

#endif
