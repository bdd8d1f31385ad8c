/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_sql.h"

#include <assert.h>
#include <stdarg.h>

static int
bind_one(sqlite3_stmt *st, int i, char type, va_list *ap)
{
	const struct addr *a;
	struct view v;
	uint64_t u;

	switch (type) {
	case 'i':
		return sqlite3_bind_int64(st, i, va_arg(*ap, int64_t));
	case 'u':
		u = va_arg(*ap, uint64_t);
		return sqlite3_bind_int64(st, i,
					  (int64_t)MIN(u, (uint64_t)INT64_MAX));
	case 'd':
		return sqlite3_bind_int(st, i, va_arg(*ap, int));
	case 't':
		return sqlite3_bind_text(st, i, va_arg(*ap, const char *), -1,
					 SQLITE_STATIC);
	case 'v':
		v = va_arg(*ap, struct view);
		return sqlite3_bind_text(st, i,
					 v.len != 0 ? (const char *)v.p : "",
					 (int)v.len, SQLITE_STATIC);
	case 'b':
		v = va_arg(*ap, struct view);
		return sqlite3_bind_blob(st, i,
					 v.len != 0 ? (const void *)v.p : "",
					 (int)v.len, SQLITE_STATIC);
	case 'a':
		a = va_arg(*ap, const struct addr *);
		return sqlite3_bind_blob(st, i, a->b, sizeof(a->b),
					 SQLITE_STATIC);
	case 'n':
		return sqlite3_bind_null(st, i);
	default:
		assert(!"known type");
		return SQLITE_MISUSE;
	}
}

static int
bind_all(sqlite3_stmt *st, const char *fmt, va_list *ap)
{
	int rc = SQLITE_OK;

	for (int i = 1; *fmt != '\0' && rc == SQLITE_OK; fmt++, i++) {
		rc = bind_one(st, i, *fmt, ap);
	}
	return rc;
}

int
sql_bind(sqlite3_stmt *st, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = bind_all(st, fmt, &ap);
	va_end(ap);
	return rc;
}

enum err
sql_run(sqlite3_stmt *st, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = bind_all(st, fmt, &ap);
	va_end(ap);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

enum err
sql_open(sqlite3 **db, const char *path, int flags, int busy_ms)
{
	return sqlite3_open_v2(path, db, flags, NULL) == SQLITE_OK &&
			       sqlite3_busy_timeout(*db, busy_ms) ==
				       SQLITE_OK &&
			       sqlite3_exec(*db, "PRAGMA temp_store=MEMORY",
					    NULL, NULL, NULL) == SQLITE_OK
		       ? ERR_OK
		       : ERR_IO;
}

enum err
sql_exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK
								    : ERR_IO;
}

const char *
sql_text(sqlite3_stmt *st, int col)
{
	const char *s = (const char *)sqlite3_column_text(st, col);

	return s != NULL ? s : "";
}

uint64_t
sql_u64(sqlite3_stmt *st, int col)
{
	int64_t v = sqlite3_column_int64(st, col);

	return v > 0 ? (uint64_t)v : 0;
}

struct addr
sql_addr(sqlite3_stmt *st, int col)
{
	struct addr a = { { 0 } };

	if (sqlite3_column_bytes(st, col) == (int)sizeof(a.b)) {
		memcpy(a.b, sqlite3_column_blob(st, col), sizeof(a.b));
	}
	return a;
}
