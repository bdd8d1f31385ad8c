/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/indicator_poll_store.h"

#include <stdio.h>

#include "collector/store_schema.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define BUSY_MS 20000

/* A connection that writes; closed by the caller, NULL too. */
static enum err
open_store(sqlite3 **db, const char *store, struct diag *d)
{
	if (sql_open(db, store, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		     BUSY_MS) != ERR_OK) {
		return diag_set(d, ERR_IO, "%s: %s", store,
				sqlite3_errmsg(*db));
	}
	return store_schema_check(*db, store, d);
}

static const char *
or_none(const char *s)
{
	return s != NULL ? s : "";
}

enum err
indicator_poll_load(const char *store, const struct indicator_poll *p,
		    char added_after[TAXII_DATE_CAP], struct diag *d)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	enum err e = open_store(&db, store, d);
	int rc = SQLITE_ERROR;

	added_after[0] = '\0';
	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db,
			       "SELECT added_after FROM indicator_polls WHERE"
			       " source=? AND url=? AND collection=?",
			       -1, &st, NULL) == SQLITE_OK &&
	    sql_bind(st, "ttt", p->source, p->url, or_none(p->collection)) ==
		    SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		snprintf(added_after, TAXII_DATE_CAP, "%s", sql_text(st, 0));
	} else if (e == ERR_OK && rc != SQLITE_DONE) {
		e = diag_set(d, ERR_IO, "%s: %s", store, sqlite3_errmsg(db));
	}
	sqlite3_finalize(st);
	sqlite3_close(db);
	return e;
}

static enum err
write_row(sqlite3 *db, const struct indicator_poll *p, const char *added_after,
	  uint64_t entries, const char *why)
{
	sqlite3_stmt *st = NULL;
	uint64_t now = clock_wall_us();
	enum err e = ERR_IO;

	if (sqlite3_prepare_v2(
		    db,
		    "INSERT INTO indicator_polls(source,url,collection,"
		    "added_after,polled_us,good_us,polls,failed,entries,error)"
		    " VALUES(?,?,?,?,?,?,1,?,?,?) ON CONFLICT(source) DO UPDATE"
		    " SET url=excluded.url,collection=excluded.collection,"
		    "added_after=excluded.added_after,"
		    "polled_us=excluded.polled_us,"
		    "good_us=max(good_us,excluded.good_us),polls=polls+1,"
		    "failed=failed+excluded.failed,"
		    "entries=entries+excluded.entries,error=excluded.error",
		    -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "ttttuudut", p->source, p->url,
			    or_none(p->collection), added_after, now,
			    why == NULL ? now : 0, (int)(why != NULL), entries,
			    or_none(why));
	}
	sqlite3_finalize(st);
	st = NULL;
	if (e == ERR_OK &&
	    sqlite3_prepare_v2(db,
			       "DELETE FROM indicator_polls WHERE source IN"
			       " (SELECT source FROM indicator_polls ORDER BY"
			       " polled_us DESC LIMIT -1 OFFSET ?)",
			       -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "d", INDICATOR_POLLS_KEPT);
	}
	sqlite3_finalize(st);
	return e;
}

enum err
indicator_poll_save(const char *store, const struct indicator_poll *p,
		    const char *added_after, uint64_t entries, const char *why,
		    struct diag *d)
{
	sqlite3 *db = NULL;
	enum err e = open_store(&db, store, d);

	if (e == ERR_OK) {
		e = sql_exec(db, "BEGIN IMMEDIATE");
		if (e == ERR_OK) {
			e = write_row(db, p, added_after, entries, why);
		}
		if (e == ERR_OK) {
			e = sql_exec(db, "COMMIT");
		}
		if (e != ERR_OK) {
			e = diag_set(d, ERR_IO, "%s: %s", store,
				     sqlite3_errmsg(db));
		}
	}
	sqlite3_close(db); /* undoes what was not committed */
	return e;
}

enum err
indicator_poll_list(struct store_reader *r,
		    void (*fn)(void *arg, const struct indicator_poll_row *row),
		    void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT source,url,collection,added_after,error,polled_us,"
		   "good_us,polls,failed,entries FROM indicator_polls ORDER BY"
		   " source");
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct indicator_poll_row row = {
			.source = sql_text(st, 0),
			.url = sql_text(st, 1),
			.collection = sql_text(st, 2),
			.added_after = sql_text(st, 3),
			.error = sql_text(st, 4),
			.polled_us = sql_u64(st, 5),
			.good_us = sql_u64(st, 6),
			.polls = sql_u64(st, 7),
			.failed = sql_u64(st, 8),
			.entries = sql_u64(st, 9),
		};

		fn(arg, &row);
	}
	return store_reader_finish(st, rc);
}
