/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_exercise.h"

#include "collector/store_sql.h"
#include "common/clock.h"

/* Of a control document, less what stands around it. */
#define TOKEN_MAX ((size_t)60 << 10)

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

static enum err
finish(sqlite3 *db, enum err e, const struct store_reader *r, struct diag *d)
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
store_exercise_begin(struct store_reader *r, const struct exercise *x,
		     const char *who, struct diag *d)
{
	sqlite3 *db = NULL;
	struct json j;
	enum err e = store_change_begin(r, &db, d);

	if (e != ERR_OK) {
		return e;
	}
	json_init(&j);
	json_obj(&j, NULL);
	exercise_write(&j, x);
	json_obj_end(&j);
	if (j.failed) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	} else if (j.len > TOKEN_MAX) {
		e = diag_set(d, ERR_USAGE,
			     "exercise %s: longer than a document for sensors "
			     "may be (%zu bytes): fewer sources and names",
			     x->name, TOKEN_MAX);
	} else {
		RUN(db, e,
		    "INSERT INTO exercises(name,state,token,from_us,until_us,"
		    "at_us,who) VALUES(?,'on',?,?,?,?,?)",
		    "tvuuut", x->name, json_view(&j), x->from_us, x->until_us,
		    clock_wall_us(), who);
		if (e != ERR_OK &&
		    sqlite3_extended_errcode(db) == SQLITE_CONSTRAINT_UNIQUE) {
			e = diag_set(d, ERR_USAGE,
				     "exercise: there is, or was, one called "
				     "%s: give it another name",
				     x->name);
		}
	}
	json_fini(&j);
	return finish(db, e, r, d);
}

enum err
store_exercise_end(struct store_reader *r, const char *name, const char *who,
		   struct diag *d)
{
	sqlite3 *db = NULL;
	enum err e = store_change_begin(r, &db, d);

	if (e != ERR_OK) {
		return e;
	}
	RUN(db, e,
	    "UPDATE exercises SET state='ended',end_us=?2,end_who=?3 WHERE"
	    " name=?1 AND state='on'",
	    "tut", name, clock_wall_us(), who);
	if (e == ERR_OK && sqlite3_changes(db) == 0) {
		e = diag_set(d, ERR_NOTFOUND,
			     "exercise: none that is on is called %.60s", name);
	}
	return finish(db, e, r, d);
}

enum err
store_exercise_each(sqlite3 *db, const char *name,
		    void (*fn)(void *arg, const struct store_exercise *e),
		    void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT id,name,token,who,end_who,from_us,until_us,at_us,"
		"end_us,version,end_version,misplaced FROM exercises WHERE"
		" ?1 IS NULL OR name=?1 ORDER BY id DESC",
		-1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = name != NULL ? sql_bind(st, "t", name) : sql_bind(st, "n");
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_exercise e = {
			.id = sqlite3_column_int64(st, 0),
			.name = sql_text(st, 1),
			.token = sql_text(st, 2),
			.who = sql_text(st, 3),
			.end_who = sql_text(st, 4),
			.from_us = sql_u64(st, 5),
			.until_us = sql_u64(st, 6),
			.at_us = sql_u64(st, 7),
			.end_us = sql_u64(st, 8),
			.version = sql_u64(st, 9),
			.end_version = sql_u64(st, 10),
			.misplaced = sql_u64(st, 11),
		};

		fn(arg, &e);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_exercise_token(const char *text, struct exercise **out, struct diag *d)
{
	struct json_reader r;
	enum err e;

	*out = NULL;
	json_reader_init(&r);
	e = json_read(&r, view_cstr(text))
		    ? exercise_read(out, &r, json_root(&r), d)
		    : diag_set(d, ERR_FORMAT, "no JSON");
	json_reader_fini(&r);
	return e;
}

uint64_t
store_exercise_state(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	uint64_t n = 0;

	if (sqlite3_prepare_v2(db,
			       "SELECT count(*)+coalesce(sum(end_us>0),0)"
			       " FROM exercises",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		n = sql_u64(st, 0);
	}
	sqlite3_finalize(st);
	return n;
}

enum err
store_exercise_told(sqlite3 *db, int64_t id, bool end, uint64_t version)
{
	enum err e;

	RUN(db, e,
	    end ? "UPDATE exercises SET end_version=?2 WHERE id=?1"
		: "UPDATE exercises SET version=?2 WHERE id=?1",
	    "iu", id, version);
	return e;
}

enum err
store_exercise_misplaced(sqlite3 *db, int64_t id, uint64_t n)
{
	enum err e;

	RUN(db, e, "UPDATE exercises SET misplaced=misplaced+?2 WHERE id=?1",
	    "iu", id, n);
	return e;
}

enum err
store_exercise_hit(sqlite3 *db, int64_t id, const struct store_exercise_hit *h)
{
	enum err e;

	RUN(db, e,
	    "INSERT INTO exercise_hits VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9)"
	    " ON CONFLICT DO UPDATE SET count=count+?7,"
	    " last_us=max(last_us,?5),"
	    " alert=iif(?4<first_us,?8,alert),"
	    " signature=iif(?4<first_us,?9,signature),"
	    " seen_us=min(seen_us,?6),first_us=min(first_us,?4)",
	    "iutuuuuit", id, (uint64_t)h->inject, h->site, h->first_us,
	    h->last_us, h->seen_us, h->count, h->alert, h->signature);
	return e;
}

enum err
store_exercise_each_hit(sqlite3 *db, int64_t id,
			void (*fn)(void *arg,
				   const struct store_exercise_hit *h),
			void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT inject,site,signature,first_us,last_us,seen_us,count,"
		"alert,coalesce((SELECT max(owner) FROM sensors s WHERE"
		" s.site=h.site),'') FROM exercise_hits h WHERE exercise=?1"
		" ORDER BY inject,first_us",
		-1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", id);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_exercise_hit h = {
			.inject = (unsigned)sqlite3_column_int(st, 0),
			.site = sql_text(st, 1),
			.signature = sql_text(st, 2),
			.first_us = sql_u64(st, 3),
			.last_us = sql_u64(st, 4),
			.seen_us = sql_u64(st, 5),
			.count = sql_u64(st, 6),
			.alert = sqlite3_column_int64(st, 7),
			.owner = sql_text(st, 8),
		};

		fn(arg, &h);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_exercise_each_told(sqlite3 *db, const char *name,
			 void (*fn)(void *arg,
				    const struct store_exercise_told *t),
			 void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT party,place,value,first_us,last_us,count FROM"
		" partner_sightings WHERE exercise=?1 ORDER BY first_us",
		-1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "t", name);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_exercise_told t = {
			.party = sql_text(st, 0),
			.place = sql_text(st, 1),
			.value = sql_text(st, 2),
			.first_us = sql_u64(st, 3),
			.last_us = sql_u64(st, 4),
			.count = sql_u64(st, 5),
		};

		fn(arg, &t);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_exercise_sensors(sqlite3 *db,
		       void (*fn)(void *arg, int64_t id, const char *site,
				  const char *sensor, const char *exercises),
		       void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT id,site,sensor,iif(json_valid(presence),"
		"json_extract(presence,'$.exercises'),'') FROM sensors"
		" WHERE state='live' ORDER BY site,sensor",
		-1, &st, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sqlite3_column_int64(st, 0), sql_text(st, 1),
		   sql_text(st, 2), sql_text(st, 3));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
