/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_bound.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"

#define TELL_US (UINT64_C(60) * US_PER_S)

/*
 * An honest sensor has a new epoch with each new spool, and tells a ledger
 * every few seconds, up to which its batches are summed up.  A minute of the
 * timeline has a row for each site, exercise and severity that was seen in it:
 * eight millions are some 200 MB.
 */
const struct store_bounds store_bounds_default = {
	.epochs = 256,
	.told = 64,
	.batches = 262144,
	.shed = 4096,
	.gaps = 4096,
	.blind = 8192,
	.minutes = 8388608,
	.names = 1048576,
	.signatures = 1048576,
	.patience = 4096,
};

static const char *const names[STORE_DROPS] = {
#define X(name) #name,
	STORE_DROP_LIST(X)
#undef X
};

const char *
store_drop_name(enum store_drop kind)
{
	return names[kind];
}

enum err
store_drop_note(sqlite3 *db, int64_t sensor, enum store_drop kind, uint64_t n,
		uint64_t events, uint64_t upto)
{
	static const char sql[] =
		"INSERT INTO dropped VALUES(?1,?2,?3,?4,?5,?6,?6)"
		" ON CONFLICT(sensor,what) DO UPDATE SET n=n+?3,"
		" events=events+?4,upto=max(upto,?5),last_us=?6";
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	if (n == 0) {
		return ERR_OK;
	}
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK) {
		e = sql_run(st, "ituuuu", sensor, names[kind], n, events, upto,
			    clock_wall_us());
	}
	sqlite3_finalize(st);
	return e;
}

enum err
store_drop_upto(sqlite3 *db, int64_t sensor, enum store_drop kind,
		uint64_t *upto)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT upto FROM dropped WHERE sensor=?1"
				    " AND what=?2",
				    -1, &st, NULL);

	*upto = 0;
	if (rc == SQLITE_OK &&
	    sql_bind(st, "it", sensor, names[kind]) == SQLITE_OK) {
		rc = sqlite3_step(st);
		*upto = rc == SQLITE_ROW ? sql_u64(st, 0) : 0;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* --- the log --- */

static bool
sums(sqlite3 *db, uint64_t n[STORE_DROPS])
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db,
				    "SELECT what,sum(n) FROM dropped GROUP BY"
				    " what",
				    -1, &st, NULL);

	memset(n, 0, STORE_DROPS * sizeof(*n));
	while (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		for (unsigned i = 0; i < STORE_DROPS; i++) {
			if (strcmp(sql_text(st, 0), names[i]) == 0) {
				n[i] = sql_u64(st, 1);
			}
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_OK;
}

void
store_drop_tell(sqlite3 *db, struct store_drop_told *t, uint64_t now_us)
{
	uint64_t n[STORE_DROPS];
	char text[512] = "";
	size_t len = 0;

	/* A clock that was set back must not keep it silent. */
	if ((t->begun && now_us >= t->at_us && now_us - t->at_us < TELL_US) ||
	    !sums(db, n)) {
		return;
	}
	for (unsigned i = 0; i < STORE_DROPS && t->begun; i++) {
		if (n[i] > t->n[i] && len < sizeof(text)) {
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%s%" PRIu64 " %s",
						len > 0 ? ", " : "",
						n[i] - t->n[i], names[i]);
		}
	}
	if (len > 0) {
		log_warn("the store's small tables are full, their oldest rows "
			 "went: %s; picketctl sensors says whose",
			 text);
	}
	memcpy(t->n, n, sizeof(n));
	t->at_us = now_us;
	t->begun = true;
}

/* --- reading --- */

enum err
store_read_dropped(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_dropped *row),
		   void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT s.site,s.sensor,d.what,d.n,d.events,d.upto,"
		   "d.first_us,d.last_us FROM dropped d LEFT JOIN sensors s ON"
		   " s.id=d.sensor WHERE (?1 IS NULL OR s.site=?1) AND"
		   " (?2 IS NULL OR s.sensor=?2) ORDER BY 1,2,3");
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "tt", site, sensor) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			struct store_dropped row = {
				.site = sql_text(st, 0),
				.sensor = sql_text(st, 1),
				.what = sql_text(st, 2),
				.n = sql_u64(st, 3),
				.events = sql_u64(st, 4),
				.upto = sql_u64(st, 5),
				.first_us = sql_u64(st, 6),
				.last_us = sql_u64(st, 7),
			};

			fn(arg, &row);
		}
	}
	return store_reader_finish(st, rc);
}
