/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_cases.h"

#include <stdio.h>

#include "collector/severity.h"
#include "collector/sighting.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define INCIDENT_COLUMNS \
	"SELECT id,state,exercise,title,score,level,lead,support,first_us," \
	"last_us,created_us,updated_us,merged_into,summary,mark FROM " \
	"incidents"

static enum err
each_incident(sqlite3_stmt *st, unsigned *n,
	      void (*fn)(void *arg, const struct store_incident *i), void *arg)
{
	int rc;

	*n = 0;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_incident i = {
			.id = sqlite3_column_int64(st, 0),
			.state = sql_text(st, 1),
			.exercise = sql_text(st, 2),
			.title = sql_text(st, 3),
			.score = (unsigned)sqlite3_column_int(st, 4),
			.level = (unsigned)sqlite3_column_int(st, 5),
			.lead = sql_text(st, 6),
			.support = sql_text(st, 7),
			.first_us = sql_u64(st, 8),
			.last_us = sql_u64(st, 9),
			.created_us = sql_u64(st, 10),
			.updated_us = sql_u64(st, 11),
			.merged_into = sqlite3_column_int64(st, 12),
			.summary = sql_text(st, 13),
			.mark = sql_text(st, 14),
		};

		i.level_name = severity_level_name(i.level);
		fn(arg, &i);
		(*n)++;
	}
	return store_reader_finish(st, rc);
}

enum err
store_read_incidents(struct store_reader *r, enum store_scope scope,
		     const char *state, unsigned offset, unsigned limit,
		     void (*fn)(void *arg, const struct store_incident *i),
		     void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, INCIDENT_COLUMNS
		" WHERE CASE ?1 WHEN 0 THEN exercise='' WHEN 1 THEN"
		" exercise<>'' ELSE 1 END AND CASE WHEN ?2 IS NULL THEN"
		" state<>'merged' ELSE state=?2 END"
		" ORDER BY score DESC,last_us DESC,id LIMIT ?3 OFFSET ?4");
	unsigned n;

	if (st == NULL ||
	    sql_bind(st, "dtii", (int)scope, state,
		     (int64_t)MIN(limit, (unsigned)STORE_MAX_ROWS),
		     (int64_t)offset) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	return each_incident(st, &n, fn, arg);
}

enum err
store_read_incident(struct store_reader *r, int64_t id,
		    void (*fn)(void *arg, const struct store_incident *i),
		    void *arg)
{
	sqlite3_stmt *st =
		store_reader_prepare(r, INCIDENT_COLUMNS " WHERE id=?1");
	unsigned n = 0;
	enum err e;

	if (st == NULL || sql_bind(st, "i", id) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	e = each_incident(st, &n, fn, arg);
	return e == ERR_OK && n == 0 ? ERR_NOTFOUND : e;
}

enum err
store_read_incident_log(struct store_reader *r, int64_t id,
			void (*fn)(void *arg, const struct store_log *l),
			void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT at_us,who,what,text FROM incident_log"
		   " WHERE incident=?1 ORDER BY id LIMIT 10000");
	int rc;

	if (st == NULL || sql_bind(st, "i", id) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_log l = { .at_us = sql_u64(st, 0),
				       .who = sql_text(st, 1),
				       .what = sql_text(st, 2),
				       .text = sql_text(st, 3) };

		fn(arg, &l);
	}
	return store_reader_finish(st, rc);
}

enum err
store_read_sightings(struct store_reader *r, int64_t incident, unsigned limit,
		     void (*fn)(void *arg, const struct store_sighting *s),
		     void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, incident > 0
			   ? "SELECT r.kind,r.key,s.site,r.exercise,s.first_us,"
			     "s.last_us,s.count,m.incident FROM incident_runs m"
			     " CROSS JOIN runs r ON r.id=m.run CROSS JOIN"
			     " sightings s ON s.run=r.id WHERE m.incident=?1"
			     " ORDER BY s.last_us DESC LIMIT ?2"
			   : "SELECT r.kind,r.key,s.site,r.exercise,s.first_us,"
			     "s.last_us,s.count,coalesce(m.incident,0) FROM"
			     " (SELECT * FROM runs ORDER BY last_us DESC"
			     " LIMIT ?2) r JOIN sightings s ON s.run=r.id"
			     " LEFT JOIN incident_runs m ON m.run=r.id"
			     " WHERE ?1=?1 ORDER BY s.last_us DESC LIMIT ?2");
	int rc;

	if (st == NULL ||
	    sql_bind(st, "ii", incident,
		     (int64_t)MIN(limit, (unsigned)STORE_MAX_ROWS)) !=
		    SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_sighting s = {
			.kind = key_kind_name(
				(enum key_kind)sqlite3_column_int(st, 0)),
			.key = sql_text(st, 1),
			.site = sql_text(st, 2),
			.exercise = sql_text(st, 3),
			.first_us = sql_u64(st, 4),
			.last_us = sql_u64(st, 5),
			.count = sql_u64(st, 6),
			.incident = sqlite3_column_int64(st, 7),
		};

		fn(arg, &s);
	}
	return store_reader_finish(st, rc);
}

/* Inside the transaction: is there a way from the state it is in? */
static enum err
may_change(sqlite3 *db, int64_t id, const char *to, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;

	if (sqlite3_prepare_v2(db,
			       "SELECT state,merged_into FROM incidents"
			       " WHERE id=?",
			       -1, &st, NULL) != SQLITE_OK ||
	    sql_bind(st, "i", id) != SQLITE_OK) {
		e = diag_set(d, ERR_IO, "%s", sqlite3_errmsg(db));
	} else if (sqlite3_step(st) != SQLITE_ROW) {
		e = diag_set(d, ERR_NOTFOUND, "there is no incident %lld",
			     (long long)id);
	} else if (strcmp(sql_text(st, 0), "merged") == 0) {
		e = diag_set(d, ERR_USAGE,
			     "incident %lld is part of incident %lld: change "
			     "that one",
			     (long long)id,
			     (long long)sqlite3_column_int64(st, 1));
	} else if (strcmp(sql_text(st, 0), to) == 0) {
		e = diag_set(d, ERR_USAGE, "incident %lld is %s already",
			     (long long)id, to);
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
change(sqlite3 *db, int64_t id, const char *state, const char *who,
       const char *note)
{
	uint64_t now = clock_wall_us();
	sqlite3_stmt *set = NULL, *log = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "UPDATE incidents SET state=?,updated_us=?"
			       " WHERE id=?",
			       -1, &set, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db,
			       "INSERT INTO incident_log(incident,at_us,who,"
			       "what,text) VALUES(?,?,?,?,?)",
			       -1, &log, NULL) == SQLITE_OK) {
		e = sql_run(set, "tui", state, now, id);
		if (e == ERR_OK) {
			e = sql_run(log, "iuttt", id, now, who, state,
				    note != NULL ? note : "");
		}
	}
	sqlite3_finalize(set);
	sqlite3_finalize(log);
	return e;
}

enum err
store_incident_set_state(struct store_reader *r, int64_t id, const char *state,
			 const char *who, const char *note, struct diag *d)
{
	sqlite3 *db = NULL;
	enum err e;

	if (strcmp(state, "ack") != 0 && strcmp(state, "closed") != 0 &&
	    strcmp(state, "open") != 0) {
		return diag_set(d, ERR_USAGE,
				"'%s' is no state: use ack, closed or open",
				state);
	}
	e = store_change_begin(r, &db, d);
	if (e != ERR_OK) {
		return e;
	}
	e = may_change(db, id, state, d);
	if (e == ERR_OK) {
		e = change(db, id, state, who, note);
		if (e == ERR_OK) {
			e = sql_exec(db, "COMMIT");
		}
		if (e != ERR_OK) {
			diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
		}
	}
	/* Closing rolls back what was not committed. */
	sqlite3_close(db);
	return e;
}

enum err
store_incident_note(struct store_reader *r, int64_t id, const char *who,
		    const char *note, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	enum err e = store_change_begin(r, &db, d);

	if (e != ERR_OK) {
		return e;
	}
	e = sqlite3_prepare_v2(db,
			       "INSERT INTO incident_log(incident,at_us,who,"
			       "what,text) SELECT id,?,?,'note',? FROM"
			       " incidents WHERE id=?",
			       -1, &st, NULL) == SQLITE_OK
		    ? sql_run(st, "utti", clock_wall_us(), who, note, id)
		    : ERR_IO;
	sqlite3_finalize(st);
	if (e == ERR_OK && sqlite3_changes(db) == 0) {
		e = diag_set(d, ERR_NOTFOUND, "there is no incident %lld",
			     (long long)id);
	} else if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e == ERR_IO) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	/* Closing rolls back what was not committed. */
	sqlite3_close(db);
	return e;
}
