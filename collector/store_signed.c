/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_signed.h"

#include <stdlib.h>

#include "collector/store_sql.h"

enum statement { ST_EPOCH, ST_PRESENCE, ST_NOTE, ST_REFUSE, ST_COUNT_OF };

static const char *const statements[ST_COUNT_OF] = {
	[ST_EPOCH] = "SELECT epoch FROM signed WHERE sensor=?1",
	/* "signed_by" is written by us alone, once the signature is good. */
	[ST_PRESENCE] = "SELECT CAST(json_extract(presence,'$.epoch') AS"
			" INTEGER),CAST(json_extract(presence,'$.order') AS"
			" INTEGER) FROM sensors WHERE id=?1 AND"
			" CASE json_valid(presence) WHEN 1 THEN"
			" json_extract(presence,'$.signed_by') IS NOT NULL"
			" END",
	[ST_NOTE] = "INSERT INTO signed VALUES(?1,?2,?3,?4)"
		    " ON CONFLICT(sensor) DO UPDATE SET epoch=max(epoch,?2),"
		    " key=?3,at_us=?4",
	[ST_REFUSE] = "INSERT INTO refused VALUES(?1,?2,?3,?5,?5,?4)"
		      " ON CONFLICT(sensor,cause) DO UPDATE SET n=n+?3,"
		      " what=?4,last_us=?5",
};

struct store_signed {
	sqlite3_stmt *st[ST_COUNT_OF];
};

void
store_signed_free(struct store_signed *s)
{
	if (s == NULL) {
		return;
	}
	for (int i = 0; i < ST_COUNT_OF; i++) {
		sqlite3_finalize(s->st[i]);
	}
	free(s);
}

enum err
store_signed_new(struct store_signed **out, struct store *store, struct diag *d)
{
	struct store_signed *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (int i = 0; i < ST_COUNT_OF; i++) {
		if (sqlite3_prepare_v3(store_db(store), statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &s->st[i],
				       NULL) != SQLITE_OK) {
			diag_set(d, ERR_FORMAT, "the store is damaged: %s",
				 store_error(store));
			store_signed_free(s);
			return ERR_FORMAT;
		}
	}
	*out = s;
	return ERR_OK;
}

/* One row of up to two numbers; what is not there is 0. */
static enum err
numbers(sqlite3_stmt *st, int64_t sensor, uint64_t *one, uint64_t *two)
{
	int rc = sql_bind(st, "i", sensor);

	*one = 0;
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		*one = sql_u64(st, 0);
		if (two != NULL) {
			*two = sql_u64(st, 1);
		}
		rc = SQLITE_DONE;
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
store_signed_epoch(struct store_signed *s, int64_t sensor, uint64_t *epoch)
{
	return numbers(s->st[ST_EPOCH], sensor, epoch, NULL);
}

enum err
store_signed_presence(struct store_signed *s, int64_t sensor, uint64_t *epoch,
		      uint64_t *order)
{
	*order = 0;
	return numbers(s->st[ST_PRESENCE], sensor, epoch, order);
}

enum err
store_signed_note(struct store_signed *s, int64_t sensor, uint64_t epoch,
		  const char *key, uint64_t at_us)
{
	return sql_run(s->st[ST_NOTE], "iutu", sensor, epoch, key, at_us);
}

enum err
store_signed_refuse(struct store_signed *s, int64_t sensor, const char *cause,
		    uint64_t n, const char *what, uint64_t at_us)
{
	return sql_run(s->st[ST_REFUSE], "itutu", sensor, cause, n, what,
		       at_us);
}

enum err
store_read_refused(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_refused *row),
		   void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT s.site,s.sensor,x.cause,x.what,x.n,x.first_us,"
		   "x.last_us FROM refused x JOIN sensors s ON s.id=x.sensor"
		   " WHERE (?1 IS NULL OR s.site=?1) AND"
		   " (?2 IS NULL OR s.sensor=?2) ORDER BY 1,2,3");
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "tt", site, sensor) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct store_refused row = {
				.site = sql_text(st, 0),
				.sensor = sql_text(st, 1),
				.cause = sql_text(st, 2),
				.what = sql_text(st, 3),
				.n = sql_u64(st, 4),
				.first_us = sql_u64(st, 5),
				.last_us = sql_u64(st, 6),
			};

			fn(arg, &row);
		}
	}
	return store_reader_finish(st, rc);
}
