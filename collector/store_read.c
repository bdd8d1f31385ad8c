/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_read.h"

#include <sys/stat.h>

#include "collector/store_query.h"
#include "collector/store_sql.h"
#include "common/clock.h"

enum err
store_read_counters(struct store_reader *r,
		    void (*fn)(void *arg, const char *name, uint64_t value),
		    void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT name,value FROM counters ORDER BY 1");
	int rc = st != NULL ? SQLITE_ROW : SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_text(st, 0), sql_u64(st, 1));
	}
	return store_reader_finish(st, rc);
}

/*
 * Events of sensor 's' that are not here: of each epoch what its ledger says
 * was lost or shed, less what came all the same; what declared gaps hold where
 * no ledger came; and batches that came unreadable.
 */
#define LOST_EVENTS \
	"(coalesce((SELECT sum(max(0,l.lost-coalesce((SELECT sum(h.returned)" \
	"  FROM ledger_shed h WHERE h.sensor=l.sensor AND" \
	"  h.epoch=l.epoch),0))) FROM ledgers l WHERE l.sensor=s.id" \
	"  AND l.lost IS NOT NULL),0)+coalesce((SELECT sum(g.events) FROM" \
	"  gaps g WHERE g.sensor=s.id AND (g.cause='unreadable' OR NOT" \
	"  EXISTS(SELECT 1 FROM ledgers l WHERE l.sensor=g.sensor AND" \
	"  l.epoch=g.epoch AND l.lost IS NOT NULL))),0))"

enum err
store_read_status(struct store_reader *r, struct store_status *out)
{
	static const char sql[] =
		"SELECT (SELECT count(*) FROM sensors),"
		"(SELECT sum(alerts) FROM sensors),"
		"(SELECT sum(frames) FROM sensors),"
		"(SELECT count(*) FROM incidents WHERE state IN('open','ack')),"
		"(SELECT count(*) FROM incidents WHERE state<>'merged'),"
		"(SELECT sum(lines_refused) FROM sensors),"
		"(SELECT sum(frames_refused) FROM sensors),"
		"(SELECT sum(duplicates) FROM sensors),"
		"(SELECT sum(frames) FROM gaps),"
		"(SELECT sum(" LOST_EVENTS ") FROM sensors s),"
		"(SELECT sum(lo-upto-1-coalesce((SELECT "
		"sum(hi-lo+1) FROM"
		"  mark_ranges x WHERE x.sensor=t.sensor AND "
		"x.epoch=t.epoch"
		"  AND x.lo<t.lo),0)) FROM (SELECT "
		"r.sensor,r.epoch,max(r.lo)"
		"  lo,m.upto FROM mark_ranges r JOIN marks m "
		"USING(sensor,"
		"  epoch) GROUP BY 1,2) t),"
		"(SELECT min(first_us) FROM frames WHERE "
		"alerts>0),"
		"(SELECT max(last_us) FROM sensors),"
		"(SELECT max(seen_us) FROM sensors),"
		"(SELECT user_version FROM "
		"pragma_user_version),"
		"(SELECT value FROM counters WHERE "
		"name='frames_expired'),"
		"(SELECT value FROM counters WHERE "
		"name='alerts_expired')";
	sqlite3_stmt *st = store_reader_prepare(r, sql);
	struct stat file;
	int rc;

	*out = (struct store_status){ 0 };
	if (st == NULL) {
		return ERR_IO;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		out->sensors = sql_u64(st, 0);
		out->alerts = sql_u64(st, 1);
		out->frames = sql_u64(st, 2);
		out->incidents_open = sql_u64(st, 3);
		out->incidents = sql_u64(st, 4);
		out->lines_refused = sql_u64(st, 5);
		out->frames_refused = sql_u64(st, 6);
		out->duplicates = sql_u64(st, 7);
		out->lost_frames = sql_u64(st, 8);
		out->lost_events = sql_u64(st, 9);
		out->missing_frames = sql_u64(st, 10);
		out->first_us = sql_u64(st, 11);
		out->last_us = sql_u64(st, 12);
		out->committed_us = sql_u64(st, 13);
		out->schema = sqlite3_column_int(st, 14);
		out->expired_frames = sql_u64(st, 15);
		out->expired_alerts = sql_u64(st, 16);
	}
	if (stat(r->path, &file) == 0) {
		out->bytes = (uint64_t)file.st_size;
	}
	return store_reader_finish(st, rc);
}

enum err
store_read_sensors(struct store_reader *r,
		   void (*fn)(void *arg, const struct store_sensor *s),
		   void *arg)
{
	static const char sql[] =
		"SELECT "
		"s.id,s.site,s.sensor,s.owner,s.state,s.presence,s.stats,"
		"s.first_us,s.last_us,s.seen_us,s.alerts,s.frames,"
		"s.lines_refused,s.frames_refused,s.duplicates,"
		"(SELECT sum(frames) FROM gaps g WHERE "
		"g.sensor=s.id)," LOST_EVENTS ","
		"(SELECT max(hi) FROM mark_ranges x WHERE "
		"x.sensor=s.id AND"
		"  x.epoch=s.epoch),"
		"(SELECT sum(hi-lo+1) FROM mark_ranges x WHERE "
		"x.sensor=s.id"
		"  AND x.epoch=s.epoch),"
		"s.epoch,coalesce(m.upto,0)"
		" FROM sensors s LEFT JOIN marks m ON "
		"m.sensor=s.id AND"
		" m.epoch=s.epoch ORDER BY s.site,s.sensor";
	sqlite3_stmt *st = store_reader_prepare(r, sql);
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_sensor s = { .id = sqlite3_column_int64(st, 0) };
		uint64_t top = sql_u64(st, 17), held = sql_u64(st, 18);

		s.site = sql_text(st, 1);
		s.sensor = sql_text(st, 2);
		s.owner = sql_text(st, 3);
		s.state = sql_text(st, 4);
		s.presence = sql_text(st, 5);
		s.stats = sql_text(st, 6);
		s.first_us = sql_u64(st, 7);
		s.last_us = sql_u64(st, 8);
		s.seen_us = sql_u64(st, 9);
		s.alerts = sql_u64(st, 10);
		s.frames = sql_u64(st, 11);
		s.lines_refused = sql_u64(st, 12);
		s.frames_refused = sql_u64(st, 13);
		s.duplicates = sql_u64(st, 14);
		s.lost_frames = sql_u64(st, 15);
		s.lost_events = sql_u64(st, 16);
		s.epoch = sql_u64(st, 19);
		s.committed = sql_u64(st, 20);
		s.missing_frames =
			top > s.committed + held ? top - s.committed - held : 0;
		fn(arg, &s);
	}
	return store_reader_finish(st, rc);
}

/* ------------------------------------------------------ groups, timeline */

enum err
store_read_groups(struct store_reader *r, const struct store_alert_filter *f,
		  unsigned offset, unsigned limit,
		  void (*fn)(void *arg, const struct store_group *g), void *arg)
{
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;
	bool has, rare;
	int rc = SQLITE_ERROR;

	if (store_query_has_rule(r, f, &has) != ERR_OK ||
	    store_query_is_rare(r, f, &rare) != ERR_OK) {
		return ERR_IO;
	}
	if (!has) {
		return ERR_OK;
	}
	store_query_add(
		&q, "SELECT h.id,h.last_alert,n.text,e.text,g.text,g.category,"
		    "g.gid,g.sid,h.severity,h.src,h.dst,h.count,h.first_us,"
		    "h.last_us FROM alert_groups h");
	store_query_add(&q, rare ? " NOT INDEXED" : "");
	store_query_add(&q, " CROSS JOIN signatures g ON g.id=h.signature"
			    " CROSS JOIN names n ON n.id=h.site"
			    " CROSS JOIN names e ON e.id=h.exercise WHERE 1");
	store_query_groups(&q, f);
	store_query_add(&q, " ORDER BY h.last_us DESC LIMIT ?12 OFFSET ?13");
	st = q.full ? NULL : store_reader_prepare(r, q.sql);
	if (st == NULL || store_query_bind(st, f, limit, offset) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_group g = {
			.id = sqlite3_column_int64(st, 0),
			.last_alert = sqlite3_column_int64(st, 1),
			.site = sql_text(st, 2),
			.exercise = sql_text(st, 3),
			.signature = sql_text(st, 4),
			.category = sql_text(st, 5),
			.gid = (uint32_t)sqlite3_column_int64(st, 6),
			.sid = (uint32_t)sqlite3_column_int64(st, 7),
			.severity = (uint8_t)sqlite3_column_int(st, 8),
			.src = sql_addr(st, 9),
			.dst = sql_addr(st, 10),
			.count = sql_u64(st, 11),
			.first_us = sql_u64(st, 12),
			.last_us = sql_u64(st, 13),
		};

		fn(arg, &g);
	}
	return store_reader_finish(st, rc);
}

enum err
store_read_timeline(struct store_reader *r, const struct store_alert_filter *f,
		    uint64_t step_s,
		    void (*fn)(void *arg, const struct store_bucket *b),
		    void *arg)
{
	const uint64_t minute_us = 60 * US_PER_S;
	uint64_t step = MAX((step_s + 59) / 60, (uint64_t)1);
	struct store_alert_filter g = *f;
	struct store_query q = { .len = 0 };
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;

	/* The table counts in minutes; the step goes where ids would. */
	g.from_us = f->from_us / minute_us;
	g.to_us = (f->to_us + minute_us - 1) / minute_us;
	g.before_id = (int64_t)MIN(step, (uint64_t)10000000);
	store_query_add(&q,
			"SELECT t.minute/?10*?10,n.text,t.severity,sum(t.count)"
			" FROM timeline t CROSS JOIN names n ON n.id=t.site"
			" CROSS JOIN names e ON e.id=t.exercise WHERE 1");
	store_query_add(&q, f->from_us != 0 ? " AND t.minute>=?8" : "");
	store_query_add(&q, f->to_us != 0 ? " AND t.minute<?9" : "");
	store_query_add(&q, f->site != NULL ? " AND n.text=?2" : "");
	store_query_add(&q, f->max_severity != 0
				    ? " AND t.severity<=?7 AND t.severity>0"
				    : "");
	store_query_scope(&q, f, "e.text");
	store_query_add(&q, " GROUP BY 1,2,3 ORDER BY 1,2,3 LIMIT 100000");
	st = store_reader_prepare(r, q.sql);
	if (st == NULL || store_query_bind(st, &g, 0, 0) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_bucket b = {
			.from_us = sql_u64(st, 0) * minute_us,
			.site = sql_text(st, 1),
			.severity = (uint8_t)sqlite3_column_int(st, 2),
			.count = sql_u64(st, 3),
		};

		fn(arg, &b);
	}
	return store_reader_finish(st, rc);
}

enum err
store_read_exercises(struct store_reader *r,
		     void (*fn)(void *arg, const char *name, uint64_t alerts),
		     void *arg)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT e.text,sum(t.count) FROM timeline t CROSS JOIN names"
		   " e ON e.id=t.exercise WHERE e.text<>'' GROUP BY 1"
		   " ORDER BY 1");
	int rc = SQLITE_ERROR;

	while (st != NULL && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		fn(arg, sql_text(st, 0), sql_u64(st, 1));
	}
	return store_reader_finish(st, rc);
}
