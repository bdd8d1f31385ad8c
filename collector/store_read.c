/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/frame.h"

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
		"(SELECT sum(frames) FROM gaps),(SELECT sum(events) FROM gaps),"
		"(SELECT sum(lo-upto-1-coalesce((SELECT sum(hi-lo+1) FROM"
		"  mark_ranges x WHERE x.sensor=t.sensor AND x.epoch=t.epoch"
		"  AND x.lo<t.lo),0)) FROM (SELECT r.sensor,r.epoch,max(r.lo)"
		"  lo,m.upto FROM mark_ranges r JOIN marks m USING(sensor,"
		"  epoch) GROUP BY 1,2) t),"
		"(SELECT min(ts_us) FROM alerts),"
		"(SELECT max(ts_us) FROM alerts),"
		"(SELECT max(seen_us) FROM sensors),"
		"(SELECT user_version FROM pragma_user_version)";
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
		"(SELECT sum(frames) FROM gaps g WHERE g.sensor=s.id),"
		"(SELECT sum(events) FROM gaps g WHERE g.sensor=s.id),"
		"(SELECT max(hi) FROM mark_ranges x WHERE x.sensor=s.id AND"
		"  x.epoch=s.epoch),"
		"(SELECT sum(hi-lo+1) FROM mark_ranges x WHERE x.sensor=s.id"
		"  AND x.epoch=s.epoch),"
		"s.epoch,coalesce(m.upto,0)"
		" FROM sensors s LEFT JOIN marks m ON m.sensor=s.id AND"
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

/* ------------------------------------------------------------------ alerts */

/* A query being put together: fixed text and numbered parameters only. */
struct query {
	char sql[2048];
	size_t len;
};

static void
add(struct query *q, const char *text)
{
	int n = snprintf(q->sql + q->len, sizeof(q->sql) - q->len, "%s", text);

	q->len = MIN(q->len + (size_t)n, sizeof(q->sql) - 1);
}

/* Parameters by number, the same in every query that filters. */
enum param {
	P_EXERCISE = 1,
	P_SITE,
	P_SENSOR,
	P_TEXT,
	P_ADDR,
	P_SID,
	P_SEVERITY,
	P_FROM,
	P_TO,
	P_BEFORE,
	P_AFTER,
	P_LIMIT,
	P_OFFSET,
};

static int
bind_filter(sqlite3_stmt *st, const struct store_alert_filter *f,
	    unsigned limit, unsigned offset)
{
	int rc;

	/* Binding a number that the text does not use is refused by SQLite;
	 * only what is mentioned is bound. */
#define BIND(p, call) \
	do { \
		if (p <= sqlite3_bind_parameter_count(st)) { \
			rc = call; \
			if (rc != SQLITE_OK) { \
				return rc; \
			} \
		} \
	} while (0)
#define TEXT(p, s) \
	BIND(p, sqlite3_bind_text(st, p, (s) != NULL ? (s) : "", -1, \
				  SQLITE_TRANSIENT))
#define NUMBER(p, n) BIND(p, sqlite3_bind_int64(st, p, (int64_t)(n)))
	TEXT(P_EXERCISE, f->exercise);
	TEXT(P_SITE, f->site);
	TEXT(P_SENSOR, f->sensor);
	TEXT(P_TEXT, f->text);
	BIND(P_ADDR, sqlite3_bind_blob(st, P_ADDR, f->addr.b, sizeof(f->addr.b),
				       SQLITE_TRANSIENT));
	NUMBER(P_SID, f->sid);
	NUMBER(P_SEVERITY, f->max_severity);
	NUMBER(P_FROM, MIN(f->from_us, (uint64_t)INT64_MAX));
	NUMBER(P_TO, MIN(f->to_us, (uint64_t)INT64_MAX));
	NUMBER(P_BEFORE, f->before_id);
	NUMBER(P_AFTER, f->after_id);
	NUMBER(P_LIMIT, MIN(limit, (unsigned)STORE_MAX_ROWS));
	NUMBER(P_OFFSET, offset);
#undef NUMBER
#undef TEXT
#undef BIND
	return SQLITE_OK;
}

/* Conditions on exercise 'ex' and site 'site', names of columns. */
static void
add_scope(struct query *q, const struct store_alert_filter *f, const char *ex)
{
	if (f->scope == STORE_BOTH) {
		return;
	}
	add(q, " AND ");
	add(q, ex);
	if (f->scope == STORE_REAL) {
		add(q, "=''");
	} else {
		add(q, f->exercise != NULL ? "=?1" : "<>''");
	}
}

static void
read_alert_row(sqlite3_stmt *st, struct store_alert *a)
{
	a->id = sqlite3_column_int64(st, 0);
	a->timestamp_us = sql_u64(st, 1);
	a->site = sql_text(st, 2);
	a->sensor = sql_text(st, 3);
	a->exercise = sql_text(st, 4);
	a->tlp = sql_text(st, 5);
	a->src = sql_addr(st, 6);
	a->src_port = (uint16_t)sqlite3_column_int(st, 7);
	a->dst = sql_addr(st, 8);
	a->dst_port = (uint16_t)sqlite3_column_int(st, 9);
	a->proto = sql_text(st, 10);
	a->app_proto = sql_text(st, 11);
	a->gid = (uint32_t)sqlite3_column_int64(st, 12);
	a->sid = (uint32_t)sqlite3_column_int64(st, 13);
	a->rev = (uint32_t)sqlite3_column_int64(st, 14);
	a->severity = (uint8_t)sqlite3_column_int(st, 15);
	a->signature = sql_text(st, 16);
	a->category = sql_text(st, 17);
	a->indicator = sql_text(st, 18);
	a->src_info = sql_text(st, 19);
	a->dst_info = sql_text(st, 20);
	a->raw = "";
}

/* The last frame inflated: neighbours on a page share it. */
struct raw_cache {
	struct frame_codec *codec;
	int64_t frame;
	uint8_t *bytes;
	size_t len;
	char *line;
};

static void
raw_fini(struct raw_cache *c)
{
	frame_codec_free(c->codec);
	free(c->bytes);
	free(c->line);
}

static bool
raw_load(struct store_reader *r, struct raw_cache *c, int64_t frame)
{
	sqlite3_stmt *st = store_reader_prepare(
		r, "SELECT data,crc FROM frames WHERE id=?");
	struct view raw;
	bool ok = false;

	c->frame = 0;
	if (c->codec == NULL) {
		c->codec = frame_codec_new(1);
		c->bytes = malloc(FRAME_MAX_RAW);
	}
	if (st != NULL && c->codec != NULL && c->bytes != NULL &&
	    sql_bind(st, "i", frame) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW &&
	    frame_unpack(c->codec,
			 view_of(sqlite3_column_blob(st, 0),
				 (size_t)sqlite3_column_bytes(st, 0)),
			 (uint32_t)sqlite3_column_int64(st, 1), &raw,
			 NULL) == ERR_OK) {
		memcpy(c->bytes, raw.p, raw.len);
		c->len = raw.len;
		c->frame = frame;
		ok = true;
	}
	sqlite3_finalize(st);
	return ok;
}

/* The line at [off, off+len) of a frame as text; "" when it is gone. */
static const char *
raw_line(struct store_reader *r, struct raw_cache *c, int64_t frame, size_t off,
	 size_t len)
{
	if (c->frame != frame && !raw_load(r, c, frame)) {
		return "";
	}
	if (off > c->len || len > c->len - off) {
		return "";
	}
	free(c->line);
	c->line = malloc(len + 1);
	if (c->line == NULL) {
		return "";
	}
	memcpy(c->line, c->bytes + off, len);
	c->line[len] = '\0';
	return c->line;
}

#define ALERT_COLUMNS \
	"SELECT " \
	"a.id,a.ts_us,s.site,s.sensor,e.text,t.text,a.src,a.sport,a.dst," \
	"a.dport,p.text,ap.text,g.gid,g.sid,g.rev,a.severity,g.text,g." \
	"category," \
	"i.text,si.text,di.text,a.frame,a.off,a.len FROM alerts a" \
	" CROSS JOIN sensors s ON s.id=a.sensor" \
	" CROSS JOIN signatures g ON g.id=a.signature" \
	" CROSS JOIN names e ON e.id=a.exercise" \
	" CROSS JOIN names t ON t.id=a.tlp" \
	" CROSS JOIN names p ON p.id=a.proto" \
	" CROSS JOIN names ap ON ap.id=a.app" \
	" CROSS JOIN names i ON i.id=a.indicator" \
	" CROSS JOIN names si ON si.id=a.src_info" \
	" CROSS JOIN names di ON di.id=a.dst_info"

static enum err
each_alert(struct store_reader *r, sqlite3_stmt *st, bool raw, unsigned *n,
	   void (*fn)(void *arg, const struct store_alert *a), void *arg)
{
	struct raw_cache c = { NULL, 0, NULL, 0, NULL };
	int rc;

	*n = 0;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct store_alert a;

		read_alert_row(st, &a);
		if (raw) {
			a.raw = raw_line(r, &c, sqlite3_column_int64(st, 21),
					 sql_u64(st, 22), sql_u64(st, 23));
		}
		fn(arg, &a);
		(*n)++;
	}
	raw_fini(&c);
	return store_reader_finish(st, rc);
}

/* Conditions that columns of 'alerts' answer themselves come first. */
static void
alert_query(struct query *q, const struct store_alert_filter *f)
{
	add(q, ALERT_COLUMNS " WHERE 1");
	add(q, f->before_id > 0 ? " AND a.id<?10" : "");
	add(q, f->after_id > 0 ? " AND a.id>?11" : "");
	add(q,
	    f->max_severity != 0 ? " AND a.severity<=?7 AND a.severity>0" : "");
	add(q, f->from_us != 0 ? " AND a.ts_us>=?8" : "");
	add(q, f->to_us != 0 ? " AND a.ts_us<?9" : "");
	add(q, f->has_addr ? " AND (a.src=?5 OR a.dst=?5)" : "");
	add(q, f->sid != 0 ? " AND a.signature IN"
			     " (SELECT id FROM signatures WHERE sid=?6)"
			   : "");
	add(q, f->text != NULL
		       ? " AND a.signature IN (SELECT id FROM"
			 " signatures WHERE instr(lower(text),lower(?4))>0)"
		       : "");
	if (f->site != NULL || f->sensor != NULL) {
		add(q, " AND a.sensor IN (SELECT id FROM sensors WHERE 1");
		add(q, f->site != NULL ? " AND site=?2" : "");
		add(q, f->sensor != NULL ? " AND sensor=?3" : "");
		add(q, ")");
	}
	add_scope(q, f, "e.text");
	add(q, " ORDER BY a.id DESC LIMIT ?12");
}

enum err
store_read_alerts(struct store_reader *r, const struct store_alert_filter *f,
		  unsigned limit,
		  void (*fn)(void *arg, const struct store_alert *a), void *arg)
{
	struct query q = { .len = 0 };
	sqlite3_stmt *st;
	unsigned n;

	alert_query(&q, f);
	st = store_reader_prepare(r, q.sql);
	if (st == NULL || bind_filter(st, f, limit, 0) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	return each_alert(r, st, f->raw, &n, fn, arg);
}

enum err
store_read_alert(struct store_reader *r, int64_t id,
		 void (*fn)(void *arg, const struct store_alert *a), void *arg)
{
	sqlite3_stmt *st =
		store_reader_prepare(r, ALERT_COLUMNS " WHERE a.id=?1");
	unsigned n = 0;
	enum err e;

	if (st == NULL || sql_bind(st, "i", id) != SQLITE_OK) {
		sqlite3_finalize(st);
		return ERR_IO;
	}
	e = each_alert(r, st, true, &n, fn, arg);
	return e == ERR_OK && n == 0 ? ERR_NOTFOUND : e;
}

enum err
store_read_groups(struct store_reader *r, const struct store_alert_filter *f,
		  unsigned offset, unsigned limit,
		  void (*fn)(void *arg, const struct store_group *g), void *arg)
{
	struct query q = { .len = 0 };
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;

	add(&q, "SELECT h.id,h.last_alert,n.text,e.text,g.text,g.category,"
		"g.gid,g.sid,h.severity,h.src,h.dst,h.count,h.first_us,"
		"h.last_us FROM alert_groups h"
		" CROSS JOIN signatures g ON g.id=h.signature"
		" CROSS JOIN names n ON n.id=h.site"
		" CROSS JOIN names e ON e.id=h.exercise WHERE 1");
	add(&q,
	    f->max_severity != 0 ? " AND h.severity<=?7 AND h.severity>0" : "");
	add(&q, f->from_us != 0 ? " AND h.last_us>=?8" : "");
	add(&q, f->to_us != 0 ? " AND h.first_us<?9" : "");
	add(&q, f->has_addr ? " AND (h.src=?5 OR h.dst=?5)" : "");
	add(&q, f->sid != 0 ? " AND g.sid=?6" : "");
	add(&q, f->text != NULL ? " AND instr(lower(g.text),lower(?4))>0" : "");
	add(&q, f->site != NULL ? " AND n.text=?2" : "");
	add_scope(&q, f, "e.text");
	add(&q, " ORDER BY h.last_us DESC LIMIT ?12 OFFSET ?13");
	st = store_reader_prepare(r, q.sql);
	if (st == NULL || bind_filter(st, f, limit, offset) != SQLITE_OK) {
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
	struct query q = { .len = 0 };
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;

	/* The table counts in minutes; the step goes where ids would. */
	g.from_us = f->from_us / minute_us;
	g.to_us = (f->to_us + minute_us - 1) / minute_us;
	g.before_id = (int64_t)MIN(step, (uint64_t)10000000);
	add(&q, "SELECT t.minute/?10*?10,n.text,t.severity,sum(t.count)"
		" FROM timeline t CROSS JOIN names n ON n.id=t.site"
		" CROSS JOIN names e ON e.id=t.exercise WHERE 1");
	add(&q, f->from_us != 0 ? " AND t.minute>=?8" : "");
	add(&q, f->to_us != 0 ? " AND t.minute<?9" : "");
	add(&q, f->site != NULL ? " AND n.text=?2" : "");
	add(&q,
	    f->max_severity != 0 ? " AND t.severity<=?7 AND t.severity>0" : "");
	add_scope(&q, f, "e.text");
	add(&q, " GROUP BY 1,2,3 ORDER BY 1,2,3 LIMIT 100000");
	st = store_reader_prepare(r, q.sql);
	if (st == NULL || bind_filter(st, &g, 0, 0) != SQLITE_OK) {
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
