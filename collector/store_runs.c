/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_runs.h"

#include <stdlib.h>

#include "collector/store_sql.h"

enum statement {
	ST_TOLD,
	ST_OLD,
	ST_COUNT_OF,
};

static const char *const statements[ST_COUNT_OF] = {
	/* Not by the clock: a later word has the greater order. */
	[ST_TOLD] =
		"INSERT INTO sensor_runs VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,"
		"?11,?12) ON CONFLICT(sensor,started_us) DO UPDATE SET"
		" epoch=?3,word=?4,at_us=?5,ended=?6,live=?7,captured=?8,"
		"dropped=?9,delivered=?10,inspected=?11,pending=?12"
		" WHERE word<?4",
	[ST_OLD] =
		"DELETE FROM sensor_runs WHERE sensor=?1 AND word<=(SELECT word"
		" FROM sensor_runs WHERE sensor=?1 ORDER BY word DESC LIMIT 1"
		" OFFSET ?2)",
};

struct store_runs {
	sqlite3_stmt *st[ST_COUNT_OF];
};

void
store_runs_free(struct store_runs *r)
{
	if (r == NULL) {
		return;
	}
	for (int i = 0; i < ST_COUNT_OF; i++) {
		sqlite3_finalize(r->st[i]);
	}
	free(r);
}

enum err
store_runs_new(struct store_runs **out, struct store *s)
{
	struct store_runs *r = calloc(1, sizeof(*r));

	*out = NULL;
	if (r == NULL) {
		return ERR_NOMEM;
	}
	for (int i = 0; i < ST_COUNT_OF; i++) {
		if (sqlite3_prepare_v3(store_db(s), statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &r->st[i],
				       NULL) != SQLITE_OK) {
			store_runs_free(r);
			return ERR_FORMAT;
		}
	}
	*out = r;
	return ERR_OK;
}

enum err
store_runs_told(struct store_runs *r, int64_t sensor, const struct ledger *l)
{
	uint64_t captured = l->files.records, dropped = 0;
	enum err e;

	if (l->started_us == 0) {
		return ERR_OK; /* it does not count packets */
	}
	for (unsigned i = 0; i < l->n_links; i++) {
		captured += l->link[i].kernel_seen;
		dropped += l->link[i].kernel_dropped;
	}
	e = sql_run(r->st[ST_TOLD], "iuuuuuuuuuuu", sensor, l->started_us,
		    l->epoch, l->order, l->at_us, (uint64_t)l->ended,
		    (uint64_t)l->live, captured, dropped, l->frames.delivered,
		    l->frames.inspected, l->frames.pending);
	return e == ERR_OK ? sql_run(r->st[ST_OLD], "iu", sensor,
				     (uint64_t)STORE_RUNS_KEPT)
			   : e;
}

enum err
store_read_killed(struct store_reader *r, const char *site, const char *sensor,
		  void (*fn)(void *arg, const struct store_run *run), void *arg)
{
	static const char sql[] =
		"SELECT s.site,s.sensor,r.epoch,r.started_us,r.at_us,r.live,"
		"r.captured,r.dropped,r.delivered,r.inspected,r.pending"
		" FROM sensor_runs r JOIN sensors s ON s.id=r.sensor"
		" WHERE r.ended=0 AND (?1 IS NULL OR s.site=?1) AND"
		" (?2 IS NULL OR s.sensor=?2) AND r.word<(SELECT max(n.word)"
		" FROM sensor_runs n WHERE n.sensor=r.sensor)"
		" ORDER BY s.site,s.sensor,r.word";
	sqlite3_stmt *st = store_reader_prepare(r, sql);
	int rc = SQLITE_ERROR;

	if (st != NULL && sql_bind(st, "tt", site, sensor) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			const struct store_run run = {
				.site = sql_text(st, 0),
				.sensor = sql_text(st, 1),
				.epoch = sql_u64(st, 2),
				.started_us = sql_u64(st, 3),
				.at_us = sql_u64(st, 4),
				.live = sql_u64(st, 5) != 0,
				.captured = sql_u64(st, 6),
				.dropped = sql_u64(st, 7),
				.delivered = sql_u64(st, 8),
				.inspected = sql_u64(st, 9),
				.pending = sql_u64(st, 10),
			};

			fn(arg, &run);
		}
	}
	return store_reader_finish(st, rc);
}
