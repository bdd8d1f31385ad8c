/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/correlator_store.h"

#include <stdio.h>

#include "collector/store_sql.h"
#include "common/json.h"

#define HOUR_US (UINT64_C(3600) * 1000000)

struct declaring {
	sqlite3_stmt *st;
	const struct correlate_config *c;
	const char *file;
	int64_t n;
	enum err err;
};

static void
put_threshold(void *arg, const char *key, unsigned value)
{
	json_u64(arg, key, value);
}

static void
declare(void *arg, const struct correlator_row *row)
{
	struct declaring *to = arg;
	char place[4096] = "";
	struct json j;

	if (to->err != ERR_OK) {
		return;
	}
	if (row->line > 0 && to->file != NULL) {
		snprintf(place, sizeof(place), "%s:%u", to->file, row->line);
	}
	json_init(&j);
	json_obj(&j, NULL);
	correlator_thresholds(row, put_threshold, &j);
	if (row->keyed) {
		json_u64(&j, "correlate.window", to->c->window_us / 1000000);
	}
	json_obj_end(&j);
	to->err = j.failed ? ERR_NOMEM
			   : sql_run(to->st, "titdvt", row->kind, to->n++,
				     place, (int)row->enabled, json_view(&j),
				     row->tactics);
	json_fini(&j);
}

enum err
correlator_store_declare(sqlite3 *db, const struct correlate_config *c,
			 const struct finding_config *f,
			 const struct correlator_lines *lines, const char *file)
{
	struct declaring to = { .c = c, .file = file };

	if (sqlite3_prepare_v2(
		    db,
		    "INSERT INTO correlators(kind,number,place,enabled,"
		    "thresholds,tactics) VALUES(?1,?2,?3,?4,?5,?6) ON"
		    " CONFLICT(kind) DO UPDATE SET number=?2,place=?3,"
		    "enabled=?4,thresholds=?5,tactics=?6",
		    -1, &to.st, NULL) != SQLITE_OK) {
		return ERR_IO;
	}
	correlator_each(c, f, lines, declare, &to);
	sqlite3_finalize(to.st);
	return to.err;
}

enum err
correlator_store_found(sqlite3 *db, const char *kind, uint64_t n,
		       uint64_t at_us)
{
	static const char *const sql[] = {
		"UPDATE correlators SET total=total+?2,"
		"last_us=max(last_us,?3) WHERE kind=?1",
		"INSERT INTO correlator_hours VALUES(?1,?3/3600000000,?2)"
		" ON CONFLICT(kind,hour) DO UPDATE SET n=n+excluded.n",
		"DELETE FROM correlator_hours WHERE kind=?1 AND"
		" hour<?3/3600000000-?2",
	};
	enum err e = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(sql) && e == ERR_OK; i++) {
		sqlite3_stmt *st = NULL;

		e = sqlite3_prepare_v2(db, sql[i], -1, &st, NULL) == SQLITE_OK
			    ? sql_run(st, "tuu", kind,
				      i == 2 ? (uint64_t)CORRELATOR_HOURS : n,
				      at_us)
			    : ERR_IO;
		sqlite3_finalize(st);
	}
	return e;
}

enum err
correlator_store_each(struct store_reader *r, uint64_t now_us,
		      enum err (*fn)(void *arg,
				     const struct correlator_found *c),
		      void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT kind,place,thresholds,tactics,enabled,total,last_us,"
		   "coalesce((SELECT sum(n) FROM correlator_hours h WHERE"
		   " h.kind=c.kind AND h.hour>?1),0) FROM correlators c"
		   " ORDER BY number");
	int rc = SQLITE_ERROR;
	enum err e = ERR_OK;

	if (st != NULL &&
	    sql_bind(st, "i", (int64_t)(now_us / HOUR_US) - 24) == SQLITE_OK) {
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct correlator_found c = {
				.kind = sql_text(st, 0),
				.place = sql_text(st, 1),
				.thresholds = sql_text(st, 2),
				.tactics = sql_text(st, 3),
				.enabled = sqlite3_column_int(st, 4) != 0,
				.total = sql_u64(st, 5),
				.last_us = sql_u64(st, 6),
				.day = sql_u64(st, 7),
			};

			e = fn(arg, &c);
		}
	}
	if (e != ERR_OK) {
		(void)!store_reader_finish(st, SQLITE_DONE);
		return e;
	}
	return store_reader_finish(st, rc);
}
