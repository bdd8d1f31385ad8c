/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_blind.h"

#include <stdlib.h>

#include "collector/store_sql.h"
#include "common/json_read.h"

/* One statement, prepared for it: these run every few seconds. */
static sqlite3_stmt *
prepare(struct store *s, const char *sql)
{
	sqlite3_stmt *st = NULL;

	return sqlite3_prepare_v2(store_db(s), sql, -1, &st, NULL) == SQLITE_OK
		       ? st
		       : NULL;
}

static enum err
finish(sqlite3_stmt *st, enum err e)
{
	sqlite3_finalize(st);
	return e;
}

/* What ended first goes; how long back all is known is told by 'upto'. */
static enum err
cut(struct store *s, int64_t sensor, const char *cause)
{
	static const char *const sql[] = {
		"SELECT count(*) FROM blind WHERE sensor=?1 AND cause=?2 AND"
		" to_us>0",
		"SELECT to_us FROM blind WHERE sensor=?1 AND cause=?2 AND"
		" to_us>0 ORDER BY to_us LIMIT 1 OFFSET ?3",
		"DELETE FROM blind WHERE sensor=?1 AND cause=?2 AND to_us>0 AND"
		" to_us<=?3",
	};
	uint64_t bound = store_bounds(s)->blind, number = 0;

	for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
		sqlite3_stmt *st = prepare(s, sql[i]);
		int rc = st != NULL ? sql_bind(st, i > 0 ? "itu" : "it", sensor,
					       cause, number)
				    : SQLITE_ERROR;

		if (rc == SQLITE_OK) {
			rc = sqlite3_step(st);
		}
		number = rc == SQLITE_ROW ? sql_u64(st, 0) : number;
		sqlite3_finalize(st);
		if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
			return ERR_IO;
		}
		if (i == 0 && number <= bound) {
			return ERR_OK;
		}
		number = i == 0 ? number - (bound - bound / 8) - 1 : number;
	}
	return store_drop_note(store_db(s), sensor, STORE_DROP_blind,
			       (uint64_t)sqlite3_changes(store_db(s)), 0,
			       number);
}

enum err
store_blind_span(struct store *s, int64_t sensor, const struct blind_span *span,
		 bool *changed)
{
	sqlite3_stmt *st = prepare(
		s, "INSERT INTO blind(sensor,cause,from_us,to_us,detail,"
		   "all_from,payload_from) VALUES(?1,?2,?3,?4,?5,?6,?7)"
		   " ON CONFLICT(sensor,cause,from_us)"
		   " DO UPDATE SET to_us=?4,detail=CASE ?4 WHEN 0 THEN ?5"
		   " ELSE detail END,all_from=min(all_from,?6),"
		   "payload_from=min(payload_from,?7)"
		   " WHERE to_us<?4 OR (to_us>0 AND ?4=0) OR (?4=0 AND"
		   " (all_from>?6 OR payload_from>?7))");
	enum err e = ERR_IO;

	if (st != NULL) {
		e = sql_run(st, "ituutdd", sensor,
			    blind_cause_name(span->cause), span->from_us,
			    span->to_us, span->detail, (int)span->all_from,
			    (int)span->payload_from);
		*changed = sqlite3_changes(store_db(s)) > 0;
	}
	e = finish(st, e);
	return e == ERR_OK && *changed && span->to_us != 0
		       ? cut(s, sensor, blind_cause_name(span->cause))
		       : e;
}

enum err
store_blind_seen(struct store *s, int64_t sensor, bool live, uint64_t at_us)
{
	sqlite3_stmt *st = prepare(
		s, "INSERT INTO blind_watch(sensor,live,since_us,last_us)"
		   " VALUES(?1,?2,?3,?3) ON CONFLICT(sensor) DO UPDATE SET"
		   " live=?2,last_us=?3");

	return st != NULL ? finish(st,
				   sql_run(st, "idu", sensor, (int)live, at_us))
			  : ERR_IO;
}

enum err
store_blind_beat(struct store *s, uint64_t at_us)
{
	sqlite3_stmt *st = prepare(
		s, "INSERT OR REPLACE INTO blind_beat(id,at_us) VALUES(1,?1)");

	return st != NULL ? finish(st, sql_run(st, "u", at_us)) : ERR_IO;
}

enum err
store_blind_last_beat(struct store *s, uint64_t *at_us)
{
	sqlite3_stmt *st = prepare(s, "SELECT at_us FROM blind_beat");
	int rc = st != NULL ? sqlite3_step(st) : SQLITE_ERROR;

	*at_us = rc == SQLITE_ROW ? sql_u64(st, 0) : 0;
	return finish(st,
		      rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO);
}

static enum err
load_open(struct store *s, int64_t sensor, struct blind *b)
{
	sqlite3_stmt *st = prepare(
		s, "SELECT cause,from_us,to_us,all_from,payload_from FROM"
		   " blind WHERE sensor=?1 AND (to_us=0 OR cause='killed')");
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "i", sensor) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			enum blind_cause c = blind_cause_find(sql_text(st, 0));

			if (c == BLIND_killed) {
				b->killed_us =
					MAX(b->killed_us, sql_u64(st, 2));
			} else if (c < BLIND_CAUSES) {
				b->open_us[c] = sql_u64(st, 1);
			}
			if (c == BLIND_overload) {
				b->overload.all_from =
					(unsigned)sqlite3_column_int(st, 3);
				b->overload.payload_from =
					(unsigned)sqlite3_column_int(st, 4);
			}
		}
	}
	return finish(st, rc == SQLITE_DONE ? ERR_OK : ERR_IO);
}

/* The ledger in the presence that was heard last, which is kept in the same
 * transaction as when that was.  There may be none. */
static enum err
load_ledger(struct store *s, int64_t sensor, struct blind *b)
{
	sqlite3_stmt *st = prepare(
		s, "SELECT json_extract(presence,'$.ledger') FROM sensors"
		   " WHERE id=?1 AND json_valid(presence)");
	struct json_reader reader;
	struct ledger l;
	int rc = SQLITE_ERROR;

	json_reader_init(&reader);
	if (st != NULL && sql_bind(st, "i", sensor) == SQLITE_OK &&
	    (rc = sqlite3_step(st)) == SQLITE_ROW &&
	    json_read(&reader, view_cstr(sql_text(st, 0))) &&
	    ledger_read(&l, &reader, json_root(&reader))) {
		blind_recall(b, &l);
	}
	json_reader_fini(&reader);
	return finish(st,
		      rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO);
}

enum err
store_blind_load(struct store *s, int64_t sensor, struct blind *b)
{
	sqlite3_stmt *st = prepare(s, "SELECT live,last_us FROM blind_watch"
				      " WHERE sensor=?1");
	int rc = SQLITE_ERROR;

	*b = (struct blind){ 0 };
	if (st != NULL && sql_bind(st, "i", sensor) == SQLITE_OK) {
		rc = sqlite3_step(st);
		if (rc == SQLITE_ROW && sqlite3_column_int(st, 0) != 0) {
			blind_resume(b, true, sql_u64(st, 1));
		}
	}
	sqlite3_finalize(st);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		return ERR_IO;
	}
	if (b->known && load_ledger(s, sensor, b) != ERR_OK) {
		return ERR_IO;
	}
	return load_open(s, sensor, b);
}

enum err
store_blind_each_live(struct store *s,
		      void (*fn)(void *arg, const char *site,
				 const char *sensor),
		      void *arg)
{
	sqlite3_stmt *st = prepare(
		s, "SELECT s.site,s.sensor FROM blind_watch w JOIN sensors s ON"
		   " s.id=w.sensor WHERE w.live=1 AND NOT EXISTS (SELECT 1 FROM"
		   " blind b WHERE b.sensor=w.sensor AND b.cause='ended' AND"
		   " b.to_us=0) ORDER BY s.id");
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_text(st, 0), sql_text(st, 1));
	}
	return finish(st, rc == SQLITE_DONE ? ERR_OK : ERR_IO);
}

/* --- assets --- */

struct assets {
	sqlite3_stmt *st;
	int64_t sensor;
	const char *site, *watches;
	const struct ledger_overload *overload;
	enum err err;
};

/* Two networks meet when the wider holds the other's first address. */
static bool
meets(const char *watches, const struct cidr *net)
{
	static const char parted[] = " ,\t";
	const char *p = watches + strspn(watches, parted);
	bool any = *p != '\0';

	while (*p != '\0') {
		size_t n = strcspn(p, parted);
		struct cidr w;

		if (cidr_parse(view_of(p, n), &w) &&
		    (w.bits <= net->bits ? cidr_contains(&w, &net->addr)
					 : cidr_contains(net, &w.addr))) {
			return true;
		}
		p += n;
		p += strspn(p, parted);
	}
	return !any;
}

static void
put_asset(void *arg, const char *asset, const char *site, unsigned criticality,
	  const struct cidr *net)
{
	struct assets *a = arg;

	if (a->err == ERR_OK &&
	    (site[0] == '\0' || a->site == NULL ||
	     strcmp(site, a->site) == 0) &&
	    meets(a->watches, net)) {
		a->err = sql_run(
			a->st, "ttid", asset, site, a->sensor,
			(int)blind_priority(a->overload, net, criticality));
	}
}

enum err
store_blind_assets(struct store *s, int64_t sensor, const char *site,
		   const struct mission_map *m, const char *watches,
		   const struct ledger_overload *o)
{
	sqlite3_stmt *clear = prepare(s, "DELETE FROM blind_assets WHERE"
					 " sensor=?1");
	struct assets a = { .st = prepare(s, "INSERT INTO blind_assets"
					     "(asset,site,sensor,priority)"
					     " VALUES(?1,?2,?3,?4) ON CONFLICT"
					     " DO UPDATE SET priority="
					     "max(priority,?4)"),
			    .sensor = sensor,
			    .site = site,
			    .watches = watches,
			    .overload = o };

	a.err = clear != NULL && a.st != NULL ? sql_run(clear, "i", sensor)
					      : ERR_IO;
	if (m != NULL) {
		mission_each_asset(m, put_asset, &a);
	}
	sqlite3_finalize(clear);
	return finish(a.st, a.err);
}

struct needs {
	sqlite3_stmt *st;
	enum err err;
};

static void
put_need(void *arg, const char *mission, const char *owner,
	 unsigned criticality, const char *asset)
{
	struct needs *n = arg;

	if (n->err == ERR_OK) {
		n->err = sql_run(n->st, "tttu", mission, asset, owner,
				 (uint64_t)criticality);
	}
}

enum err
store_blind_missions(struct store *s, const struct mission_map *m)
{
	struct needs n = { .st = prepare(s, "INSERT OR REPLACE INTO"
					    " mission_assets VALUES"
					    "(?1,?2,?3,?4)") };

	n.err = n.st != NULL
			? sql_exec(store_db(s), "DELETE FROM mission_assets")
			: ERR_IO;
	if (m != NULL && !mission_each_need(m, put_need, &n) &&
	    n.err == ERR_OK) {
		n.err = ERR_NOMEM;
	}
	return finish(n.st, n.err);
}

/* --- reading --- */

/*
 * What lasts first, then the newest: a limit leaves out what is long over.  A
 * sensor that was killed was silent too, as the collector saw it: where the one
 * tells of the other, within half a minute at the beginning and a minute at the
 * end, there is one row.
 */
#define EXPLAINS(k, b) \
	k ".sensor=" b ".sensor AND " k ".cause='killed' AND " k ".from_us" \
	  " BETWEEN " b ".from_us-60000000 AND " b ".from_us+30000000" \
	  " AND " k ".to_us>=" b ".from_us AND " b ".to_us<=" k \
	  ".to_us+60000000"
/* Of b: the silence that it explains; what explains it. */
#define EXPLAINED \
	"FROM blind x WHERE x.cause='silent' AND x.to_us>0" \
	" AND " EXPLAINS("b", "x")
#define EXPLAINING "SELECT 1 FROM blind k WHERE " EXPLAINS("k", "b")

/* Something of asset a was not seen: an overload takes by priority. */
#define TAKES "min(b.all_from,b.payload_from)<=a.priority"

static const char blind_sql[] =
	"SELECT s.site,s.sensor,b.cause,b.detail,b.from_us,b.to_us,"
	" (SELECT count(*) FROM blind_assets a WHERE a.sensor=b.sensor AND"
	"  " TAKES "),"
	" (SELECT group_concat(asset,', ') FROM (SELECT asset FROM blind_assets"
	"  a WHERE a.sensor=b.sensor AND " TAKES " ORDER BY asset LIMIT 5)),"
	" CASE b.cause WHEN 'killed' THEN coalesce((SELECT min(x.from_us)"
	"  " EXPLAINED "),0) ELSE 0 END,"
	" CASE b.cause WHEN 'killed' THEN coalesce((SELECT max(x.to_us)"
	"  " EXPLAINED "),0) ELSE 0 END,"
	" b.total,b.all_from,b.payload_from FROM (SELECT b.*,"
	" count(*) OVER () total FROM blind b JOIN sensors s ON s.id=b.sensor"
	" WHERE (b.to_us=0 OR b.to_us>=?1) AND (?2 IS NULL OR s.site=?2)"
	" AND (?3 IS NULL OR EXISTS(SELECT 1 FROM blind_assets a WHERE"
	"  a.sensor=b.sensor AND a.asset=?3 AND " TAKES "))"
	" AND NOT (b.cause='silent' AND b.to_us>0 AND EXISTS(" EXPLAINING "))"
	" ORDER BY b.to_us=0 DESC,b.from_us DESC,b.id DESC LIMIT ?4) b"
	" JOIN sensors s ON s.id=b.sensor"
	" ORDER BY b.from_us,s.site,s.sensor,b.cause";

enum err
store_read_blind(struct store_reader *r, uint64_t since_us, const char *site,
		 const char *asset, unsigned limit,
		 void (*fn)(void *arg, const struct store_blind_row *row),
		 void *arg, uint64_t *left_out)
{
	sqlite3_stmt *st = store_reader_prepare(r, blind_sql);
	uint64_t total = 0, n = 0;
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "uttu", since_us, site, asset,
				   (uint64_t)limit) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct store_blind_row row = {
				.site = sql_text(st, 0),
				.sensor = sql_text(st, 1),
				.cause = sql_text(st, 2),
				.detail = sql_text(st, 3),
				.from_us = sql_u64(st, 4),
				.to_us = sql_u64(st, 5),
				.n_assets = (unsigned)sqlite3_column_int(st, 6),
				.assets = sql_text(st, 7),
				.silent_from_us = sql_u64(st, 8),
				.silent_to_us = sql_u64(st, 9),
				.all_from =
					(unsigned)sqlite3_column_int(st, 11),
				.payload_from =
					(unsigned)sqlite3_column_int(st, 12),
			};

			total = sql_u64(st, 10);
			n++;
			fn(arg, &row);
		}
	}
	*left_out = total - n;
	return store_reader_finish(st, rc);
}

enum err
store_read_watch(struct store_reader *r,
		 void (*fn)(void *arg, const struct store_watch_row *row),
		 void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT s.site,s.sensor,w.live,w.since_us,w.last_us,"
		   "(SELECT count(*) FROM blind b WHERE b.sensor=s.id AND"
		   " b.to_us=0) FROM blind_watch w JOIN sensors s ON"
		   " s.id=w.sensor ORDER BY 1,2");
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_watch_row row = {
			.site = sql_text(st, 0),
			.sensor = sql_text(st, 1),
			.live = sqlite3_column_int(st, 2) != 0,
			.since_us = sql_u64(st, 3),
			.last_us = sql_u64(st, 4),
			.open = (unsigned)sqlite3_column_int(st, 5),
		};

		fn(arg, &row);
	}
	return store_reader_finish(st, rc);
}
