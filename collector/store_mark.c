/* SPDX-License-Identifier: Apache-2.0 */
/* Sensors, counters, and what has arrived of each sensor's frames. */
#include "collector/store_state.h"

enum err
store_sensor_find(struct store *s, const char *site, const char *sensor,
		  int64_t *id)
{
	sqlite3_stmt *get = s->st[ST_SENSOR_GET];
	int rc = sql_bind(get, "tt", site, sensor);

	if (rc == SQLITE_OK && (rc = sqlite3_step(get)) == SQLITE_ROW) {
		*id = sqlite3_column_int64(get, 0);
	}
	sqlite3_reset(get);
	return rc == SQLITE_ROW    ? ERR_OK
	       : rc == SQLITE_DONE ? ERR_NOTFOUND
				   : ERR_IO;
}

enum err
store_sensor(struct store *s, const char *site, const char *sensor, int64_t *id)
{
	enum err e = store_sensor_find(s, site, sensor, id);

	if (e != ERR_NOTFOUND) {
		return e;
	}
	e = sql_run(s->st[ST_SENSOR_PUT], "tt", site, sensor);
	*id = sqlite3_last_insert_rowid(s->db);
	return e;
}

enum err
store_sensor_state(struct store *s, int64_t sensor, const char *state,
		   struct view presence, uint64_t seen_us)
{
	return sql_run(s->st[ST_SENSOR_STATE], "itvu", sensor, state, presence,
		       seen_us);
}

enum err
store_sensor_stats(struct store *s, int64_t sensor, struct view stats)
{
	return sql_run(s->st[ST_SENSOR_STATS], "vi", stats, sensor);
}

enum err
store_sensor_add(struct store *s, int64_t sensor, const struct store_tally *t)
{
	return sql_run(s->st[ST_SENSOR_ADD], "ituuuuuuuu", sensor,
		       t->owner != NULL ? t->owner : "", t->first_us,
		       t->last_us, t->seen_us, t->alerts, t->frames,
		       t->lines_refused, t->frames_refused, t->duplicates);
}

enum err
store_count(struct store *s, const char *name, uint64_t add)
{
	return add == 0 ? ERR_OK : sql_run(s->st[ST_COUNT], "tu", name, add);
}

enum err
store_mark(struct store *s, int64_t sensor, uint64_t epoch, uint64_t upto,
	   bool latest)
{
	enum err e = sql_run(s->st[ST_MARK], "iuu", sensor, epoch, upto);

	if (e == ERR_OK && latest) {
		e = sql_run(s->st[ST_EPOCH], "ui", epoch, sensor);
	}
	return e;
}

enum err
store_mark_range(struct store *s, int64_t sensor, uint64_t epoch, uint64_t lo,
		 uint64_t hi)
{
	return sql_run(s->st[ST_RANGE], "iuuu", sensor, epoch, lo, hi);
}

enum err
store_mark_clear(struct store *s, int64_t sensor, uint64_t epoch, uint64_t lo,
		 uint64_t hi)
{
	return sql_run(s->st[ST_RANGE_CLEAR], "iuuu", sensor, epoch, lo, hi);
}

/*
 * One row in place of the oldest: what was lost goes on being counted, of which
 * numbers it was is forgotten.
 */
static enum err
sum_up_gaps(struct store *s, int64_t sensor)
{
	uint64_t bound = s->bounds.gaps, count = 0, upto = 0;
	sqlite3_stmt *st = s->st[ST_GAP_COUNT];
	int rc = sql_bind(st, "i", sensor);
	enum err e;

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		count = sql_u64(st, 0);
	}
	sqlite3_reset(st);
	if (rc != SQLITE_ROW || count <= bound) {
		return rc == SQLITE_ROW ? ERR_OK : ERR_IO;
	}
	st = s->st[ST_GAP_UPTO];
	rc = sql_bind(st, "iu", sensor, count - (bound - bound / 8));
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		upto = sql_u64(st, 0);
	}
	sqlite3_reset(st);
	e = rc == SQLITE_ROW ? sql_run(s->st[ST_GAP_SUM], "iu", sensor, upto)
			     : ERR_IO;
	if (e == ERR_OK) {
		e = sql_run(s->st[ST_GAP_GONE], "iu", sensor, upto);
	}
	return e == ERR_OK
		       ? store_drop_note(s->db, sensor, STORE_DROP_gaps,
					 (uint64_t)sqlite3_changes(s->db), 0, 0)
		       : e;
}

enum err
store_gap(struct store *s, int64_t sensor, uint64_t epoch, uint64_t lo,
	  uint64_t hi, uint64_t frames, uint64_t events, const char *cause,
	  uint64_t at_us)
{
	enum err e = sql_run(s->st[ST_GAP], "iuuuuutu", sensor, epoch, lo, hi,
			     frames, events, cause, at_us);

	return e == ERR_OK ? sum_up_gaps(s, sensor) : e;
}

struct each_mark {
	enum err (*fn)(void *arg, const struct store_mark *m);
	void *arg;
};

static enum err
mark_row(void *arg, sqlite3_stmt *st)
{
	struct each_mark *m = arg;
	struct store_mark mark = { .sensor = sqlite3_column_int64(st, 0),
				   .epoch = sql_u64(st, 3),
				   .upto = sql_u64(st, 4),
				   .published =
					   sqlite3_column_int(st, 5) != 0 };

	mark.site = sql_text(st, 1);
	mark.name = sql_text(st, 2);
	return m->fn(m->arg, &mark);
}

enum err
store_each_mark(struct store *s,
		enum err (*fn)(void *arg, const struct store_mark *m),
		void *arg)
{
	struct each_mark m = { fn, arg };

	return store_each_row(s,
			      "SELECT s.id,s.site,s.sensor,m.epoch,m.upto,"
			      "m.epoch=s.epoch FROM marks m JOIN sensors s"
			      " ON s.id=m.sensor ORDER BY 1,4",
			      mark_row, &m);
}

struct each_range {
	enum err (*fn)(void *arg, int64_t sensor, uint64_t epoch, uint64_t lo,
		       uint64_t hi);
	void *arg;
};

static enum err
range_row(void *arg, sqlite3_stmt *st)
{
	struct each_range *r = arg;

	return r->fn(r->arg, sqlite3_column_int64(st, 0), sql_u64(st, 1),
		     sql_u64(st, 2), sql_u64(st, 3));
}

enum err
store_each_range(struct store *s,
		 enum err (*fn)(void *arg, int64_t sensor, uint64_t epoch,
				uint64_t lo, uint64_t hi),
		 void *arg)
{
	struct each_range r = { fn, arg };

	return store_each_row(s,
			      "SELECT sensor,epoch,lo,hi FROM mark_ranges"
			      " ORDER BY 1,2,3",
			      range_row, &r);
}
