/* SPDX-License-Identifier: Apache-2.0 */
/* What analysts do with groups, and how it is taken back. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "collector/store_inbox_state.h"
#include "collector/store_sql.h"
#include "common/clock.h"

/* Parameters; ?1 and ?5 are the inbox's. */
enum { P_ACT = 6, P_IDS, P_NOW, P_WHO, P_NOTE, P_LIMIT };

static const struct {
	const char *name;
	const char *if_so; /* only groups that it changes */
	/* The row as it will be: archived, archived_us, escalated_us. */
	const char *made;
} verbs[INBOX_VERBS] = {
	[INBOX_ARCHIVE] = { "archive", " AND NOT " QUERY_SQL_ARCHIVED,
			    "h.last_alert,?8,l.escalated_us" },
	[INBOX_UNARCHIVE] = { "unarchive", " AND " QUERY_SQL_ARCHIVED,
			      "0,0,l.escalated_us" },
	[INBOX_ESCALATE] = { "escalate", " AND coalesce(t.escalated_us,0)=0",
			     "l.archived,l.archived_us,?8" },
	[INBOX_DEESCALATE] = { "deescalate", " AND t.escalated_us>0",
			       "l.archived,l.archived_us,0" },
};

const char *
inbox_verb_name(enum inbox_verb v)
{
	return v < INBOX_VERBS ? verbs[v].name : NULL;
}

static enum err
make_token(char token[INBOX_TOKEN_CAP])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b)) {
		return ERR_IO;
	}
	for (size_t i = 0; i < sizeof(b); i++) {
		snprintf(token + 2 * i, 3, "%02x", b[i]);
	}
	return ERR_OK;
}

/* One statement with values of its own; 'n' rows changed. */
static enum err
run(sqlite3 *db, uint64_t *n, const char *sql, int64_t a, int64_t b)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = sqlite3_bind_parameter_count(st) > 1
			    ? sql_run(st, "ii", a, b)
			    : sql_run(st, "i", a);
	}
	sqlite3_finalize(st);
	if (e == ERR_OK && n != NULL) {
		*n = (uint64_t)sqlite3_changes64(db);
	}
	return e;
}

/* How the groups are now, into the log. */
static enum err
note_groups(struct inbox *b, sqlite3 *db, int64_t act, enum inbox_verb verb,
	    const char *ids, uint64_t *n)
{
	struct store_query *q = &b->sql;
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	*q = (struct store_query){ .len = 0 };
	store_query_add(q, "INSERT INTO group_log SELECT ?6,h.id,"
			   "t.grp IS NOT NULL,coalesce(t.archived,0),"
			   "coalesce(t.archived_us,0),"
			   "coalesce(t.escalated_us,0),coalesce(t.who,''),"
			   "coalesce(t.note,'') FROM alert_groups h LEFT JOIN"
			   " group_states t ON t.grp=h.id WHERE 1");
	store_query_add(q, verbs[verb].if_so);
	if (ids != NULL) {
		store_query_add(q, " AND h.id IN (SELECT value FROM"
				   " json_each(?7))");
	} else {
		inbox_conditions(b, q);
	}
	store_query_add(q, " LIMIT ?11");
	if (!q->full &&
	    sqlite3_prepare_v2(db, q->sql, -1, &st, NULL) == SQLITE_OK &&
	    inbox_bind(b, st) == SQLITE_OK &&
	    sqlite3_bind_int64(st, P_ACT, act) == SQLITE_OK &&
	    sqlite3_bind_text(st, P_IDS, ids, -1, SQLITE_TRANSIENT) ==
		    SQLITE_OK &&
	    sqlite3_bind_int64(st, P_LIMIT, INBOX_MAX_ACT + 1) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_DONE) {
		*n = (uint64_t)sqlite3_changes64(db);
		e = ERR_OK;
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
change_groups(sqlite3 *db, int64_t act, enum inbox_verb verb, const char *who,
	      const char *note)
{
	char sql[1024];
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	snprintf(sql, sizeof(sql),
		 "INSERT INTO group_states SELECT h.id,%s,?9,?10 FROM"
		 " group_log l JOIN alert_groups h ON h.id=l.grp WHERE"
		 " l.act=?6 ON CONFLICT(grp) DO UPDATE SET"
		 " archived=excluded.archived,"
		 " archived_us=excluded.archived_us,"
		 " escalated_us=excluded.escalated_us,"
		 " who=excluded.who,note=excluded.note",
		 verbs[verb].made);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_bind_int64(st, P_ACT, act) == SQLITE_OK &&
	    sqlite3_bind_int64(st, P_NOW, (int64_t)clock_wall_us()) ==
		    SQLITE_OK &&
	    sqlite3_bind_text(st, P_WHO, who, -1, SQLITE_TRANSIENT) ==
		    SQLITE_OK &&
	    sqlite3_bind_text(st, P_NOTE, note, -1, SQLITE_TRANSIENT) ==
		    SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_DONE) {
		e = ERR_OK;
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
put_act(sqlite3 *db, enum inbox_verb verb, const char *who, const char *note,
	const char *token, int64_t *act)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT INTO group_acts(token,at_us,who,act,"
			       "query,note,groups,undone_us)"
			       " VALUES(?,?,?,?,'',?,0,0)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "tuttt", token, clock_wall_us(), who,
			    verbs[verb].name, note);
	}
	sqlite3_finalize(st);
	*act = sqlite3_last_insert_rowid(db);
	return e;
}

/* Old acts go; what they were about can no longer be taken back. */
static enum err
forget_acts(sqlite3 *db, int64_t act)
{
	enum err e = run(db, NULL,
			 "DELETE FROM group_log WHERE act<?1 AND act IN"
			 " (SELECT id FROM (SELECT id,sum(groups)"
			 " OVER (ORDER BY id DESC) s FROM group_acts)"
			 " WHERE s>?2)",
			 act, INBOX_LOG_KEPT);

	if (e == ERR_OK) {
		e = run(db, NULL, "DELETE FROM group_log WHERE act<=?1",
			act - INBOX_ACTS_KEPT, 0);
	}
	return e == ERR_OK
		       ? run(db, NULL, "DELETE FROM group_acts WHERE id<=?1",
			     act - INBOX_ACTS_KEPT, 0)
		       : e;
}

static enum err
act_within(struct inbox *b, sqlite3 *db, enum inbox_verb verb, const char *ids,
	   const char *who, const char *note, const char *token, uint64_t *done,
	   struct diag *d)
{
	int64_t act;
	enum err e = put_act(db, verb, who, note, token, &act);

	if (e == ERR_OK) {
		e = note_groups(b, db, act, verb, ids, done);
	}
	if (e == ERR_OK && *done > INBOX_MAX_ACT) {
		return diag_set(d, ERR_LIMIT,
				"more than %d groups: narrow the query",
				INBOX_MAX_ACT);
	}
	if (e == ERR_OK) {
		e = change_groups(db, act, verb, who, note);
	}
	if (e == ERR_OK) {
		e = run(db, NULL, "UPDATE group_acts SET groups=?2 WHERE id=?1",
			act, (int64_t)*done);
	}
	if (e == ERR_OK) {
		e = forget_acts(db, act);
	}
	return e;
}

/* Closing rolls back what was not committed. */
static enum err
finish(struct store_reader *r, sqlite3 *db, enum err e, struct diag *d)
{
	if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e == ERR_IO) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	sqlite3_close(db);
	return e;
}

enum err
inbox_act(struct inbox *b, enum inbox_verb verb, const char *ids,
	  const char *who, const char *note, uint64_t *done,
	  char token[INBOX_TOKEN_CAP], struct diag *d)
{
	sqlite3 *db = NULL;
	enum err e = make_token(token);

	*done = 0;
	if (e == ERR_OK) {
		e = store_change_begin(b->r, &db, d);
	}
	if (e != ERR_OK) {
		return e;
	}
	e = act_within(b, db, verb, ids, who, note, token, done, d);
	return finish(b->r, db, e, d);
}

/* --------------------------------------------------------------- taken back */

static enum err
find_act(sqlite3 *db, const char *token, const char *who, int64_t *act,
	 struct diag *d)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "SELECT id FROM group_acts WHERE token=? AND"
			       " who=? AND undone_us=0",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "tt", token, who) == SQLITE_OK) {
		e = ERR_OK;
		if (sqlite3_step(st) != SQLITE_ROW) {
			e = diag_set(d, ERR_NOTFOUND,
				     "nothing of yours that could be taken "
				     "back");
		} else {
			*act = sqlite3_column_int64(st, 0);
		}
	}
	sqlite3_finalize(st);
	return e;
}

/* Groups of ?1 on which nobody acted since. */
#define STILL \
	" l.act=?1 AND NOT EXISTS(SELECT 1 FROM group_log y CROSS JOIN" \
	" group_acts z ON z.id=y.act WHERE y.grp=l.grp AND y.act>l.act AND" \
	" z.undone_us=0)"

static enum err
undo_within(sqlite3 *db, int64_t act, uint64_t *done)
{
	uint64_t gone = 0, back = 0;
	enum err e = run(db, &gone,
			 "DELETE FROM group_states WHERE grp IN (SELECT l.grp"
			 " FROM group_log l WHERE l.was=0 AND" STILL ")",
			 act, 0);

	if (e == ERR_OK) {
		e = run(db, &back,
			"UPDATE group_states SET (archived,archived_us,"
			"escalated_us,who,note)=(SELECT k.archived,"
			"k.archived_us,k.escalated_us,k.who,k.note FROM"
			" group_log k WHERE k.act=?1 AND"
			" k.grp=group_states.grp) WHERE grp IN (SELECT l.grp"
			" FROM group_log l WHERE l.was=1 AND" STILL ")",
			act, 0);
	}
	if (e == ERR_OK) {
		e = run(db, NULL,
			"UPDATE group_acts SET undone_us=?2 WHERE id=?1", act,
			(int64_t)clock_wall_us());
	}
	*done = gone + back;
	return e;
}

enum err
inbox_undo(struct store_reader *r, const char *token, const char *who,
	   uint64_t *done, struct diag *d)
{
	sqlite3 *db = NULL;
	int64_t act = 0;
	enum err e = store_change_begin(r, &db, d);

	*done = 0;
	if (e != ERR_OK) {
		return e;
	}
	e = find_act(db, token, who, &act, d);
	if (e == ERR_OK) {
		e = undo_within(db, act, done);
	}
	return finish(r, db, e, d);
}
