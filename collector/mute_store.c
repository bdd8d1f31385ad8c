/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mute_store.h"

#include "collector/store_sql.h"

#define COLUMNS \
	"SELECT id,exercise,kind,key,from_us,until_us,who,why,alerts," \
	"ended_us,ended_by FROM mutes "

/* The first number of an answer. */
static enum err
number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		e = ERR_OK;
	}
	sqlite3_finalize(st);
	return e;
}

enum err
mute_put(sqlite3 *db, const struct mute_row *m)
{
	sqlite3_stmt *st = NULL;
	int64_t n = 0;
	enum err e;

	if (sqlite3_prepare_v2(db,
			       "UPDATE mutes SET until_us=?4,who=?5,why=?6"
			       " WHERE exercise=?1 AND kind=?2 AND key=?3 AND"
			       " ended_us=0",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	e = sql_run(st, "tdtutt", m->exercise, (int)m->kind, m->key,
		    m->until_us, m->who, m->why);
	sqlite3_finalize(st);
	if (e != ERR_OK || sqlite3_changes(db) > 0) {
		return e;
	}
	e = number(db, "SELECT count(*) FROM mutes WHERE ended_us=0", &n);
	if (e != ERR_OK || n >= MUTES_NOW) {
		return e != ERR_OK ? e : ERR_LIMIT;
	}
	if (sqlite3_prepare_v2(db,
			       "INSERT INTO mutes(exercise,kind,key,from_us,"
			       "until_us,who,why) VALUES(?,?,?,?,?,?,?)",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	e = sql_run(st, "tdtuutt", m->exercise, (int)m->kind, m->key,
		    m->from_us, m->until_us, m->who, m->why);
	sqlite3_finalize(st);
	return e;
}

enum err
mute_end(sqlite3 *db, const char *exercise, unsigned kind, const char *key,
	 const char *who, uint64_t at_us)
{
	sqlite3_stmt *st = NULL;
	enum err e;

	if (sqlite3_prepare_v2(db,
			       "UPDATE mutes SET ended_us=?4,ended_by=?5 WHERE"
			       " exercise=?1 AND kind=?2 AND key=?3 AND"
			       " ended_us=0",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	e = sql_run(st, "tdtut", exercise, (int)kind, key, at_us, who);
	sqlite3_finalize(st);
	if (e == ERR_OK && sqlite3_changes(db) == 0) {
		return ERR_NOTFOUND;
	}
	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db,
			       "DELETE FROM mutes WHERE ended_us>0 AND id<="
			       "coalesce((SELECT id FROM mutes WHERE"
			       " ended_us>0 ORDER BY id DESC LIMIT 1 OFFSET"
			       " ?),0)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "d", MUTES_ENDED);
		sqlite3_finalize(st);
	}
	return e;
}

enum err
mute_count(sqlite3 *db, const char *exercise, unsigned kind, const char *key,
	   uint64_t alerts)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "UPDATE mutes SET alerts=alerts+?4 WHERE"
			       " exercise=?1 AND kind=?2 AND key=?3 AND"
			       " ended_us=0",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "tdtu", exercise, (int)kind, key, alerts);
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
each(sqlite3_stmt *st, enum err (*fn)(void *arg, const struct mute_row *m),
     void *arg)
{
	enum err e = ERR_OK;
	int rc = SQLITE_ROW;

	while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct mute_row m = {
			.id = sqlite3_column_int64(st, 0),
			.exercise = sql_text(st, 1),
			.kind = (unsigned)sqlite3_column_int(st, 2),
			.key = sql_text(st, 3),
			.from_us = sql_u64(st, 4),
			.until_us = sql_u64(st, 5),
			.who = sql_text(st, 6),
			.why = sql_text(st, 7),
			.alerts = sql_u64(st, 8),
			.ended_us = sql_u64(st, 9),
			.ended_by = sql_text(st, 10),
		};

		e = fn(arg, &m);
	}
	sqlite3_finalize(st);
	return e == ERR_OK && rc != SQLITE_ROW && rc != SQLITE_DONE ? ERR_IO
								    : e;
}

enum err
mute_each(sqlite3 *db, bool ended, unsigned limit,
	  enum err (*fn)(void *arg, const struct mute_row *m), void *arg)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db,
			       COLUMNS "WHERE ?1 OR ended_us=0"
				       " ORDER BY id DESC LIMIT ?2",
			       -1, &st, NULL) != SQLITE_OK ||
	    sql_bind(st, "di", (int)ended, (int64_t)limit) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	return each(st, fn, arg);
}

enum err
mute_due(sqlite3 *db, uint64_t now_us,
	 enum err (*fn)(void *arg, const struct mute_row *m), void *arg)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db,
			       COLUMNS "WHERE ended_us=0 AND until_us>0 AND"
				       " until_us<=? ORDER BY until_us,id"
				       " LIMIT 1",
			       -1, &st, NULL) != SQLITE_OK ||
	    sql_bind(st, "u", now_us) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	return each(st, fn, arg);
}

enum err
apart_put(sqlite3 *db, int64_t a, int64_t b, uint64_t at_us)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT OR IGNORE INTO incident_apart"
			       " VALUES(?,?,?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "iiu", MIN(a, b), MAX(a, b), at_us);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
apart_room(sqlite3 *db, uint64_t old_us, bool *is)
{
	sqlite3_stmt *st = NULL;
	int64_t n = 0;
	enum err e = number(db, "SELECT count(*) FROM incident_apart", &n);

	*is = n < APART_PAIRS;
	if (e != ERR_OK || *is) {
		return e;
	}
	/* What memory has no run of any more holds nothing apart. */
	e = ERR_IO;
	if (sqlite3_prepare_v2(db,
			       "DELETE FROM incident_apart WHERE NOT EXISTS("
			       "SELECT 1 FROM incidents i WHERE i.id="
			       "incident_apart.a AND i.last_us>=?1) OR NOT"
			       " EXISTS(SELECT 1 FROM incidents i WHERE i.id="
			       "incident_apart.b AND i.last_us>=?1)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "u", old_us);
	}
	sqlite3_finalize(st);
	*is = e == ERR_OK && sqlite3_changes(db) > 0;
	return e;
}

enum err
apart_merged(sqlite3 *db, int64_t from, int64_t into)
{
	sqlite3_stmt *add = NULL, *drop = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(
		    db,
		    "INSERT OR IGNORE INTO incident_apart SELECT min(x.o,?2),"
		    "max(x.o,?2),x.at_us FROM (SELECT CASE WHEN a=?1 THEN b"
		    " ELSE a END AS o,at_us FROM incident_apart WHERE a=?1 OR"
		    " b=?1) x WHERE x.o<>?2",
		    -1, &add, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db,
			       "DELETE FROM incident_apart WHERE a=?1 OR b=?1",
			       -1, &drop, NULL) == SQLITE_OK) {
		e = sql_run(add, "ii", from, into);
		if (e == ERR_OK) {
			e = sql_run(drop, "i", from);
		}
	}
	sqlite3_finalize(add);
	sqlite3_finalize(drop);
	return e;
}
