/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/store_ledger.h"

#include <stdlib.h>

#include "collector/store_runs.h"
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
	ST_SHED_ROWS,
	ST_SHED_UPTO,
	ST_SHED_SUM,
	ST_SHED_GONE,
	ST_EPOCHS,
	ST_TOP,
	ST_TOLD_OLD,
	ST_TOLD_GONE,
	ST_TOLD_SHED_GONE,
	ST_COUNT_OF
};

static const char *const statements[ST_COUNT_OF] = {
	[ST_BATCH] = "INSERT OR REPLACE INTO ledger_batches"
		     " VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_RETURNED] = "UPDATE ledger_shed SET returned=returned+?5 WHERE"
			" sensor=?1 AND epoch=?2 AND class=?4 AND lo="
			"(SELECT max(lo) FROM ledger_shed WHERE sensor=?1 AND"
			" epoch=?2 AND class=?4 AND lo<=?3 AND hi>=?3)",
	[ST_COUNT] = "INSERT INTO ledgers(sensor,epoch,batches,gaps,repeats)"
		     " VALUES(?1,?2,?3,?4,?5) ON CONFLICT(sensor,epoch) DO"
		     " UPDATE SET batches=batches+?3,gaps=gaps+?4,"
		     " repeats=repeats+?5",
	[ST_KEPT] = "SELECT at_us,committed FROM ledgers WHERE sensor=?1 AND"
		    " epoch=?2",
	[ST_TOLD] =
		"INSERT INTO ledgers(sensor,epoch,at_us,seen_us,committed,text,"
		"lost) VALUES(?1,?2,?3,?4,?5,?6,?7) ON CONFLICT(sensor,epoch)"
		" DO UPDATE"
		" SET at_us=?3,seen_us=?4,committed=?5,text=?6,lost=?7",
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
	/* Those of its batches that are here although they were shed, but for
	 * those that another range told already. */
	[ST_SHED_COUNT] =
		"UPDATE ledger_shed SET returned=coalesce((SELECT sum(b.events)"
		" FROM ledger_batches b WHERE b.sensor=?1 AND b.epoch=?2 AND"
		" b.class=?3 AND b.seq BETWEEN max(?4,ledger_shed.counted+1)"
		" AND ?5 AND NOT EXISTS(SELECT 1 FROM ledger_shed o WHERE"
		" o.sensor=?1 AND o.epoch=?2 AND o.class=?3 AND o.lo<>?4 AND"
		" o.lo<=b.seq AND o.counted>=b.seq)),0)+returned, counted=?5"
		" WHERE sensor=?1 AND epoch=?2 "
		"AND"
		" class=?3 AND lo=?4 AND counted<?5",
	[ST_SHED_ROWS] = "SELECT count(*) FROM ledger_shed WHERE sensor=?1 AND"
			 " epoch=?2 AND class=?3",
	[ST_SHED_UPTO] = "SELECT lo FROM ledger_shed WHERE sensor=?1 AND"
			 " epoch=?2 AND class=?3 ORDER BY lo LIMIT 1 OFFSET ?4",
	/* Number 0 is no batch's: that row stands for all that went. */
	[ST_SHED_SUM] = "INSERT INTO ledger_shed SELECT ?1,?2,?3,0,0,"
			"sum(events),0,sum(returned) FROM ledger_shed WHERE"
			" sensor=?1 AND epoch=?2 AND class=?3 AND lo<=?4 AND"
			" lo>0 GROUP BY sensor ON"
			" CONFLICT(sensor,epoch,class,lo) DO UPDATE SET"
			" events=events+excluded.events,"
			" returned=returned+excluded.returned",
	[ST_SHED_GONE] = "DELETE FROM ledger_shed WHERE sensor=?1 AND epoch=?2"
			 " AND class=?3 AND lo<=?4 AND lo>0",
	[ST_EPOCHS] = "SELECT epoch FROM ledgers WHERE sensor=?1",
	[ST_TOP] = "SELECT max(seq),min(seq) FROM ledger_batches WHERE"
		   " sensor=?1 AND epoch=?2",
	[ST_TOLD_OLD] = "SELECT epoch FROM ledgers l WHERE sensor=?1 AND NOT"
			" EXISTS(SELECT 1 FROM marks m WHERE m.sensor=?1 AND"
			" m.epoch=l.epoch) AND batches=0 AND gaps=0 ORDER BY"
			" seen_us DESC,epoch DESC LIMIT -1 OFFSET ?2",
	[ST_TOLD_GONE] = "DELETE FROM ledgers WHERE sensor=?1 AND epoch=?2",
	[ST_TOLD_SHED_GONE] = "DELETE FROM ledger_shed WHERE sensor=?1 AND"
			      " epoch=?2",
};

/* Batches of a sensor between two looks at how many are counted singly. */
#define LOOK_EVERY 1024
#define LOOK_SLOTS 4096 /* a power of two; sensors share them by their ids */

struct store_ledger {
	struct store *store;
	sqlite3_stmt *st[ST_COUNT_OF];
	struct store_runs *runs;
	struct json_reader reader, inner;
	struct ledger ledger;
	uint64_t folded; /* batches, by the last fold() */
	uint16_t since[LOOK_SLOTS]; /* batches since the last look */
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
	store_runs_free(l->runs);
	json_reader_fini(&l->reader);
	json_reader_fini(&l->inner);
	free(l);
}

enum err
store_ledger_new(struct store_ledger **out, struct store *s, struct diag *d)
{
	struct store_ledger *l = calloc(1, sizeof(*l));

	enum err e;

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
	e = store_runs_new(&l->runs, s);
	if (e != ERR_OK) {
		diag_set(d, e,
			 e == ERR_NOMEM ? "out of memory"
					: "the store is damaged: %s",
			 store_error(s));
		store_ledger_free(l);
		return e;
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
		l->folded = (uint64_t)sqlite3_changes(store_db(l->store));
	}
	return e == ERR_OK
		       ? sql_run(l->st[ST_FLOOR], "iuu", sensor, epoch, upto)
		       : e;
}

/*
 * A sensor that tells no ledger: its oldest batches are summed up all the same.
 * A ledger that then says less was committed cannot be held against the sums,
 * and the equation says that it cannot be said.
 */
static enum err
fold_early(struct store_ledger *l, int64_t sensor, uint64_t epoch)
{
	uint64_t bound = store_bounds(l->store)->batches, top = 0, low = 0;
	sqlite3_stmt *st = l->st[ST_TOP];
	enum err e = ERR_IO;

	if (sql_bind(st, "iu", sensor, epoch) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		top = sql_u64(st, 0);
		low = sql_u64(st, 1);
		e = ERR_OK;
	}
	sqlite3_reset(st);
	if (e != ERR_OK || top < bound || low > top - bound) {
		return e;
	}
	e = fold(l, sensor, epoch, top - bound);
	return e == ERR_OK
		       ? store_drop_note(store_db(l->store), sensor,
					 STORE_DROP_batches, l->folded, 0, 0)
		       : e;
}

static enum err
look_at_batches(struct store_ledger *l, int64_t sensor)
{
	uint16_t *since = &l->since[(uint64_t)sensor & (LOOK_SLOTS - 1)];
	sqlite3_stmt *st = l->st[ST_EPOCHS];
	enum err e = ERR_OK;
	int rc;

	if (++*since < LOOK_EVERY) {
		return ERR_OK;
	}
	*since = 0;
	rc = sql_bind(st, "i", sensor) == SQLITE_OK ? SQLITE_ROW : SQLITE_ERROR;
	while (e == ERR_OK && rc == SQLITE_ROW &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		e = fold_early(l, sensor, sql_u64(st, 0));
	}
	sqlite3_reset(st);
	return e != ERR_OK || rc == SQLITE_DONE ? e : ERR_IO;
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
	if (e == ERR_OK && lost == 0) {
		e = count(l, sensor, h->epoch, 1, 0, 0);
	}
	return e == ERR_OK ? look_at_batches(l, sensor) : e;
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

/* The lowest ranges of a class become one: what of them came all the same goes
 * on being counted, and what comes from now on does not. */
static enum err
sum_up_shed(struct store_ledger *l, int64_t sensor, uint64_t epoch,
	    uint64_t cls)
{
	uint64_t bound = store_bounds(l->store)->shed, rows = 0, upto = 0;
	sqlite3_stmt *st = l->st[ST_SHED_ROWS];
	int rc = sql_bind(st, "iuu", sensor, epoch, cls);
	enum err e;

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		rows = sql_u64(st, 0);
	}
	sqlite3_reset(st);
	if (rc != SQLITE_ROW || rows <= bound) {
		return rc == SQLITE_ROW ? ERR_OK : ERR_IO;
	}
	st = l->st[ST_SHED_UPTO];
	rc = sql_bind(st, "iuuu", sensor, epoch, cls,
		      rows - (bound - bound / 8));
	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		upto = sql_u64(st, 0);
	}
	sqlite3_reset(st);
	e = rc == SQLITE_ROW ? sql_run(l->st[ST_SHED_SUM], "iuuu", sensor,
				       epoch, cls, upto)
			     : ERR_IO;
	if (e == ERR_OK) {
		e = sql_run(l->st[ST_SHED_GONE], "iuuu", sensor, epoch, cls,
			    upto);
	}
	return e == ERR_OK
		       ? store_drop_note(
				 store_db(l->store), sensor, STORE_DROP_shed,
				 (uint64_t)sqlite3_changes(store_db(l->store)),
				 0, 0)
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
	for (uint64_t c = 0; c < LEDGER_CLASSES && t->n_shed > 0 && e == ERR_OK;
	     c++) {
		e = sum_up_shed(l, sensor, t->epoch, c);
	}
	return e;
}

/* Epochs that no batch ever came of: those told of last are kept. */
static enum err
forget_told(struct store_ledger *l, int64_t sensor)
{
	sqlite3_stmt *st = l->st[ST_TOLD_OLD];
	uint64_t epoch = 0, n = 0;
	enum err e = ERR_OK;
	int rc = SQLITE_ROW;

	while (e == ERR_OK && rc == SQLITE_ROW) {
		rc = sql_bind(st, "iu", sensor,
			      (uint64_t)store_bounds(l->store)->told);
		if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			epoch = sql_u64(st, 0);
			n++;
		}
		sqlite3_reset(st);
		if (rc == SQLITE_ROW) {
			e = sql_run(l->st[ST_TOLD_GONE], "iu", sensor, epoch);
		}
		if (rc == SQLITE_ROW && e == ERR_OK) {
			e = sql_run(l->st[ST_TOLD_SHED_GONE], "iu", sensor,
				    epoch);
		}
	}
	if (e == ERR_OK && rc != SQLITE_DONE) {
		e = ERR_IO;
	}
	return e == ERR_OK ? store_drop_note(store_db(l->store), sensor,
					     STORE_DROP_epochs_told, n, 0, 0)
			   : e;
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

/* Events that do not come, but for those that came all the same. */
static uint64_t
lost_of(const struct ledger *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LEDGER_LOSTS; i++) {
		n += ledger_sum(t->lost[i]);
	}
	for (unsigned i = 0; i < LEDGER_GONES; i++) {
		n += ledger_sum(t->gone[i]);
	}
	return n;
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
	e = store_runs_told(l->runs, sensor, t);
	if (e != ERR_OK) {
		return e;
	}
	there = kept(l, sensor, t->epoch, &order, &committed, &e);
	if (e != ERR_OK || (there && t->order <= order)) {
		return e;
	}
	/* A sensor that was killed may know less than before for a moment. */
	e = keep_shed(l, sensor, t);
	if (e == ERR_OK && there) {
		e = fold(l, sensor, t->epoch, MIN(committed, t->committed));
	}
	if (e == ERR_OK) {
		e = sql_run(l->st[ST_TOLD], "iuuuuvu", sensor, t->epoch,
			    t->order, seen_us, t->committed, text, lost_of(t));
	}
	return e == ERR_OK && !there ? forget_told(l, sensor) : e;
}
