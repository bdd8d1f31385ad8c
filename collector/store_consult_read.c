/* SPDX-License-Identifier: Apache-2.0 */
/* Consultations as they stand, and their logs. */
#include "collector/store_consult.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/store_sql.h"

static enum err
finish(sqlite3_stmt *st, int rc, enum err e)
{
	sqlite3_finalize(st);
	if (e != ERR_OK) {
		return e;
	}
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

static void
take_id(sqlite3_stmt *st, struct consult_id *out)
{
	*out = (struct consult_id){ .number = sql_u64(st, 1) };
	snprintf(out->side, sizeof(out->side), "%s", sql_text(st, 0));
}

enum err
store_consult_get(sqlite3 *db, const struct consult_id *id, struct consult *out)
{
	struct consult_event *events;
	size_t n;
	enum err e = store_consult_events(db, id, &events, &n);

	if (e == ERR_OK && !consult_fold(events, n, out)) {
		e = ERR_NOTFOUND;
	}
	free(events);
	return e;
}

enum err
store_consult_of(sqlite3 *db, int64_t incident, struct consult_id *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT root_side,root_number FROM consults"
				    " WHERE incident=? AND local=1"
				    " ORDER BY state='merged',number DESC"
				    " LIMIT 1",
				    -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", incident);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		take_id(st, out);
	}
	return finish(st, rc, rc == SQLITE_DONE ? ERR_NOTFOUND : ERR_OK);
}

enum err
store_consult_ours(sqlite3 *db, const struct consult_id *root,
		   bool *opened_here, int64_t *incident)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT coalesce(max(local AND side=root_side AND"
		"  number=root_number),0),"
		" coalesce(max(iif(local,incident,0)),0) FROM consults"
		" WHERE root_side=? AND root_number=?",
		-1, &st, NULL);

	*opened_here = true;
	*incident = 0;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "tu", root->side, root->number);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		*opened_here = sqlite3_column_int(st, 0) != 0;
		*incident = *opened_here ? 0 : sqlite3_column_int64(st, 1);
	}
	return finish(st, rc, ERR_OK);
}

enum err
store_consult_due(sqlite3 *db, uint64_t now_us, struct consult_id *out,
		  unsigned max, unsigned *n)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT side,number FROM consults WHERE"
				    " deadline_us>0 AND deadline_us<=? AND"
				    " local=1"
				    " ORDER BY deadline_us LIMIT ?",
				    -1, &st, NULL);

	*n = 0;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "uu", now_us, (uint64_t)max);
	}
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && *n < max) {
			take_id(st, &out[(*n)++]);
		}
	}
	return finish(st, rc, ERR_OK);
}

enum err
store_consult_each(sqlite3 *db, bool closed_too, unsigned limit,
		   void (*fn)(void *arg, const struct consult *c), void *arg)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT side,number FROM consults WHERE"
				    " state='open' OR (?1 AND state='closed')"
				    " ORDER BY state DESC,level DESC,"
				    "opened_us DESC,side,number LIMIT ?2",
				    -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "du", (int)closed_too, (uint64_t)limit);
	}
	while (e == ERR_OK && (rc == SQLITE_OK || rc == SQLITE_ROW)) {
		struct consult_id id;
		struct consult c;

		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			take_id(st, &id);
			e = store_consult_get(db, &id, &c);
			if (e == ERR_OK) {
				fn(arg, &c);
			}
		}
	}
	return finish(st, rc, e);
}

enum err
store_consult_log(sqlite3 *db, const struct consult_id *id,
		  void (*fn)(void *arg, const struct consult_event *e),
		  void *arg)
{
	struct consult_event *events;
	struct consult c;
	size_t n;
	enum err e = store_consult_events(db, id, &events, &n);

	if (e == ERR_OK && !consult_fold(events, n, &c)) {
		e = ERR_NOTFOUND;
	}
	for (size_t i = 0; i < n && e == ERR_OK; i++) {
		fn(arg, &events[i]);
	}
	free(events);
	return e;
}

enum err
store_consult_since(sqlite3 *db, const char *side, uint64_t from,
		    unsigned limit,
		    void (*fn)(void *arg, const struct consult_event *e),
		    void *arg)
{
	struct consult_event event;
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT " CONSULT_EVENT_COLUMNS
				    " FROM consult_events e WHERE e.side=? AND"
				    " e.number>=? ORDER BY e.number LIMIT ?",
				    -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "tuu", side, from, (uint64_t)limit);
	}
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			store_consult_row(st, &event);
			fn(arg, &event);
		}
	}
	return finish(st, rc, ERR_OK);
}

enum err
store_consult_untold(sqlite3 *db, unsigned limit,
		     enum err (*fn)(void *arg, const struct consult_event *e),
		     void *arg, int64_t *last)
{
	struct consult_event event;
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT " CONSULT_EVENT_COLUMNS
				    ",e.id FROM consult_events e WHERE e.id>"
				    "coalesce((SELECT event FROM consult_told),"
				    "0) ORDER BY e.id LIMIT ?",
				    -1, &st, NULL);

	*last = 0;
	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "u", (uint64_t)limit);
	}
	while (e == ERR_OK && (rc == SQLITE_OK || rc == SQLITE_ROW)) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW) {
			store_consult_row(st, &event);
			*last = sqlite3_column_int64(st, 18);
			e = fn(arg, &event);
		}
	}
	return finish(st, rc, e);
}

enum err
store_consult_sums(sqlite3 *db, struct store_consult_sums *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT coalesce(sum(state='open' AND exercise=''),0),"
		"coalesce(sum(state='open' AND exercise='' AND waiting>0),0),"
		"coalesce(sum(state='open' AND exercise='' AND step>0),0),"
		"coalesce(sum(state='closed' AND exercise=''),0),"
		"(SELECT coalesce(sum(events),0) FROM consult_sides),"
		"(SELECT coalesce(sum(value),0) FROM counters WHERE"
		" name='consult_events_refused'),"
		"(SELECT coalesce(sum(value),0) FROM counters WHERE"
		" name='consults_expired') FROM consults",
		-1, &st, NULL);

	*out = (struct store_consult_sums){ 0 };
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		uint64_t *const to[] = { &out->open,    &out->waiting,
					 &out->overdue, &out->closed,
					 &out->events,  &out->refused,
					 &out->expired };

		for (int i = 0; i < (int)ARRAY_LEN(to); i++) {
			*to[i] = sql_u64(st, i);
		}
	}
	return finish(st, rc, ERR_OK);
}
