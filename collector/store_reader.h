/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_reader.h - a connection that only reads
 *
 * Place    above store_schema; below store_read and store_cases.
 * Threads  a reader may be used by any number of threads; it never blocks the
 *          writer and is never blocked by it.
 * Memory   a connection with its page cache.
 */
#ifndef COLLECTOR_STORE_READER_H
#define COLLECTOR_STORE_READER_H

#include <sqlite3.h>

#include "common/err.h"

#define STORE_MAX_ROWS 10000

/* Real events only, one exercise (or all of them), or both. */
enum store_scope { STORE_REAL, STORE_EXERCISE, STORE_BOTH };

struct store_reader {
	sqlite3 *db; /* read only, serialised by SQLite */
	char *path;
};

/*
 * Opens an existing store to read, and to change the state of incidents.
 * ERR_NOTFOUND when there is none, ERR_FORMAT when it is not a store of a
 * version this program knows; the diag names the file and the mend.
 */
enum err store_reader_open(struct store_reader **out, const char *path,
			   struct diag *d) MUST_CHECK;
void store_reader_close(struct store_reader *r);

/*
 * A connection for one change, in a transaction that has begun; COMMIT, and
 * then sqlite3_close(), which undoes what was not committed.  ERR_AGAIN when the
 * writer held the store for longer than a few seconds, ERR_IO; with diag.
 */
enum err store_change_begin(struct store_reader *r, sqlite3 **out,
			    struct diag *d) MUST_CHECK;

/* For store_read and store_cases: NULL when the SQL or the store is at fault;
 * and the end of a loop over rows, with the last step's result. */
sqlite3_stmt *store_reader_prepare(struct store_reader *r, const char *sql);
enum err store_reader_finish(sqlite3_stmt *st, int rc) MUST_CHECK;

#endif
