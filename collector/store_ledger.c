/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_ledger.h"

#include <stdlib.h>

#include "collector/store_sql.h"

enum statement {
	ST_BATCH,
	ST_RETURNED,
	ST_COUNT,
	ST_KEPT,
	ST_TOLD,
	ST_FOLD,
	ST_FOLDED,
	ST_FLOOR,
	ST_SHED,
	ST_SHED_COUNT,
	ST_COUNT_OF
};

static const char *const statements[ST_COUNT_OF] = {
	[ST_BATCH] = "INSERT OR REPLACE INTO ledger_batches"
		     " VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_RETURNED] = "UPDATE ledger_shed SET returned=returned+?5 WHERE"
			" sensor=?1 AND epoch=?2 AND class=?4 AND lo<=?3 AND"
			" hi>=?3",
	[ST_COUNT] = "INSERT INTO ledgers(sensor,epoch,batches,gaps,repeats)"
		     " VALUES(?1,?2,?3,?4,?5) ON CONFLICT(sensor,epoch) DO"
		     " UPDATE SET batches=batches+?3,gaps=gaps+?4,"
		     " repeats=repeats+?5",
	[ST_KEPT] = "SELECT at_us,committed FROM ledgers WHERE sensor=?1 AND"
		    " epoch=?2",
	[ST_TOLD] =
		"INSERT INTO ledgers(sensor,epoch,at_us,seen_us,committed,text)"
		" VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(sensor,epoch) DO UPDATE"
		" SET at_us=?3,seen_us=?4,committed=?5,text=?6",
	[ST_FOLD] =
		"INSERT INTO ledger_sums SELECT sensor,epoch,class,sum(events),"
		"sum(lost) FROM ledger_batches WHERE sensor=?1 AND epoch=?2 AND"
		" seq<=?3 GROUP BY class ON CONFLICT(sensor,epoch,class) DO"
		" UPDATE SET events=events+excluded.events,"
		" lost=lost+excluded.lost",
	[ST_FOLDED] = "DELETE FROM ledger_batches WHERE sensor=?1 AND epoch=?2"
		      " AND seq<=?3",
	[ST_FLOOR] = "UPDATE ledgers SET floor=max(floor,?3) WHERE sensor=?1"
		     " AND epoch=?2",
	[ST_SHED] =
		"INSERT INTO ledger_shed(sensor,epoch,class,lo,hi,events)"
		" VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(sensor,epoch,class,lo)"
		" DO UPDATE SET hi=max(hi,?5),events=max(events,?6)"
		" WHERE hi<?5",
	/* Those of its batches that are here although they were shed. */
	[ST_SHED_COUNT] =
		"UPDATE ledger_shed SET returned=coalesce((SELECT sum(b.events)"
		" FROM ledger_batches b WHERE b.sensor=?1 AND b.epoch=?2 AND"
		" b.class=?3 AND b.seq BETWEEN max(?4,ledger_shed.counted+1)"
		" AND ?5),0)+returned, counted=?5 WHERE sensor=?1 AND epoch=?2 "
		"AND"
		" class=?3 AND lo=?4 AND counted<?5",
};

struct store_ledger {
	struct store *store;
	sqlite3_stmt *st[ST_COUNT_OF];
	struct json_reader reader, inner;
	struct ledger ledger;
};

static unsigned
class_of(const struct frame_header *h)
{
	return h->sev >= 1 && h->sev <= 3 ? h->sev - 1U : 3;
}

void
store_ledger_free(struct store_ledger *l)
{
	if (l == NULL) {
		return;
	}
	for (int i = 0; i < ST_COUNT_OF; i++) {
		sqlite3_finalize(l->st[i]);
	}
	json_reader_fini(&l->reader);
	json_reader_fini(&l->inner);
	free(l);
}

enum err
store_ledger_new(struct store_ledger **out, struct store *s, struct diag *d)
{
	struct store_ledger *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	l->store = s;
	json_reader_init(&l->reader);
	json_reader_init(&l->inner);
	for (int i = 0; i < ST_COUNT_OF; i++) {
		if (sqlite3_prepare_v3(store_db(s), statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &l->st[i],
				       NULL) != SQLITE_OK) {
			diag_set(d, ERR_FORMAT, "the store is damaged: %s",
				 store_error(s));
			store_ledger_free(l);
			return ERR_FORMAT;
		}
	}
	*out = l;
	return ERR_OK;
}

static enum err
count(struct store_ledger *l, int64_t sensor, uint64_t epoch, uint64_t batches,
      uint64_t gaps, uint64_t repeats)
{
	return sql_run(l->st[ST_COUNT], "iuuuu", sensor, epoch, batches, gaps,
		       repeats);
}

enum err
store_ledger_batch(struct store_ledger *l, int64_t sensor,
		   const struct frame_header *h, uint64_t events, uint64_t lost)
{
	uint64_t cls = class_of(h);
	enum err e = sql_run(l->st[ST_BATCH], "iuuuuu", sensor, h->epoch,
			     h->seq, cls, events, lost);

	if (e == ERR_OK) {
		e = sql_run(l->st[ST_RETURNED], "iuuuu", sensor, h->epoch,
			    h->seq, cls, events);
	}
	return e == ERR_OK && lost == 0 ? count(l, sensor, h->epoch, 1, 0, 0)
					: e;
}

enum err
store_ledger_gap(struct store_ledger *l, int64_t sensor, uint64_t epoch,
		 uint64_t n)
{
	return count(l, sensor, epoch, 0, n, 0);
}

enum err
store_ledger_repeat(struct store_ledger *l, int64_t sensor, uint64_t epoch)
{
	return count(l, sensor, epoch, 0, 0, 1);
}

/* What is kept of that epoch; false: nothing. */
static bool
kept(struct store_ledger *l, int64_t sensor, uint64_t epoch, uint64_t *order,
     uint64_t *committed, enum err *e)
{
	sqlite3_stmt *st = l->st[ST_KEPT];
	bool found;

	*order = *committed = 0;
	*e = sql_bind(st, "iu", sensor, epoch) == SQLITE_OK ? ERR_OK : ERR_IO;
	found = *e == ERR_OK && sqlite3_step(st) == SQLITE_ROW;
	if (found) {
		*order = sql_u64(st, 0);
		*committed = sql_u64(st, 1);
	}
	sqlite3_reset(st);
	return found;
}

/*
 * Up to where the ledger before this one was committed, single batches are of
 * no more use.  Not up to this one: its ranges of what was shed may reach back
 * to where the sensor stood then.
 */
static enum err
fold(struct store_ledger *l, int64_t sensor, uint64_t epoch, uint64_t upto)
{
	enum err e = sql_run(l->st[ST_FOLD], "iuu", sensor, epoch, upto);

	if (e == ERR_OK) {
		e = sql_run(l->st[ST_FOLDED], "iuu", sensor, epoch, upto);
	}
	return e == ERR_OK
		       ? sql_run(l->st[ST_FLOOR], "iuu", sensor, epoch, upto)
		       : e;
}

static enum err
keep_shed(struct store_ledger *l, int64_t sensor, const struct ledger *t)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < t->n_shed && e == ERR_OK; i++) {
		const struct ledger_shed *r = &t->shed[i];

		e = sql_run(l->st[ST_SHED], "iuuuuu", sensor, t->epoch,
			    (uint64_t)r->cls, r->from, r->to, r->events);
		if (e == ERR_OK) {
			e = sql_run(l->st[ST_SHED_COUNT], "iuuuu", sensor,
				    t->epoch, (uint64_t)r->cls, r->from, r->to);
		}
	}
	return e;
}

/* Reads the member "ledger": an object in an event, text in presence. */
static bool
read_told(struct store_ledger *l, struct view obj, struct view *text)
{
	const struct json_reader *r = &l->reader;
	const struct json_value *v;

	if (!json_read(&l->reader, obj)) {
		return false;
	}
	v = json_member(r, json_root(r), VIEW_LIT("ledger"));
	if (v != NULL && v->type == JSON_STRING) {
		*text = v->text;
		r = &l->inner;
		v = json_read(&l->inner, *text) ? json_root(r) : NULL;
	} else if (v != NULL) {
		*text = v->text;
	}
	return v != NULL && ledger_read(&l->ledger, r, v);
}

enum err
store_ledger_told(struct store_ledger *l, int64_t sensor, struct view obj,
		  uint64_t seen_us, struct ledger *out)
{
	struct ledger *t = &l->ledger;
	struct view text = VIEW_NONE;
	uint64_t order, committed;
	bool there;
	enum err e;

	if (!read_told(l, obj, &text)) {
		*t = (struct ledger){ 0 };
	}
	if (out != NULL) {
		*out = *t;
	}
	if (t->epoch == 0) {
		return ERR_OK;
	}
	/* Not by the clock of the sensor, which may be set back. */
	t->order = t->order != 0 ? t->order : t->at_us;
	there = kept(l, sensor, t->epoch, &order, &committed, &e);
	if (e != ERR_OK || (there && t->order <= order)) {
		return e;
	}
	/* A sensor that was killed may know less than before for a moment. */
	e = keep_shed(l, sensor, t);
	if (e == ERR_OK && there) {
		e = fold(l, sensor, t->epoch, MIN(committed, t->committed));
	}
	return e == ERR_OK ? sql_run(l->st[ST_TOLD], "iuuuuv", sensor, t->epoch,
				     t->order, seen_us, t->committed, text)
			   : e;
}

/* --- reading --- */

/* The sums by class of one statement's rows (class, events, lost). */
static enum err
add_sums(struct store_reader *r, const char *sql, int64_t sensor,
	 const struct store_ledger_row *row, uint64_t events[LEDGER_CLASSES],
	 uint64_t lost[LEDGER_CLASSES])
{
	sqlite3_stmt *st = store_reader_prepare(r, sql);
	int rc = SQLITE_ERROR;

	if (st != NULL &&
	    sql_bind(st, "iuuu", sensor, row->epoch, row->ledger.committed,
		     row->ledger.last_seq) == SQLITE_OK) {
		while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
			uint64_t cls = sql_u64(st, 0);

			if (cls < LEDGER_CLASSES) {
				events[cls] += sql_u64(st, 1);
				lost[cls] += sql_u64(st, 2);
			}
		}
	}
	return store_reader_finish(st, rc);
}

static enum err
fill_store(struct store_reader *r, int64_t sensor, struct store_ledger_row *row)
{
	struct ledger_store *s = &row->store;
	uint64_t none[LEDGER_CLASSES];
	enum err e;

	e = add_sums(r,
		     "SELECT class,events,lost FROM ledger_sums WHERE"
		     " sensor=?1 AND epoch=?2 AND ?3>=0 AND ?4>=0",
		     sensor, row, s->stored, s->unreadable);
	if (e == ERR_OK) {
		e = add_sums(r,
			     "SELECT class,sum(events),sum(lost) FROM"
			     " ledger_batches WHERE sensor=?1 AND epoch=?2 AND"
			     " seq<=?3 AND ?4>=0 GROUP BY class",
			     sensor, row, s->stored, s->unreadable);
	}
	if (e == ERR_OK) {
		e = add_sums(r,
			     "SELECT class,sum(events),sum(lost) FROM"
			     " ledger_batches WHERE sensor=?1 AND epoch=?2 AND"
			     " seq>?3 AND seq<=?4 GROUP BY class",
			     sensor, row, s->ahead, s->unreadable);
	}
	if (e == ERR_OK) {
		e = add_sums(r,
			     "SELECT class,sum(returned),0 FROM ledger_shed"
			     " WHERE sensor=?1 AND epoch=?2 AND ?3>=0 AND"
			     " ?4>=0 GROUP BY class",
			     sensor, row, s->returned, none);
	}
	return e;
}

static enum err
read_row(struct store_reader *r, sqlite3_stmt *st, struct json_reader *reader,
	 struct store_ledger_row *row)
{
	*row = (struct store_ledger_row){
		.site = sql_text(st, 1),
		.sensor = sql_text(st, 2),
		.state = sql_text(st, 3),
		.epoch = sql_u64(st, 4),
		.newest = sqlite3_column_int(st, 5) != 0,
		.seen_us = sql_u64(st, 6),
		.repeats = sql_u64(st, 9),
		.store = {
			.known = true,
			.committed = sql_u64(st, 10),
			.frames = sql_u64(st, 7),
			.gap_frames = sql_u64(st, 8),
			.upto = sql_u64(st, 11),
			.numbers = sql_u64(st, 11) + sql_u64(st, 12),
		},
	};
	if (!json_read(reader, view_cstr(sql_text(st, 13))) ||
	    !ledger_read(&row->ledger, reader, json_root(reader))) {
		row->ledger = (struct ledger){ 0 };
	}
	return fill_store(r, sqlite3_column_int64(st, 0), row);
}

enum err
store_read_ledgers(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_ledger_row *row),
		   void *arg)
{
	static const char sql[] =
		"SELECT s.id,s.site,s.sensor,s.state,l.epoch,"
		" l.epoch=(SELECT max(epoch) FROM ledgers n WHERE"
		"  n.sensor=s.id),"
		" l.seen_us,l.batches,l.gaps,l.repeats,l.floor,"
		" coalesce(m.upto,0),coalesce((SELECT sum(hi-lo+1) FROM"
		"  mark_ranges x WHERE x.sensor=s.id AND x.epoch=l.epoch),0),"
		" l.text FROM ledgers l JOIN sensors s ON s.id=l.sensor"
		" LEFT JOIN marks m ON m.sensor=s.id AND m.epoch=l.epoch"
		" WHERE (?1 IS NULL OR s.site=?1) AND"
		" (?2 IS NULL OR s.sensor=?2) ORDER BY s.site,s.sensor,l.epoch";
	static const char begin[] = "BEGIN", end[] = "COMMIT";
	struct json_reader reader;
	struct store_ledger_row *row = malloc(sizeof(*row));
	sqlite3_stmt *st;
	int rc = SQLITE_ERROR;
	enum err e = row != NULL ? ERR_OK : ERR_NOMEM;

	json_reader_init(&reader);
	/* One state of the store for all of it: it must add up. */
	if (e == ERR_OK) {
		e = sql_exec(r->db, begin);
	}
	st = e == ERR_OK ? store_reader_prepare(r, sql) : NULL;
	if (st != NULL && sql_bind(st, "tt", site, sensor) == SQLITE_OK) {
		while (e == ERR_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			e = read_row(r, st, &reader, row);
			if (e == ERR_OK) {
				fn(arg, row);
			}
		}
	}
	if (e != ERR_NOMEM) {
		enum err f = store_reader_finish(st, rc);

		e = e == ERR_OK ? f : e;
		if (sql_exec(r->db, end) != ERR_OK && e == ERR_OK) {
			e = ERR_IO;
		}
	}
	json_reader_fini(&reader);
	free(row);
	return e;
}
