/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/finding_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/store_sql.h"

/* More places than these are not listed; their marks are joined all the same. */
#define MAX_PLACES 64

#define RUN(db, e, sql, ...) \
	do { \
		sqlite3_stmt *st_ = NULL; \
		(e) = ERR_IO; \
		if (sqlite3_prepare_v2((db), (sql), -1, &st_, NULL) == \
		    SQLITE_OK) { \
			(e) = sql_run(st_, __VA_ARGS__); \
		} \
		sqlite3_finalize(st_); \
	} while (0)

/* The row that goes on, as far as it is needed. */
struct former {
	int64_t id;
	double told;
	struct marking mark;
	struct json places;
};

/* Adds to a list of places what it has not; the list is ours, and its texts
 * are escaped by the same writer. */
static bool
add_places(struct json *j, struct view old, const struct finding *f)
{
	struct json one;
	unsigned n = 0;

	json_init(&one);
	json_reset(j);
	json_arr(j, NULL);
	if (old.len > 2) {
		json_raw(j, NULL, view_sub(old, 1, old.len - 2));
		for (size_t i = 0; i < old.len; i++) {
			n += old.p[i] == '{';
		}
	}
	for (unsigned i = 0; i < f->n_places && n < MAX_PLACES; i++) {
		json_reset(&one);
		json_obj(&one, NULL);
		json_cstr(&one, "site", f->places[i].site);
		json_cstr(&one, "owner", f->places[i].owner);
		json_obj_end(&one);
		if (one.failed || (old.len > 0 && memmem(old.p, old.len, one.p,
							 one.len) != NULL)) {
			continue;
		}
		json_raw(j, NULL, json_view(&one));
		n++;
	}
	json_arr_end(j);
	json_fini(&one);
	return !j->failed;
}

static enum err
find_former(sqlite3 *db, const struct finding *f, struct former *out)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;
	uint64_t since = f->first_us - MIN(f->first_us, f->window_us);

	out->id = 0;
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT id,told,mark,places FROM findings WHERE key=?1 AND"
		    " kind=?2 AND exercise=?3 AND last_us>=?4 AND first_us<=?5"
		    " ORDER BY last_us DESC LIMIT 1",
		    -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "tttuu", f->key, finding_kind_name(f->kind),
		     f->exercise, since,
		     f->last_us + f->window_us) == SQLITE_OK) {
		int rc = sqlite3_step(st);

		e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
		if (rc == SQLITE_ROW) {
			out->id = sqlite3_column_int64(st, 0);
			out->told = sqlite3_column_double(st, 1);
			mark_read_kept(&out->mark, view_cstr(sql_text(st, 2)));
			if (!add_places(&out->places,
					view_cstr(sql_text(st, 3)), f)) {
				e = ERR_NOMEM;
			}
		}
	}
	sqlite3_finalize(st);
	return e;
}

static enum err
update(sqlite3 *db, const struct finding *f, struct former *was,
       enum finding_news *news)
{
	char mark[MARKING_TEXT_CAP], told[32], title[192];
	char host[ADDR_TEXT_CAP] = "";
	enum err e;

	/* Where a chain began may become known later than that there is one. */
	if (f->has_host) {
		addr_format(&f->host, host);
	}
	finding_title(f, title, sizeof(title));
	*news = f->measure >= 2 * was->told ? FINDING_RAISED : FINDING_MORE;
	marking_join(&was->mark, f->mark);
	snprintf(told, sizeof(told), "%.17g",
		 *news == FINDING_RAISED ? f->measure : was->told);
	RUN(db, e,
	    "UPDATE findings SET first_us=min(first_us,?2),"
	    "last_us=max(last_us,?3),updates=updates+1,told=CAST(?4 AS REAL),"
	    "mark=?5,places=?6,evidence=?7,host=?8,title=?9 WHERE id=?1",
	    "iuuttvvtt", was->id, f->first_us, f->last_us, told,
	    marking_text(&was->mark, mark), json_view(&was->places),
	    f->evidence, host, title);
	return e;
}

static enum err
insert(sqlite3 *db, const struct finding *f, uint64_t now_us, int64_t *id)
{
	char mark[MARKING_TEXT_CAP], told[32], title[192];
	char host[ADDR_TEXT_CAP] = "", peer[ADDR_TEXT_CAP] = "";
	struct json places;
	enum err e = ERR_NOMEM;

	json_init(&places);
	if (f->has_host) {
		addr_format(&f->host, host);
	}
	if (f->has_peer) {
		addr_format(&f->peer, peer);
	}
	finding_title(f, title, sizeof(title));
	snprintf(told, sizeof(told), "%.17g", f->measure);
	if (add_places(&places, VIEW_NONE, f)) {
		RUN(db, e,
		    "INSERT INTO findings(kind,exercise,key,site,host,peer,"
		    "port,proto,severity,title,mark,first_us,last_us,"
		    "stored_us,updates,told,places,evidence) VALUES(?,?,?,?,?,"
		    "?,?,?,?,?,?,?,?,?,0,CAST(? AS REAL),?,?)",
		    "ttttttdddttuuutvv", finding_kind_name(f->kind),
		    f->exercise, f->key, f->places[0].site, host, peer,
		    (int)f->port, (int)f->proto, (int)finding_severity(f),
		    title, marking_text(f->mark, mark), f->first_us, f->last_us,
		    now_us, told, json_view(&places), f->evidence);
	}
	*id = sqlite3_last_insert_rowid(db);
	json_fini(&places);
	return e;
}

/* The site's own oldest beyond its bound; then those of who has most. */
static enum err
trim(sqlite3 *db, const char *site, uint64_t *forgotten)
{
	enum err e;

	RUN(db, e,
	    "DELETE FROM findings WHERE id IN(SELECT id FROM findings WHERE"
	    " site=?1 ORDER BY id DESC LIMIT -1 OFFSET ?2)",
	    "td", site, FINDING_STORE_SITE);
	*forgotten += e == ERR_OK ? (uint64_t)sqlite3_changes(db) : 0;
	if (e == ERR_OK) {
		RUN(db, e,
		    "DELETE FROM findings WHERE (SELECT count(*) FROM findings)"
		    ">?1 AND id=(SELECT min(id) FROM findings WHERE site="
		    "(SELECT site FROM findings GROUP BY site ORDER BY"
		    " count(*) DESC,site LIMIT 1))",
		    "d", FINDING_STORE_MAX);
		*forgotten += e == ERR_OK ? (uint64_t)sqlite3_changes(db) : 0;
	}
	return e;
}

enum err
finding_store_put(sqlite3 *db, const struct finding *f, uint64_t now_us,
		  int64_t *id, enum finding_news *news, uint64_t *forgotten)
{
	struct former was = { .id = 0 };
	enum err e;

	*forgotten = 0;
	*news = FINDING_NEW;
	json_init(&was.places);
	e = find_former(db, f, &was);
	if (e == ERR_OK && was.id != 0) {
		*id = was.id;
		e = update(db, f, &was, news);
	} else if (e == ERR_OK) {
		e = insert(db, f, now_us, id);
		if (e == ERR_OK) {
			e = trim(db, f->places[0].site, forgotten);
		}
	}
	json_fini(&was.places);
	return e;
}

/* ----------------------------------------------------------------- reading */

#define COLUMNS \
	"SELECT id,kind,exercise,site,host,peer,port,proto,severity,title," \
	"mark,first_us,last_us,stored_us,updates,places,evidence FROM " \
	"findings "

static void
read_row(sqlite3_stmt *st, struct finding_row *r)
{
	*r = (struct finding_row){
		.id = sqlite3_column_int64(st, 0),
		.kind = sql_text(st, 1),
		.exercise = sql_text(st, 2),
		.site = sql_text(st, 3),
		.host = sql_text(st, 4),
		.peer = sql_text(st, 5),
		.port = (unsigned)sqlite3_column_int(st, 6),
		.proto = (unsigned)sqlite3_column_int(st, 7),
		.severity = (unsigned)sqlite3_column_int(st, 8),
		.title = sql_text(st, 9),
		.mark = sql_text(st, 10),
		.first_us = sql_u64(st, 11),
		.last_us = sql_u64(st, 12),
		.stored_us = sql_u64(st, 13),
		.updates = sql_u64(st, 14),
		.places = sql_text(st, 15),
		.evidence = sql_text(st, 16),
	};
}

/* Hands out the rows of a statement that is bound, and lets go of it. */
static enum err
each(sqlite3_stmt *st, int bound,
     enum err (*fn)(void *arg, const struct finding_row *r), void *arg,
     unsigned *n)
{
	enum err e = ERR_OK;
	int rc = bound;

	*n = 0;
	while (bound == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct finding_row r;

		read_row(st, &r);
		(*n)++;
		e = fn(arg, &r);
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
finding_store_get(sqlite3 *db, int64_t id,
		  enum err (*fn)(void *arg, const struct finding_row *r),
		  void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, COLUMNS "WHERE id=?1", -1, &st, NULL);
	unsigned n;
	enum err e = each(st, rc == SQLITE_OK ? sql_bind(st, "i", id) : rc, fn,
			  arg, &n);

	return e == ERR_OK && n == 0 ? ERR_NOTFOUND : e;
}

enum err
finding_store_list(sqlite3 *db, const char *kind, const char *exercise,
		   unsigned max,
		   enum err (*fn)(void *arg, const struct finding_row *r),
		   void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(
		db,
		COLUMNS "WHERE (?1 OR kind=?2) AND (?3 OR exercise=?4) ORDER BY"
			" id DESC LIMIT ?5",
		-1, &st, NULL);
	unsigned n;

	return each(st,
		    rc == SQLITE_OK ? sql_bind(st, "dtdtd", (int)(kind == NULL),
					       kind != NULL ? kind : "",
					       (int)(exercise == NULL),
					       exercise != NULL ? exercise : "",
					       (int)max)
				    : rc,
		    fn, arg, &n);
}

void
finding_row_json(struct json *j, const struct finding_row *r)
{
	json_i64(j, "id", r->id);
	json_cstr(j, "kind", r->kind);
	json_cstr(j, "title", r->title);
	json_cstr(j, "exercise", r->exercise);
	json_cstr(j, "site", r->site);
	json_cstr(j, "host", r->host);
	json_cstr(j, "peer", r->peer);
	json_u64(j, "port", r->port);
	json_u64(j, "proto", r->proto);
	json_u64(j, "severity", r->severity);
	json_cstr(j, "mark", r->mark);
	json_time(j, "first", r->first_us);
	json_time(j, "last", r->last_us);
	json_time(j, "stored", r->stored_us);
	json_u64(j, "updates", r->updates);
	json_raw(j, "places", view_cstr(r->places));
	json_raw(j, "evidence", view_cstr(r->evidence));
}
