/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_sql.h - statements bound by a format, so that a query is one line
 *
 * Values never become part of SQL text; this is the only way they get there.
 *
 * Place    below store and store_read.
 * Threads  as the connection.
 * Memory   bound views are borrowed until the statement is stepped and reset.
 */
#ifndef COLLECTOR_STORE_SQL_H
#define COLLECTOR_STORE_SQL_H

#include <sqlite3.h>

#include "common/addr.h"
#include "common/err.h"

/* Pages of a log that begins anew, whoever writes it: 64 MB. */
#define STORE_LOG_PAGES 16000

/*
 * Binds by 'fmt': i int64_t, u uint64_t (above INT64_MAX is clamped), d int,
 * t const char *, v struct view as text, b struct view as blob, a const
 * struct addr *, n nothing (NULL).
 */
int sql_bind(sqlite3_stmt *st, const char *fmt, ...) MUST_CHECK;
/* Binds, steps a statement without rows, resets.  ERR_IO on failure. */
enum err sql_run(sqlite3_stmt *st, const char *fmt, ...) MUST_CHECK;
enum err sql_exec(sqlite3 *db, const char *sql) MUST_CHECK;

/*
 * Every connection is opened by this: 'flags' are sqlite3_open_v2()'s, 'busy_ms'
 * is how long it waits for another's lock.  What SQLite would put into files of
 * its own, such as the journal of a long statement, stays in memory: a confined
 * thread may not make files, and its statements would fail.  The caller closes
 * '*db', after ERR_IO too, of which it has the message.
 */
enum err sql_open(sqlite3 **db, const char *path, int flags,
		  int busy_ms) MUST_CHECK;

/* Never NULL; valid until the next step. */
const char *sql_text(sqlite3_stmt *st, int col);
uint64_t sql_u64(sqlite3_stmt *st, int col);
struct addr sql_addr(sqlite3_stmt *st, int col);

#endif
