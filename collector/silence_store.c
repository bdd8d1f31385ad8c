/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/silence_store.h"

#include <stdio.h>

#include "collector/store_sql.h"

static void
row(sqlite3_stmt *st, int col, struct silence *s)
{
	snprintf(s->site, sizeof(s->site), "%s", sql_text(st, col));
	snprintf(s->sensor, sizeof(s->sensor), "%s", sql_text(st, col + 1));
	snprintf(s->cause, sizeof(s->cause), "%s", sql_text(st, col + 2));
	s->from_us = sql_u64(st, col + 3);
}

enum err
silence_read(sqlite3 *db, struct silences *r, unsigned *n)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*n = 0;
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT b.id,s.site,s.sensor,b.cause,b.from_us FROM blind b"
		    " JOIN sensors s ON s.id=b.sensor WHERE b.id>max(?1,"
		    "coalesce((SELECT id FROM blind ORDER BY id DESC LIMIT 1"
		    " OFFSET ?2),0)) ORDER BY b.id",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "id", r->last, SILENCES) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct silence s;

			r->last = sqlite3_column_int64(st, 0);
			row(st, 1, &s);
			if (silence_counts(s.cause)) {
				silences_add(r, &s);
				(*n)++;
			}
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
silence_of(sqlite3 *db, int64_t incident, struct silence_list *list)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	list->n = 0;
	if (sqlite3_prepare_v2(db,
			       "SELECT site,sensor,cause,from_us FROM"
			       " incident_silences WHERE incident=? ORDER BY"
			       " from_us LIMIT ?",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "id", incident, SILENCE_MAX) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct silence s;

			row(st, 0, &s);
			(void)silence_list_add(list, &s);
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
silence_keep(sqlite3 *db, int64_t incident, const struct silence *s,
	     bool *fresh)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT OR IGNORE INTO incident_silences"
			       " VALUES(?,?,?,?,?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "itttu", incident, s->site, s->sensor, s->cause,
			    s->from_us);
	}
	sqlite3_finalize(st);
	*fresh = e == ERR_OK && sqlite3_changes(db) > 0;
	return e;
}

enum err
silence_merged(sqlite3 *db, int64_t from, int64_t into)
{
	sqlite3_stmt *move = NULL, *drop = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "UPDATE OR IGNORE incident_silences SET"
			       " incident=?2 WHERE incident=?1",
			       -1, &move, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db,
			       "DELETE FROM incident_silences WHERE incident=?",
			       -1, &drop, NULL) == SQLITE_OK) {
		e = sql_run(move, "ii", from, into);
		if (e == ERR_OK) {
			e = sql_run(drop, "i", from);
		}
	}
	sqlite3_finalize(move);
	sqlite3_finalize(drop);
	return e;
}
