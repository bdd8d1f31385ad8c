/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_reader.h"

#include <stdlib.h>
#include <string.h>

#include "collector/store_schema.h"
#include "collector/store_sql.h"

/* How long a reader waits for the writer. */
#define BUSY_MS 5000

enum err
store_reader_open(struct store_reader **out, const char *path, struct diag *d)
{
	struct store_reader *r = calloc(1, sizeof(*r));
	enum err e;

	*out = NULL;
	if (r == NULL || (r->path = strdup(path)) == NULL) {
		free(r);
		return diag_set(d, ERR_NOMEM, "%s: out of memory", path);
	}
	if (sql_open(&r->db, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_FULLMUTEX,
		     BUSY_MS) != ERR_OK) {
		e = diag_set(d, ERR_NOTFOUND,
			     "%s: %s: name the store that a picket-collector "
			     "writes; it makes it at its first start",
			     path, sqlite3_errmsg(r->db));
	} else {
		e = store_schema_check(r->db, path, d);
	}
	if (e != ERR_OK) {
		store_reader_close(r);
		return e;
	}
	*out = r;
	return ERR_OK;
}

void
store_reader_close(struct store_reader *r)
{
	if (r != NULL) {
		sqlite3_close(r->db);
		free(r->path);
		free(r);
	}
}

sqlite3_stmt *
store_reader_prepare(struct store_reader *r, const char *sql)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(r->db, sql, -1, &st, NULL) != SQLITE_OK) {
		return NULL;
	}
	return st;
}

enum err
store_reader_finish(sqlite3_stmt *st, int rc)
{
	sqlite3_finalize(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

enum err
store_change_begin(struct store_reader *r, sqlite3 **out, struct diag *d)
{
	sqlite3 *db = NULL;
	enum err e;

	*out = NULL;
	if (sql_open(&db, r->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     BUSY_MS) == ERR_OK &&
	    sql_exec(db, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE") ==
		    ERR_OK) {
		*out = db;
		return ERR_OK;
	}
	e = sqlite3_errcode(db) == SQLITE_BUSY ? ERR_AGAIN : ERR_IO;
	diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	sqlite3_close(db);
	return e;
}
