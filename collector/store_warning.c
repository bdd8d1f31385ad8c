/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_warning_state.h"

#include <stdio.h>

#include "common/clock.h"

/* That found no room is tried again by then. */
#define ROOM_US (3600 * US_PER_S)

const char *
warning_state_name(enum warning_state s)
{
	static const char *const names[WARNING_STATES] = {
		"noted", "given", "armed", "held", "known", "refused", "off"
	};

	return (unsigned)s < WARNING_STATES ? names[s] : "unknown";
}

void
store_warning_json(struct json *j, const struct store_warning *w)
{
	json_i64(j, "id", w->id);
	json_cstr(j, "state", warning_state_name(w->state));
	json_cstr(j, "kind", indicator_kind_name(w->kind));
	json_cstr(j, "value", w->value);
	if (w->kind == INDICATOR_DOMAIN && !w->exact) {
		json_bool(j, "subdomains", true);
	}
	json_cstr(j, "mark", w->mark);
	json_u64(j, "confidence", w->confidence);
	json_i64(j, "incident", w->incident);
	json_u64(j, "level", w->level);
	json_cstr(j, "site", w->site);
	json_i64(j, "indicator", w->indicator);
	json_time(j, "first", w->first_us);
	json_time(j, "cause", w->cause_us);
	json_time(j, "stored", w->stored_us);
	json_time_known(j, "offered", w->offered_us);
	json_time_known(j, "armed", w->armed_us);
	json_u64(j, "sensors", w->sensors);
	json_cstr(j, "last_site", w->last_site);
	json_cstr(j, "last_sensor", w->last_sensor);
	json_time_known(j, "moved", w->moved_us);
}

enum err
store_warning_number(sqlite3 *db, int64_t *out, const char *sql, int64_t a,
		     const char *b, int64_t c)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	*out = 0;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "iti", a, b, c) == SQLITE_OK) {
		int rc = sqlite3_step(st);

		*out = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
		e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
	}
	sqlite3_finalize(st);
	return e;
}

/* Whether there is room for one more of this site, this hour, and of this
 * incident. */
static enum err
has_share(sqlite3 *db, const struct store_warning *w, bool *refused)
{
	uint64_t hour = w->stored_us - MIN(w->stored_us, 3600 * US_PER_S);
	int64_t n = 0;
	enum err e = store_warning_number(
		db, &n,
		"SELECT count(*) FROM warnings WHERE ?1=?1 AND"
		" site=?2 AND stored_us>?3",
		0, w->site, (int64_t)hour);

	*refused = n >= STORE_WARNING_HOUR;
	if (e == ERR_OK && w->incident != 0) {
		e = store_warning_number(
			db, &n,
			"SELECT count(*) FROM warnings WHERE incident=?1"
			" AND ?2=?2 AND ?3=?3",
			w->incident, "", 0);
		*refused |= n >= STORE_WARNING_INCIDENT;
	}
	return e;
}

/* The site's own oldest, beyond its bound. */
static enum err
trim(sqlite3 *db, const char *site, uint64_t *forgotten)
{
	enum err e;

	WARNING_RUN(
		db, e,
		"DELETE FROM warnings WHERE id IN(SELECT id FROM warnings WHERE"
		" site=?1 ORDER BY stored_us DESC,id DESC LIMIT -1 OFFSET ?2)",
		"td", site, STORE_WARNING_SITE);
	*forgotten = e == ERR_OK ? (uint64_t)sqlite3_changes(db) : 0;
	return e;
}

static enum err
insert(sqlite3 *db, const struct store_warning *w, int64_t known)
{
	enum err e;

	WARNING_RUN(db, e,
		    "INSERT INTO warnings(kind,value,mark,confidence,severity,"
		    "incident,level,site,first_us,cause_us,stored_us,state,"
		    "indicator,"
		    "exact) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		    "dttddidtuuudid", (int)w->kind, w->value, w->mark,
		    (int)w->confidence, (int)w->severity, w->incident,
		    (int)w->level, w->site, w->first_us, w->cause_us,
		    w->stored_us,
		    known != 0 ? (int)WARNING_KNOWN : (int)WARNING_NOTED, known,
		    (int)w->exact);
	return e;
}

/* One of the same value that is there. */
struct former {
	bool is; /* there */
	bool stands; /* and says all that the new one would, but for marks */
	int64_t id;
	int state;
	char mark[MARKING_TEXT_CAP];
};

static enum err
former(sqlite3 *db, const struct store_warning *w, uint64_t expired_us,
       struct former *f)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*f = (struct former){ .is = false };
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT w.id,w.stored_us,w.exact,w.state,"
		    "coalesce(i.verdict,0),w.mark FROM warnings w LEFT JOIN"
		    " indicators i ON i.id=w.indicator WHERE w.kind=?1 AND"
		    " w.value=?2",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "dt", (int)w->kind, w->value) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		uint64_t at = sql_u64(st, 1);

		f->is = true;
		f->id = sqlite3_column_int64(st, 0);
		f->state = sqlite3_column_int(st, 3);
		snprintf(f->mark, sizeof(f->mark), "%s", sql_text(st, 5));
		f->stands = at >= expired_us &&
			    (w->exact || sqlite3_column_int(st, 2) == 0) &&
			    (f->state != WARNING_OFF ||
			     sqlite3_column_int(st, 4) == VERDICT_REMOVED) &&
			    (f->state != WARNING_REFUSED ||
			     w->stored_us < at + ROOM_US);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static struct marking
read_mark(const char *text)
{
	struct marking m;

	/* What cannot be read restricts most. */
	if (marking_read(&m, view_cstr(text), NULL) != ERR_OK) {
		m = (struct marking){ .tlp = TLP_RED, .limited = true };
	}
	return m;
}

/* One that stands was since seen where, or said by whom, fewer may see it: it is
 * offered again with both marks joined. */
static enum err
tighten(sqlite3 *db, struct store_warning *w, const struct former *f,
	bool *added)
{
	struct marking m = read_mark(f->mark), other = read_mark(w->mark);
	char text[MARKING_TEXT_CAP];
	enum err e;

	marking_join(&m, &other);
	if (f->state == WARNING_KNOWN || f->state == WARNING_REFUSED ||
	    f->state == WARNING_OFF ||
	    strcmp(marking_text(&m, text), f->mark) == 0) {
		return ERR_OK;
	}
	w->state = WARNING_NOTED;
	WARNING_RUN(db, e,
		    "UPDATE warnings SET mark=?2,state=?3,moved_us=CASE WHEN"
		    " state=?3 THEN moved_us ELSE ?4 END WHERE id=?1",
		    "itdu", f->id, text, (int)w->state, w->stored_us);
	*added = e == ERR_OK;
	return e;
}

/* Of the common set, if it is armed as far as that. */
static enum err
armed_as(sqlite3 *db, const struct store_warning *w, int64_t *id)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*id = 0;
	if (sqlite3_prepare_v2(db,
			       "SELECT id FROM indicators WHERE key=?1 AND"
			       " kind=?2 AND value=?3 AND state=?4 AND"
			       " exact<=?5",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "idtdd", indicator_store_key(w->value), (int)w->kind,
		     w->value, (int)INDICATOR_ARMED,
		     (int)w->exact) == SQLITE_OK) {
		rc = sqlite3_step(st);
		*id = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_warning_note(sqlite3 *db, struct store_warning *w, uint64_t expired_us,
		   bool known, bool *added, bool *refused, uint64_t *forgotten)
{
	struct former was;
	int64_t armed = 0;
	enum err e = former(db, w, expired_us, &was);

	*added = *refused = false;
	*forgotten = 0;
	if (e != ERR_OK || was.stands) {
		return e == ERR_OK ? tighten(db, w, &was, added) : e;
	}
	e = armed_as(db, w, &armed);
	if (e != ERR_OK || (armed != 0 && !known)) {
		return e;
	}
	e = has_share(db, w, refused);
	if (e != ERR_OK || *refused) {
		return e;
	}
	if (was.is) {
		WARNING_RUN(db, e,
			    "DELETE FROM warnings WHERE kind=? AND value=?",
			    "dt", (int)w->kind, w->value);
	}
	if (e == ERR_OK) {
		e = insert(db, w, armed);
	}
	w->state = armed != 0 ? WARNING_KNOWN : WARNING_NOTED;
	w->indicator = armed;
	*added = e == ERR_OK;
	return e == ERR_OK ? trim(db, w->site, forgotten) : e;
}

static void
read_row(sqlite3_stmt *st, struct store_warning *w)
{
	int state = sqlite3_column_int(st, 12);

	*w = (struct store_warning){
		.id = sqlite3_column_int64(st, 0),
		.kind = (enum indicator_kind)sqlite3_column_int(st, 1),
		.value = sql_text(st, 2),
		.mark = sql_text(st, 3),
		.confidence = (unsigned)sqlite3_column_int(st, 4),
		.severity = (unsigned)sqlite3_column_int(st, 5),
		.incident = sqlite3_column_int64(st, 6),
		.level = (unsigned)sqlite3_column_int(st, 7),
		.site = sql_text(st, 8),
		.first_us = sql_u64(st, 9),
		.cause_us = sql_u64(st, 10),
		.stored_us = sql_u64(st, 11),
		.state = (enum warning_state)state,
		.indicator = sqlite3_column_int64(st, 13),
		.change = sql_u64(st, 14),
		.offered_us = sql_u64(st, 15),
		.armed_us = sql_u64(st, 16),
		.sensors = (unsigned)sqlite3_column_int(st, 17),
		.last_site = sql_text(st, 18),
		.last_sensor = sql_text(st, 19),
		.exact = sqlite3_column_int(st, 20) != 0,
		.moved_us = sql_u64(st, 21),
	};
}

static void
keep(struct warning_kept *k)
{
	snprintf(k->value, sizeof(k->value), "%s", k->w.value);
	snprintf(k->mark, sizeof(k->mark), "%s", k->w.mark);
	snprintf(k->site, sizeof(k->site), "%s", k->w.site);
	k->w.value = k->value;
	k->w.mark = k->mark;
	k->w.site = k->site;
	k->w.last_site = k->w.last_sensor = "";
}

enum err
store_warning_read(sqlite3 *db, int64_t id, struct warning_kept *k)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, WARNING_COLUMNS "WHERE id=?", -1, &st,
			       NULL) == SQLITE_OK &&
	    sql_bind(st, "i", id) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		read_row(st, &k->w);
		keep(k);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

enum err
store_warning_each(sqlite3 *db, enum warning_state s, int64_t after,
		   unsigned max,
		   enum err (*fn)(void *arg, const struct store_warning *w),
		   void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ROW;
	enum err e = ERR_OK;

	if (sqlite3_prepare_v2(db,
			       WARNING_COLUMNS
			       "WHERE state=?1 AND state<2 AND id>?2"
			       " ORDER BY id LIMIT 1",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	for (; max > 0 && rc == SQLITE_ROW && e == ERR_OK; max--) {
		struct warning_kept k;

		rc = sql_bind(st, "di", (int)s, after) == SQLITE_OK
			     ? sqlite3_step(st)
			     : SQLITE_ERROR;
		if (rc == SQLITE_ROW) {
			read_row(st, &k.w);
			keep(&k);
			after = k.w.id;
		}
		sqlite3_reset(st);
		if (rc == SQLITE_ROW) {
			e = fn(arg, &k.w);
		}
	}
	sqlite3_finalize(st);
	return e != ERR_OK                             ? e
	       : rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK
						       : ERR_IO;
}

enum err
store_warning_list(sqlite3 *db, unsigned max,
		   enum err (*fn)(void *arg, const struct store_warning *w),
		   void *arg)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, WARNING_COLUMNS "ORDER BY id DESC LIMIT ?1",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "d", (int)max) == SQLITE_OK) {
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct store_warning w;

			read_row(st, &w);
			e = fn(arg, &w);
		}
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_warning_offered(sqlite3 *db, struct store_warning *w, int64_t indicator,
		      uint64_t now_us)
{
	sqlite3_stmt *st = NULL;
	int state = INDICATOR_OFF, rc = SQLITE_ERROR;
	enum err e;

	w->indicator = indicator;
	w->offered_us = now_us;
	w->change = 0;
	if (sqlite3_prepare_v2(db,
			       "SELECT state,change FROM indicators WHERE id=?",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "i", indicator) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		state = sqlite3_column_int(st, 0);
		w->change = sql_u64(st, 1);
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		return ERR_IO;
	}
	w->state = indicator == 0             ? WARNING_REFUSED
		   : state == INDICATOR_ARMED ? WARNING_GIVEN
		   : state == INDICATOR_HELD  ? WARNING_HELD
					      : WARNING_OFF;
	WARNING_RUN(db, e,
		    "UPDATE warnings SET "
		    "state=?2,indicator=?3,offered_us=?4,change=?5"
		    " WHERE id=?1",
		    "idiuu", w->id, (int)w->state, indicator, now_us,
		    w->change);
	return e;
}
