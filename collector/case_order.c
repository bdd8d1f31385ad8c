/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/case_order.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "collector/store_sql.h"
#include "common/clock.h"

#define POLL_MS 50

void
case_order_fini(struct case_order *o)
{
	free(o->runs);
	o->runs = NULL;
	o->n_runs = 0;
}

/* "12,13,40"; NULL without memory. */
static char *
list_runs(const struct case_order *o)
{
	size_t cap = o->n_runs * 21 + 1, n = 0;
	char *s = malloc(cap);

	if (s != NULL) {
		s[0] = '\0';
	}
	for (size_t i = 0; s != NULL && i < o->n_runs; i++) {
		n += (size_t)snprintf(s + n, cap - n, "%s%" PRIu64,
				      i > 0 ? "," : "", o->runs[i]);
	}
	return s;
}

static enum err
insert(sqlite3 *db, const struct case_order *o, const char *runs)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT INTO case_orders(at_us,who,what,"
			       "incident,other,runs,exercise,kind,key,until_us,"
			       "why) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "utdiittdtut", clock_wall_us(), o->who,
			    (int)o->what, o->incident, o->other, runs,
			    o->exercise, (int)o->kind, o->key, o->until_us,
			    o->why);
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
too_many(sqlite3 *db, struct diag *d)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "SELECT count(*) FROM case_orders WHERE state=0",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		e = sqlite3_column_int(st, 0) < CASE_ORDERS_WAITING
			    ? ERR_OK
			    : diag_set(d, ERR_LIMIT,
				       "%d orders wait for the collector: is "
				       "it running?",
				       CASE_ORDERS_WAITING);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
case_order_give(struct store_reader *r, const struct case_order *o, int64_t *id,
		struct diag *d)
{
	char *runs = list_runs(o);
	sqlite3 *db = NULL;
	enum err e;

	if (runs == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = store_change_begin(r, &db, d);
	if (e != ERR_OK) {
		free(runs);
		return e;
	}
	e = too_many(db, d);
	if (e == ERR_OK) {
		e = insert(db, o, runs);
		*id = sqlite3_last_insert_rowid(db);
	}
	if (e == ERR_OK) {
		e = sql_exec(db, "COMMIT");
	}
	if (e == ERR_IO) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	/* Closing rolls back what was not committed. */
	sqlite3_close(db);
	free(runs);
	return e;
}

enum err
case_order_wait(struct store_reader *r, int64_t id, unsigned ms,
		enum case_state *state, char answer[CASE_TEXT_CAP])
{
	const struct timespec nap = { 0, POLL_MS * 1000000L };
	uint64_t until = clock_mono_us() + ms * UINT64_C(1000);

	for (;;) {
		sqlite3_stmt *st = store_reader_prepare(
			r, "SELECT state,answer FROM case_orders WHERE id=?");
		int rc = SQLITE_ERROR;

		if (st != NULL && sql_bind(st, "i", id) == SQLITE_OK) {
			rc = sqlite3_step(st);
		}
		*state = CASE_WAITING;
		if (rc == SQLITE_ROW) {
			*state = (enum case_state)sqlite3_column_int(st, 0);
			snprintf(answer, CASE_TEXT_CAP, "%s", sql_text(st, 1));
		}
		sqlite3_finalize(st);
		if (rc != SQLITE_ROW) {
			return ERR_IO;
		}
		if (*state != CASE_WAITING || clock_mono_us() >= until) {
			return ERR_OK;
		}
		nanosleep(&nap, NULL);
	}
}

/* A list that somebody else wrote there ends where it makes no sense. */
static bool
read_runs(struct case_order *o, const char *s)
{
	char *end;

	o->runs = malloc(CASE_MAX_RUNS * sizeof(*o->runs));
	while (o->runs != NULL && *s >= '0' && *s <= '9' &&
	       o->n_runs < CASE_MAX_RUNS) {
		o->runs[o->n_runs++] = strtoull(s, &end, 10);
		s = *end == ',' ? end + 1 : "";
	}
	return o->runs != NULL;
}

enum err
case_order_next(sqlite3 *db, struct case_order *out)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;
	int rc;

	*out = (struct case_order){ .id = 0 };
	if (sqlite3_prepare_v2(db,
			       "SELECT id,what,who,why,incident,other,runs,"
			       "exercise,kind,key,until_us FROM case_orders"
			       " WHERE state=0 ORDER BY id LIMIT 1",
			       -1, &st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		out->id = sqlite3_column_int64(st, 0);
		out->what = (enum case_what)sqlite3_column_int(st, 1);
		snprintf(out->who, sizeof(out->who), "%s", sql_text(st, 2));
		snprintf(out->why, sizeof(out->why), "%s", sql_text(st, 3));
		out->incident = sqlite3_column_int64(st, 4);
		out->other = sqlite3_column_int64(st, 5);
		snprintf(out->exercise, sizeof(out->exercise), "%s",
			 sql_text(st, 7));
		out->kind = (unsigned)sqlite3_column_int(st, 8);
		snprintf(out->key, sizeof(out->key), "%s", sql_text(st, 9));
		out->until_us = sql_u64(st, 10);
		e = read_runs(out, sql_text(st, 6)) ? ERR_OK : ERR_NOMEM;
	} else if (rc == SQLITE_DONE) {
		e = ERR_OK;
	}
	sqlite3_finalize(st);
	return e;
}

enum err
case_order_answer(sqlite3 *db, int64_t id, enum case_state state,
		  const char *answer, uint64_t now_us)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "UPDATE case_orders SET state=?2,answer=?3,"
			       "done_us=?4 WHERE id=?1",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "idtu", id, (int)state, answer, now_us);
	}
	sqlite3_finalize(st);
	st = NULL;
	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db,
			       "DELETE FROM case_orders WHERE state>0 AND"
			       " id<=?",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "i", id - CASE_ORDERS_KEPT);
	}
	sqlite3_finalize(st);
	return e;
}
