/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_warning.h"

#include <stdio.h>

#include "collector/indicator_store.h"
#include "collector/store_sql.h"
#include "common/clock.h"

/* One statement with its values, in a transaction that is there. */
#define RUN(db, err, sql, ...) \
	do { \
		sqlite3_stmt *st_ = NULL; \
		(err) = sqlite3_prepare_v2((db), (sql), -1, &st_, NULL) == \
					SQLITE_OK \
				? sql_run(st_, __VA_ARGS__) \
				: ERR_IO; \
		sqlite3_finalize(st_); \
	} while (0)

#define COLUMNS \
	"SELECT id,kind,value,mark,confidence,severity,incident,level,site," \
	"first_us,cause_us,stored_us,state,indicator,change,offered_us," \
	"armed_us,sensors,last_site,last_sensor,exact,moved_us FROM warnings "
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

/* The first column of the only row; 0 when there is none. */
static enum err
number(sqlite3 *db, int64_t *out, const char *sql, int64_t a, const char *b,
       int64_t c)
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
	enum err e = number(db, &n,
			    "SELECT count(*) FROM warnings WHERE ?1=?1 AND"
			    " site=?2 AND stored_us>?3",
			    0, w->site, (int64_t)hour);

	*refused = n >= STORE_WARNING_HOUR;
	if (e == ERR_OK && w->incident != 0) {
		e = number(db, &n,
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

	RUN(db, e,
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

	RUN(db, e,
	    "INSERT INTO warnings(kind,value,mark,confidence,severity,"
	    "incident,level,site,first_us,cause_us,stored_us,state,indicator,"
	    "exact) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	    "dttddidtuuudid", (int)w->kind, w->value, w->mark,
	    (int)w->confidence, (int)w->severity, w->incident, (int)w->level,
	    w->site, w->first_us, w->cause_us, w->stored_us,
	    known != 0 ? (int)WARNING_KNOWN : (int)WARNING_NOTED, known,
	    (int)w->exact);
	return e;
}

/* Whether there is one of this value, and whether it still says all of 'w'. */
static enum err
former(sqlite3 *db, const struct store_warning *w, uint64_t expired_us,
       bool *there, bool *stands)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*there = *stands = false;
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT w.stored_us,w.exact,w.state,coalesce(i.verdict,0)"
		    " FROM warnings w LEFT JOIN indicators i ON"
		    " i.id=w.indicator WHERE w.kind=?1 AND w.value=?2",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "dt", (int)w->kind, w->value) == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		uint64_t at = sql_u64(st, 0);
		int state = sqlite3_column_int(st, 2);

		*there = true;
		*stands = at >= expired_us &&
			  (w->exact || sqlite3_column_int(st, 1) == 0) &&
			  (state != WARNING_OFF ||
			   sqlite3_column_int(st, 3) == VERDICT_REMOVED) &&
			  (state != WARNING_REFUSED ||
			   w->stored_us < at + ROOM_US);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
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
	bool there, stands;
	int64_t armed = 0;
	enum err e = former(db, w, expired_us, &there, &stands);

	*added = *refused = false;
	*forgotten = 0;
	if (e != ERR_OK || stands) {
		return e;
	}
	e = armed_as(db, w, &armed);
	if (e != ERR_OK || (armed != 0 && !known)) {
		return e;
	}
	e = has_share(db, w, refused);
	if (e != ERR_OK || *refused) {
		return e;
	}
	if (there) {
		RUN(db, e, "DELETE FROM warnings WHERE kind=? AND value=?",
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

/* A row with texts of its own: no statement is open while it is acted on. */
struct kept {
	struct store_warning w;
	char value[INDICATOR_PATTERN_CAP], mark[MARKING_TEXT_CAP], site[256];
};

static void
keep(struct kept *k)
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
store_warning_each(sqlite3 *db, enum warning_state s, int64_t after,
		   unsigned max,
		   enum err (*fn)(void *arg, const struct store_warning *w),
		   void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ROW;
	enum err e = ERR_OK;

	if (sqlite3_prepare_v2(db,
			       COLUMNS "WHERE state=?1 AND state<2 AND id>?2"
				       " ORDER BY id LIMIT 1",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	for (; max > 0 && rc == SQLITE_ROW && e == ERR_OK; max--) {
		struct kept k;

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

	if (sqlite3_prepare_v2(db, COLUMNS "ORDER BY id DESC LIMIT ?1", -1, &st,
			       NULL) == SQLITE_OK &&
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
	RUN(db, e,
	    "UPDATE warnings SET state=?2,indicator=?3,offered_us=?4,change=?5"
	    " WHERE id=?1",
	    "idiuu", w->id, (int)w->state, indicator, now_us, w->change);
	return e;
}

enum err
store_warning_armed(sqlite3 *db, const struct store_warning *w)
{
	enum err e;

	RUN(db, e,
	    "UPDATE warnings SET state=?2,armed_us=?3,sensors=?4,last_site=?5,"
	    "last_sensor=?6 WHERE id=?1",
	    "idudtt", w->id, (int)WARNING_ARMED, w->armed_us, (int)w->sensors,
	    w->last_site, w->last_sensor);
	return e;
}

/* --------------------------------------------- what the common set has of it */

/* Of a row that was offered or known: what it is now. */
static enum warning_state
state_now(enum warning_state was, int indicator)
{
	if (was == WARNING_NOTED || was == WARNING_REFUSED) {
		return was;
	}
	if (indicator == INDICATOR_HELD) {
		return WARNING_HELD;
	}
	if (indicator != INDICATOR_ARMED) {
		return WARNING_OFF;
	}
	return was == WARNING_HELD || was == WARNING_OFF ? WARNING_GIVEN : was;
}

struct moved {
	int64_t id, indicator;
	uint64_t change;
	enum warning_state was, is;
};

/* One look: '*looked' rows, '*n' of them moved. */
static enum err
look(sqlite3 *db, struct warning_cursor *at, unsigned max, unsigned *looked,
     struct moved *out, unsigned *n)
{
	static const char *const sql[] = {
		"SELECT w.id,w.id,w.state,w.indicator,coalesce(i.state,0),"
		"coalesce(i.change,0) FROM warnings w LEFT JOIN indicators i ON"
		" i.id=w.indicator WHERE w.id>?1 ORDER BY w.id LIMIT ?2",
		"SELECT i.change,w.id,w.state,i.id,i.state,i.change FROM"
		" indicators i LEFT JOIN warnings w ON w.kind=i.kind AND"
		" w.value=i.value WHERE i.change>?1 ORDER BY i.change LIMIT ?2",
	};
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*n = *looked = 0;
	if (sqlite3_prepare_v2(db, sql[at->swept], -1, &st, NULL) ==
		    SQLITE_OK &&
	    sql_bind(st, "id", at->swept ? (int64_t)at->change : at->row,
		     (int)max) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct moved m = {
				.id = sqlite3_column_int64(st, 1),
				.indicator = sqlite3_column_int64(st, 3),
				.change = sql_u64(st, 5),
				.was = (enum warning_state)sqlite3_column_int(
					st, 2),
			};

			m.is = state_now(m.was, sqlite3_column_int(st, 4));
			if (at->swept) {
				at->change = sql_u64(st, 0);
			} else {
				at->row = m.id;
			}
			if (m.id != 0 && m.is != m.was) {
				out[(*n)++] = m;
			}
			++*looked;
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Row 'id' with texts of its own; '*k' is untouched when there is none. */
static enum err
read_id(sqlite3 *db, int64_t id, struct kept *k)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, COLUMNS "WHERE id=?", -1, &st, NULL) ==
		    SQLITE_OK &&
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

#define AGREE_MAX 256

enum err
store_warning_agree(sqlite3 *db, struct warning_cursor *at, uint64_t now_us,
		    unsigned max, bool *more,
		    enum err (*fn)(void *arg, enum warning_state was,
				   const struct store_warning *w),
		    void *arg)
{
	struct warning_cursor next = *at;
	struct moved moved[AGREE_MAX];
	unsigned n = 0, looked = 0;
	enum err e = ERR_OK;

	max = MIN(max, (unsigned)AGREE_MAX);
	*more = false;
	if (!next.swept && next.row == 0) {
		int64_t change;

		/* What changes while the rows are looked at comes again. */
		e = number(db, &change,
			   "SELECT max(change) FROM indicators WHERE ?1=?1 AND"
			   " ?2=?2 AND ?3=?3",
			   0, "", 0);
		next.change = (uint64_t)change;
	}
	if (e == ERR_OK) {
		e = look(db, &next, max, &looked, moved, &n);
	}
	if (e == ERR_OK && n > 0 && sql_exec(db, "BEGIN IMMEDIATE") != ERR_OK) {
		return sqlite3_errcode(db) == SQLITE_BUSY ? ERR_AGAIN : ERR_IO;
	}
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		const struct moved *m = &moved[i];
		struct kept k;

		RUN(db, e,
		    "UPDATE warnings SET state=?2,indicator=?3,change=?4,"
		    "moved_us=?5,armed_us=CASE WHEN ?2=?6 THEN 0 ELSE armed_us"
		    " END WHERE id=?1",
		    "idiuud", m->id, (int)m->is, m->indicator, m->change,
		    now_us, (int)WARNING_GIVEN);
		if (e == ERR_OK) {
			e = read_id(db, m->id, &k);
		}
		if (e == ERR_OK) {
			e = fn(arg, m->was, &k.w);
		}
	}
	if (n > 0 && e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e != ERR_OK) {
		if (n > 0 && !sqlite3_get_autocommit(db)) {
			sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
		}
		return e;
	}
	*more = looked == max || !next.swept;
	next.swept = next.swept || looked < max;
	*at = next;
	return ERR_OK;
}

enum err
store_warning_withdraw(sqlite3 *db, int64_t id, uint64_t now_us,
		       enum err (*fn)(void *arg, const struct store_warning *w),
		       void *arg)
{
	enum err e = ERR_OK;

	for (int64_t row = 0; e == ERR_OK;) {
		struct kept k;

		e = number(db, &row,
			   "SELECT id FROM warnings WHERE incident=?1 AND"
			   " level>0 AND state NOT IN(4,5,6) AND id>?3 AND"
			   " ?2=?2 ORDER BY id LIMIT 1",
			   id, "", row);
		if (e != ERR_OK || row == 0) {
			break;
		}
		e = read_id(db, row, &k);
		if (e == ERR_OK) {
			k.w.state = WARNING_OFF;
			RUN(db, e,
			    "UPDATE warnings SET state=?2,moved_us=?3 WHERE"
			    " id=?1",
			    "idu", row, (int)WARNING_OFF, now_us);
		}
		if (e == ERR_OK) {
			e = fn(arg, &k.w);
		}
	}
	return e;
}

enum err
store_warning_merged(sqlite3 *db, int64_t from, int64_t into)
{
	enum err e;

	RUN(db, e, "UPDATE warnings SET incident=?2 WHERE incident=?1", "ii",
	    from, into);
	return e;
}
