/* SPDX-License-Identifier: Apache-2.0 */
/* Events of consultations: taken in, within their bounds. */
#include "collector/store_consult.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/store_sql.h"

/* 'fmt' says how many of the values the statement takes. */
static enum err
run_once(sqlite3 *db, const char *sql, const char *fmt, const char *side,
	 uint64_t a, uint64_t b)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, fmt, side, a, b);
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
count(sqlite3 *db, const char *name, uint64_t add)
{
	return run_once(db,
			"INSERT INTO counters VALUES(?1,?2) ON CONFLICT(name)"
			" DO UPDATE SET value=value+?2",
			"tu", name, add, 0);
}

/* One number; 0 when there is no row. */
static enum err
ask(sqlite3 *db, const char *sql, const char *fmt, const char *side,
    const struct consult_id *id, uint64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	*out = 0;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, fmt, side, id->side, id->number);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
		*out = rc == SQLITE_ROW ? sql_u64(st, 0) : 0;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* Whether an event of this name is kept, and is this one. */
static enum err
known(sqlite3 *db, const struct consult_event *e, bool *is, bool *same)
{
	struct consult_event kept;
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT " CONSULT_EVENT_COLUMNS
				    " FROM consult_events e WHERE e.side=? AND"
				    " e.number=?",
				    -1, &st, NULL);

	*is = *same = false;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "tu", e->side, e->number);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		struct json a, b;

		*is = true;
		store_consult_row(st, &kept);
		json_init(&a);
		json_init(&b);
		json_obj(&a, NULL);
		consult_event_json(&a, e);
		json_obj(&b, NULL);
		consult_event_json(&b, &kept);
		*same = !a.failed && !b.failed &&
			view_eq(json_view(&a), json_view(&b));
		json_fini(&a);
		json_fini(&b);
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
insert(sqlite3 *db, const struct consult_event *e, bool local)
{
	char sides[CONSULT_SIDES * SEVERITY_NAME_CAP + 1] = "";
	sqlite3_stmt *st = NULL;
	size_t len = 0;
	enum err err = ERR_IO;

	for (unsigned i = 0; i < e->n_sides; i++) {
		len += (size_t)snprintf(sides + len, sizeof(sides) - len,
					"%s%s", i > 0 ? "\n" : "", e->sides[i]);
	}
	if (sqlite3_prepare_v2(
		    db,
		    "INSERT INTO consult_events(side,number,local,"
		    "consult_side,consult_number,kind,clock,at_us,who,about,"
		    "other_side,other_number,level,step,deadline_us,incident,"
		    "exercise,sides,text) VALUES"
		    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		    -1, &st, NULL) == SQLITE_OK) {
		err = sql_run(st, "tudtuduutttudduittt", e->side, e->number,
			      (int)local, e->id.side, e->id.number,
			      (int)e->kind, e->clock, e->at_us, e->who,
			      e->about, e->other.side, e->other.number,
			      (int)e->level, (int)e->step, e->deadline_us,
			      e->incident, e->exercise, sides, e->text);
	}
	sqlite3_finalize(st);
	if (err == ERR_OK) {
		err = run_once(db,
			       "INSERT INTO consult_sides VALUES(?1,?2,1,?3)"
			       " ON CONFLICT(side) DO UPDATE SET"
			       " last=max(last,?2),events=events+1,"
			       "opened=opened+?3",
			       "tuu", e->side, e->number,
			       e->kind == CONSULT_OPEN);
	}
	return err;
}

enum err
store_consult_put_off(sqlite3 *db, const struct consult_id *id,
		      uint64_t until_us)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "UPDATE consults SET deadline_us=?3 WHERE"
			       " side=?1 AND number=?2 AND deadline_us>0",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "tuu", id->side, id->number, until_us);
	}
	sqlite3_finalize(st);
	return e;
}

/* The bounds of whoever speaks; ERR_LIMIT. */
static enum err
within_bounds(sqlite3 *db, const struct consult_event *e, struct diag *d)
{
	uint64_t own = 0, all = 0;
	enum err err = ask(db,
			   "SELECT count(*) FROM consult_events WHERE side=?1"
			   " AND consult_side=?2 AND consult_number=?3",
			   "ttu", e->side, &e->id, &own);

	if (err == ERR_OK) {
		err = ask(db, "SELECT events FROM consult_sides WHERE side=?1",
			  "t", e->side, &e->id, &all);
	}
	if (err == ERR_OK &&
	    (own >= CONSULT_OWN_EVENTS || all >= CONSULT_SIDE_EVENTS)) {
		err = diag_set(d, ERR_LIMIT,
			       "%s has said all that fits: %" PRIu64
			       " events here, %" PRIu64 " in all",
			       e->side, own, all);
	}
	return err;
}

/* The opener's oldest that is over goes, with all that was said in it. */
static enum err
expire(sqlite3 *db, const struct consult_id *gone)
{
	enum err e = run_once(
		db,
		"UPDATE consult_sides SET events=events-(SELECT count(*) FROM"
		" consult_events e WHERE e.side=consult_sides.side AND"
		" e.consult_side=?1 AND e.consult_number=?2)",
		"tu", gone->side, gone->number, 0);

	if (e == ERR_OK) {
		e = run_once(db,
			     "DELETE FROM consult_events WHERE consult_side=?1"
			     " AND consult_number=?2",
			     "tu", gone->side, gone->number, 0);
	}
	if (e == ERR_OK) {
		e = run_once(db,
			     "DELETE FROM consults WHERE side=?1 AND"
			     " number=?2",
			     "tu", gone->side, gone->number, 0);
	}
	if (e == ERR_OK) {
		e = run_once(db,
			     "UPDATE consult_sides SET opened=opened-1 WHERE"
			     " side=?1",
			     "t", gone->side, 0, 0);
	}
	return e == ERR_OK ? count(db, "consults_expired", 1) : e;
}

static enum err
make_room(sqlite3 *db, const struct consult_event *e, struct diag *d)
{
	struct consult_id root = { .number = 0 }, gone;
	uint64_t opened = 0;
	enum err err = ask(db, "SELECT opened FROM consult_sides WHERE side=?1",
			   "t", e->side, &e->id, &opened);

	if (err != ERR_OK || opened <= CONSULT_SIDE_OPENED) {
		return err;
	}
	/* With all that was merged with it, as long as that is its own. */
	err = ask(db,
		  "SELECT root_number FROM consults c WHERE side=?1 AND"
		  " root_side=?1 AND (SELECT state FROM consults r WHERE"
		  " r.side=c.root_side AND r.number=c.root_number)='closed'"
		  " AND NOT EXISTS (SELECT 1 FROM consults o WHERE"
		  " o.root_side=c.root_side AND o.root_number=c.root_number"
		  " AND o.side<>?1) ORDER BY number LIMIT 1",
		  "t", e->side, &e->id, &root.number);
	if (err == ERR_OK && root.number == 0) {
		return diag_set(d, ERR_LIMIT,
				"%s has %" PRIu64 " consultations open: close "
				"some",
				e->side, opened);
	}
	memcpy(root.side, e->side, sizeof(root.side));
	gone = root;
	while (err == ERR_OK && gone.number != 0) {
		err = ask(db,
			  "SELECT number FROM consults WHERE side=?1 AND"
			  " root_side=?2 AND root_number=?3 LIMIT 1",
			  "ttu", e->side, &root, &gone.number);
		if (err == ERR_OK && gone.number != 0) {
			err = expire(db, &gone);
		}
	}
	return err;
}

/* What was just taken in goes again. */
static enum err
take_back(sqlite3 *db, const struct consult_event *e)
{
	enum err err;

	if (e->kind == CONSULT_OPEN) {
		return expire(db, &e->id);
	}
	err = run_once(db,
		       "DELETE FROM consult_events WHERE side=?1 AND number=?2",
		       "tu", e->side, e->number, 0);
	return err == ERR_OK ? run_once(db,
					"UPDATE consult_sides SET"
					" events=events-1 WHERE side=?1",
					"t", e->side, 0, 0)
			     : err;
}

/* Reading a group costs by its size, and whoever opens them says what is one:
 * so it has a bound.  ERR_LIMIT. */
static enum err
uncrowded(sqlite3 *db, const struct consult_event *e, struct diag *d)
{
	bool crowd = false;
	enum err err = store_consult_crowd(db, &e->id, &crowd);

	return err == ERR_OK && crowd
		       ? diag_set(d, ERR_LIMIT,
				  "%s would make one of more than %u "
				  "consultations",
				  e->side, CONSULT_GROUP_MAX)
		       : err;
}

/* Whether a merge says of two that are one by their rows what is known. */
static enum err
are_one_already(sqlite3 *db, const struct consult_event *e, bool *is)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT 1 FROM consults a JOIN consults b ON b.root_side="
		"a.root_side AND b.root_number=a.root_number WHERE a.side=?1"
		" AND a.number=?2 AND b.side=?3 AND b.number=?4",
		-1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "tutu", e->id.side, e->id.number,
			      e->other.side, e->other.number);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	*is = rc == SQLITE_ROW;
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* One that is new, within the bounds; what opens one or makes two one changes
 * what later ones are measured by, and is not left for later. */
static enum err
take_fresh(sqlite3 *db, const struct consult_event *e, const char *speaker,
	   bool *fresh, bool *later, struct diag *d)
{
	bool known_so = e->kind != CONSULT_OPEN && e->kind != CONSULT_MERGE;
	enum err err = within_bounds(db, e, d);

	if (err == ERR_OK) {
		err = insert(db, e, speaker == NULL);
		*fresh = err == ERR_OK;
	}
	/* Later than the row that is new: numbers of rows never come
	 * again, which the feed counts by. */
	if (err == ERR_OK && e->kind == CONSULT_OPEN) {
		err = make_room(db, e, d);
	}
	if (err == ERR_OK && e->kind == CONSULT_MERGE) {
		err = are_one_already(db, e, &known_so);
	}
	if (err == ERR_OK && !known_so) {
		err = uncrowded(db, e, d);
	}
	if (err == ERR_LIMIT && *fresh) {
		*fresh = false;
		err = take_back(db, e);
		err = err == ERR_OK ? ERR_LIMIT : err;
	}
	*later = err == ERR_OK && known_so;
	return err == ERR_OK && !known_so ? store_consult_refresh(db, &e->id)
					  : err;
}

enum err
store_consult_take(sqlite3 *db, const struct consult_event *e,
		   const char *speaker, bool *fresh, bool *later,
		   struct diag *d)
{
	bool is = false, same = false;
	enum err err = consult_event_check(e, d);

	*fresh = *later = false;
	if (err == ERR_OK && speaker != NULL && strcmp(speaker, e->side) != 0) {
		err = diag_set(d, ERR_AUTH, "%s speaks for %s: only for itself",
			       speaker, e->side);
	}
	if (err == ERR_OK) {
		err = known(db, e, &is, &same);
	}
	if (err == ERR_OK && is && !same) {
		err = diag_set(d, ERR_FORMAT,
			       "%s said something else as number %" PRIu64,
			       e->side, e->number);
	}
	if (err == ERR_OK && !is) {
		err = take_fresh(db, e, speaker, fresh, later, d);
	}
	if (err == ERR_AUTH || err == ERR_FORMAT || err == ERR_LIMIT) {
		enum err counted = count(db, "consult_events_refused", 1);

		return counted == ERR_OK ? err : counted;
	}
	return err;
}

enum err
store_consult_apply(sqlite3 *db, const struct consult_event *e,
		    const char *speaker, bool *fresh, struct diag *d)
{
	bool later;
	enum err err = store_consult_take(db, e, speaker, fresh, &later, d);

	return err == ERR_OK && later ? store_consult_refresh(db, &e->id) : err;
}

/* Of an event, as the log of its incident has it. */
static void
line_of(const struct consult_event *e, char *out, size_t cap)
{
	char id[CONSULT_ID_CAP];
	size_t n;

	n = (size_t)snprintf(out, cap, "%s %s by %s",
			     consult_id_text(&e->id, id),
			     consult_kind_name(e->kind), e->side);
	if (e->about[0] != '\0' && n < cap) {
		n += (size_t)snprintf(out + n, cap - n, ", %s %s",
				      e->kind == CONSULT_ESCALATE ? "waits for"
								  : "to",
				      e->about);
	}
	if (e->step != 0 && n < cap) {
		n += (size_t)snprintf(out + n, cap - n, ", call %u of %u",
				      e->step, CONSULT_STEPS);
	}
	if (e->text[0] != '\0' && n < cap) {
		snprintf(out + n, cap - n, ": %s", e->text);
	}
}

static enum err
log_line(sqlite3 *db, const struct consult_event *e, int64_t incident)
{
	char text[CONSULT_TEXT_CAP + 3 * SEVERITY_NAME_CAP + 64];
	sqlite3_stmt *st = NULL;
	enum err err = ERR_IO;

	line_of(e, text, sizeof(text));
	if (sqlite3_prepare_v2(db,
			       "INSERT INTO incident_log(incident,at_us,who,"
			       "what,text) VALUES(?,?,?,'consult',?)",
			       -1, &st, NULL) == SQLITE_OK) {
		err = sql_run(st, "iutt", incident, e->at_us, e->who, text);
	}
	sqlite3_finalize(st);
	return err;
}

enum err
store_consult_say(sqlite3 *db, struct consult_event *e, uint64_t now_us,
		  int64_t incident, struct diag *d)
{
	struct consult c = { .clock = 0 };
	uint64_t last = 0;
	bool fresh;
	enum err err = ask(db, "SELECT last FROM consult_sides WHERE side=?1",
			   "t", e->side, &e->id, &last);

	if (err == ERR_OK && e->kind != CONSULT_OPEN) {
		err = store_consult_get(db, &e->id, &c);
	}
	if (err != ERR_OK) {
		return err;
	}
	e->number = last + 1;
	e->at_us = now_us;
	e->clock = MIN(c.clock + 1, CONSULT_CLOCK_MAX);
	if (e->kind == CONSULT_OPEN) {
		memcpy(e->id.side, e->side, sizeof(e->id.side));
		e->id.number = e->number;
	}
	err = store_consult_apply(db, e, NULL, &fresh, d);
	if (err == ERR_OK && incident != 0) {
		err = log_line(db, e, incident);
	}
	return err;
}

enum err
store_consult_told(sqlite3 *db, int64_t event)
{
	return run_once(db,
			"INSERT INTO consult_told VALUES(?1,?2) ON CONFLICT(id)"
			" DO UPDATE SET event=?2",
			"tu", "1", (uint64_t)event, 0);
}
