/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_posture.h"

#include <stdio.h>

#include "collector/store_sql.h"
#include "common/clock.h"

enum err
store_posture_levels(sqlite3 *db, const struct posture_levels *l)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_exec(db, "DELETE FROM posture_levels");

	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db, "INSERT INTO posture_levels VALUES(?,?,?)",
			       -1, &st, NULL) != SQLITE_OK) {
		e = ERR_IO;
	}
	for (unsigned i = 0; i < l->n && e == ERR_OK; i++) {
		struct json j;

		json_init(&j);
		json_obj(&j, NULL);
		for (unsigned k = 0; k < l->level[i].n; k++) {
			json_cstr(&j, l->level[i].setting[k].key,
				  l->level[i].setting[k].value);
		}
		json_obj_end(&j);
		e = j.failed ? ERR_NOMEM
			     : sql_run(st, "itv", (int64_t)i, l->level[i].level,
				       json_view(&j));
		json_fini(&j);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
store_posture_each_level(struct store_reader *r,
			 void (*fn)(void *arg, const char *name,
				    const char *settings),
			 void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT name,settings FROM posture_levels ORDER BY number");
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_text(st, 0), sql_text(st, 1));
	}
	return store_reader_finish(st, rc);
}

struct level_search {
	const char *wanted;
	bool found;
	char list[256];
};

static void
look_for(void *arg, const char *name, const char *settings)
{
	struct level_search *s = arg;
	size_t n = strlen(s->list);

	(void)settings;

	s->found |= strcmp(name, s->wanted) == 0;
	snprintf(s->list + n, sizeof(s->list) - n, "%s%s", n > 0 ? ", " : "",
		 name);
}

static enum err
insert_order(sqlite3 *db, const char *level, const char *site, const char *who,
	     const char *why, int64_t *id)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "INSERT INTO posture_orders(at_us,level,site,"
			       "who,why) VALUES(?,?,?,?,?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "utttt", clock_wall_us(), level, site, who,
			    why);
	}
	sqlite3_finalize(st);
	*id = sqlite3_last_insert_rowid(db);
	return e == ERR_OK ? sql_exec(db, "COMMIT") : e;
}

enum err
store_posture_order(struct store_reader *r, const char *level, const char *site,
		    const char *who, const char *why, int64_t *id,
		    struct diag *d)
{
	struct level_search s = { .wanted = level };
	sqlite3 *db = NULL;
	enum err e = store_posture_each_level(r, look_for, &s);

	if (e != ERR_OK) {
		return diag_set(d, e, "%s: cannot be read", r->path);
	}
	if (!s.found) {
		return diag_set(d, ERR_USAGE,
				s.list[0] != '\0'
					? "posture: '%.60s' is none of %s"
					: "posture: '%.60s': the store knows "
					  "no levels%s yet; start "
					  "picket-collector once",
				level, s.list);
	}
	e = store_change_begin(r, &db, d);
	if (e != ERR_OK) {
		return e;
	}
	e = insert_order(db, level, site, who, why, id);
	if (e != ERR_OK) {
		diag_set(d, e, "%s: %s", r->path, sqlite3_errmsg(db));
	}
	sqlite3_close(db);
	return e;
}

int64_t
store_posture_newest(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int64_t id = 0;

	if (sqlite3_prepare_v2(db, "SELECT max(id) FROM posture_orders", -1,
			       &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		id = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return id;
}

/* Of a site, its newest one; unless it is older than the newest for all. */
#define HOLDING \
	" WHERE id=(SELECT max(id) FROM posture_orders n WHERE" \
	" n.site=o.site) AND (site='' OR id>coalesce((SELECT max(id) FROM" \
	" posture_orders a WHERE a.site=''),0))"

enum err
store_posture_each(sqlite3 *db, bool holding, unsigned limit,
		   void (*fn)(void *arg, const struct store_posture_order *o),
		   void *arg)
{
	static const char some[] =
		"SELECT id,at_us,version,level,site,who,why FROM"
		" posture_orders o" HOLDING " ORDER BY id DESC LIMIT ?1";
	static const char all[] =
		"SELECT id,at_us,version,level,site,who,why FROM"
		" posture_orders ORDER BY id DESC LIMIT ?1";
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, holding ? some : all, -1, &st, NULL);

	if (rc == SQLITE_OK) {
		rc = sql_bind(st, "i", (int64_t)limit);
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_posture_order o = {
			.id = sqlite3_column_int64(st, 0),
			.at_us = sql_u64(st, 1),
			.version = sql_u64(st, 2),
			.level = sql_text(st, 3),
			.site = sql_text(st, 4),
			.who = sql_text(st, 5),
			.why = sql_text(st, 6),
		};

		fn(arg, &o);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_posture_told(sqlite3 *db, int64_t id, uint64_t version)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(db,
			       "UPDATE posture_orders SET version=?2 WHERE"
			       " id=?1 AND version=0",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "iu", id, version);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
store_posture_sensors(sqlite3 *db,
		      void (*fn)(void *arg,
				 const struct store_posture_sensor *s),
		      void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		"SELECT id,site,sensor,json_extract(p,'$.posture'),"
		"json_extract(p,'$.posture_error'),"
		"CAST(json_extract(p,'$.posture_version') AS INTEGER) FROM"
		" (SELECT id,site,sensor,iif(json_valid(presence),presence,"
		"'{}') AS p FROM sensors WHERE state='live')"
		" ORDER BY site,sensor",
		-1, &st, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_posture_sensor s = {
			.id = sqlite3_column_int64(st, 0),
			.site = sql_text(st, 1),
			.sensor = sql_text(st, 2),
			.level = sql_text(st, 3),
			.error = sql_text(st, 4),
			.version = sql_u64(st, 5),
		};

		fn(arg, &s);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}
