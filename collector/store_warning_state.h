/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_warning_state.h - what the files of the warnings' table share
 *
 * Internal header: included by store_warning*.c only.
 *
 * Place    within store_warning.
 * Threads  as store_warning.h.
 * Memory   a row's texts are its reader's.
 * Cost     none of its own.
 */
#ifndef COLLECTOR_STORE_WARNING_STATE_H
#define COLLECTOR_STORE_WARNING_STATE_H

#include "collector/indicator_store.h"
#include "collector/store_sql.h"
#include "collector/store_warning.h"

/* One statement with its values, in a transaction that is there. */
#define WARNING_RUN(db, err, sql, ...) \
	do { \
		sqlite3_stmt *st_ = NULL; \
		(err) = sqlite3_prepare_v2((db), (sql), -1, &st_, NULL) == \
					SQLITE_OK \
				? sql_run(st_, __VA_ARGS__) \
				: ERR_IO; \
		sqlite3_finalize(st_); \
	} while (0)

#define WARNING_COLUMNS \
	"SELECT id,kind,value,mark,confidence,severity,incident,level,site," \
	"first_us,cause_us,stored_us,state,indicator,change,offered_us," \
	"armed_us,sensors,last_site,last_sensor,exact,moved_us FROM warnings "

/* A row with texts of its own: no statement is open while it is acted on. */
struct warning_kept {
	struct store_warning w;
	char value[INDICATOR_PATTERN_CAP], mark[MARKING_TEXT_CAP], site[256];
};

/* Row 'id', with texts of its own; ERR_IO as well when there is none. */
enum err store_warning_read(sqlite3 *db, int64_t id,
			    struct warning_kept *k) MUST_CHECK;
/* The first column of the only row, of three parameters; 0: there is none. */
enum err store_warning_number(sqlite3 *db, int64_t *out, const char *sql,
			      int64_t a, const char *b, int64_t c) MUST_CHECK;

#endif
