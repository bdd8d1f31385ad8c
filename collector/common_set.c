/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/common_set_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/indicator_inbox.h"
#include "collector/indicator_pack.h"
#include "common/clock.h"
#include "common/log.h"

#define DUE_ROWS 100
#define WITHDRAW_ROWS 100
#define TRIM_ROWS 200
/* Of a slice, at least so much is work: what a commit takes is not. */
#define LEAST_US UINT64_C(4000)
#define TRIM_EVERY_US (30 * US_PER_S)
/* Of a partner, when a list of ours has no room. */
#define GIVE_WAY 100

static const char *const statements[CS_STATEMENTS] = {
	[CS_OPEN] = "SELECT min(id) FROM indicator_imports WHERE state=1",
	[CS_IMPORT] = "SELECT origin,who,snapshot,state,cursor,error,total,"
		      "supported,refused,taken,added,held,withdrawn FROM"
		      " indicator_imports WHERE id=?",
	[CS_LEFT] = "SELECT id FROM indicator_inbox WHERE import=?"
		    " ORDER BY id LIMIT 1",
	[CS_OLDEST] = "SELECT import,(SELECT max(id) FROM indicator_inbox)-id+1"
		      " FROM indicator_inbox ORDER BY id LIMIT 1",
	[CS_ROW] = "SELECT n,records FROM indicator_inbox WHERE id=?",
	[CS_ROW_GONE] = "DELETE FROM indicator_inbox WHERE id=?",
	[CS_ADD] = "UPDATE indicator_imports SET taken=taken+?2,added=added+?3,"
		   "changed=changed+?4,same=same+?5,stale=stale+?6,"
		   "revoked=revoked+?7,held=held+?8,no_room=no_room+?9"
		   " WHERE id=?1",
	[CS_CURSOR] = "UPDATE indicator_imports SET cursor=?2,"
		      "withdrawn=withdrawn+?3 WHERE id=?1",
	[CS_DONE] = "UPDATE indicator_imports SET state=2,ended_us=?2 WHERE"
		    " id=?1",
	[CS_BROKEN] = "UPDATE indicator_imports SET state=1,error='who read it"
		      " ended before it did' WHERE state=0 AND alive_us<?1",
	/* A reader that was taken for dead handed in more. */
	[CS_LATE] = "UPDATE indicator_imports SET state=1 WHERE state=2 AND id"
		    " IN (SELECT import FROM indicator_inbox)",
	[CS_DUE] = "SELECT 1 FROM indicators WHERE due_us>0 AND due_us<=?1"
		   " LIMIT 1",
	[CS_REFUSALS_TRIM] = "DELETE FROM indicator_refusals WHERE import<=?1",
	[CS_IMPORTS_TRIM] = "DELETE FROM indicator_imports WHERE state=2 AND"
			    " id<=?1",
	/* Sites beyond the bound are counted together.  A key has its value in
	 * lower case, or so many bytes of it. */
	[CS_SEEN] = "INSERT INTO indicator_seen(indicator,site,first_us,"
		    "last_us,count,past) SELECT n.id,CASE WHEN"
		    " (SELECT count(*) FROM indicator_seen s WHERE"
		    " s.indicator=n.id)<?7 OR EXISTS(SELECT 1 FROM"
		    " indicator_seen s WHERE s.indicator=n.id AND s.site=?3)"
		    " THEN ?3 ELSE '' END,?4,?5,?6,?9 FROM indicators n WHERE"
		    " n.key=?1 AND substr(CAST(lower(n.value) AS BLOB),1,?8)="
		    "substr(CAST(?2 AS BLOB),1,?8) ON"
		    " CONFLICT(indicator,site) DO UPDATE SET"
		    " first_us=min(first_us,excluded.first_us),"
		    "last_us=max(last_us,excluded.last_us),"
		    "count=count+excluded.count,past=past+excluded.past",
	/* An alert may have shown it as several keys: it counts once. */
	[CS_SEEN_BEFORE] =
		"INSERT INTO indicator_seen(indicator,site,first_us,last_us,"
		"count,past) SELECT ?1,s.site,min(s.first_us),max(s.last_us),"
		"max(s.count),max(s.past) FROM runs r JOIN sightings s ON"
		" s.run=r.id WHERE r.key=?3 AND r.kind IN(0,?2) AND"
		" r.exercise='' AND NOT (s.owner<>'' AND"
		" substr(s.site,1,length(s.owner)+1)=s.owner||':') GROUP BY"
		" s.site ORDER BY s.site LIMIT ?4 ON CONFLICT(indicator,site)"
		" DO NOTHING",
	[CS_LARGEST_PARTNER] = "SELECT id FROM indicator_origins WHERE"
			       " name>='partner:' AND name<'partner;' AND n>0"
			       " ORDER BY n DESC LIMIT 1",
};

enum err
common_set_new(struct common_set **out, sqlite3 *db,
	       const struct common_set_config *cfg, struct allow_lists *lists,
	       const struct mission_map *map, struct diag *d)
{
	struct common_set *c = calloc(1, sizeof(*c));
	enum err e;

	*out = NULL;
	if (c == NULL) {
		allow_lists_free(lists);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	c->db = db;
	c->cfg = *cfg;
	c->budget_us = COMMON_SET_SLICE_US / 2;
	e = gate_new(&c->gate, &cfg->gate,
		     lists != NULL ? lists : allow_lists_new(), map, db, d);
	c->as_gate = (struct indicator_gate){ c->gate, gate_pass };
	if (e == ERR_OK) {
		e = indicator_store_open(&c->store, db, &cfg->limits, d);
	}
	if (e == ERR_OK) {
		e = indicator_words_new(&c->words, db, c->gate, d);
	}
	for (int i = 0; i < CS_STATEMENTS && e == ERR_OK; i++) {
		if (sqlite3_prepare_v3(db, statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &c->st[i],
				       NULL) != SQLITE_OK) {
			e = diag_set(d, ERR_IO, "indicators: %s",
				     sqlite3_errmsg(db));
		}
	}
	if (e != ERR_OK) {
		common_set_free(c);
		return e;
	}
	*out = c;
	return ERR_OK;
}

struct allow_lists *
common_set_use_lists(struct common_set *c, struct allow_lists *lists)
{
	return gate_use_lists(c->gate, lists);
}

void
common_set_free(struct common_set *c)
{
	if (c != NULL) {
		for (int i = 0; i < CS_STATEMENTS; i++) {
			sqlite3_finalize(c->st[i]);
		}
		indicator_words_free(c->words);
		indicator_store_close(c->store);
		gate_free(c->gate);
		free(c);
	}
}

struct indicator_words *
common_set_words(struct common_set *c)
{
	return c->words;
}

bool
common_set_busy(const struct common_set *c)
{
	return c->busy;
}

void
common_set_stats(const struct common_set *c, struct common_set_stats *out)
{
	*out = c->committed;
}

/* Steps once; columns may be read until sqlite3_reset(). */
static enum err
row(sqlite3_stmt *st, bool *is)
{
	int rc = sqlite3_step(st);

	*is = rc == SQLITE_ROW;
	return *is || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

static enum err
number(sqlite3_stmt *st, int64_t *out)
{
	bool is;
	enum err e = row(st, &is);

	*out = is ? sqlite3_column_int64(st, 0) : 0;
	sqlite3_reset(st);
	return e;
}

/* ------------------------------------------------------------ what is to do */

struct work {
	int64_t import; /* to be taken from or ended; 0: none */
	bool due, trim;
};

/* The import whose turn it is: the oldest that was read to its end, or any
 * when so much waits that who reads it waits too. */
static enum err
find_import(struct common_set *c, int64_t *import)
{
	sqlite3_stmt *st = c->st[CS_OLDEST];
	bool is;
	enum err e = number(c->st[CS_OPEN], import);

	if (e != ERR_OK || *import != 0) {
		return e;
	}
	e = row(st, &is);
	if (!is) {
		c->draining = false;
	} else if (c->draining ||
		   sqlite3_column_int64(st, 1) > INDICATOR_INBOX_HIGH) {
		c->draining = true;
		*import = sqlite3_column_int64(st, 0);
	}
	sqlite3_reset(st);
	return e;
}

static enum err
look(struct common_set *c, uint64_t now_us, struct work *w)
{
	uint64_t mono = clock_mono_us();
	int64_t due = 0;
	enum err e = find_import(c, &w->import);

	if (e == ERR_OK) {
		e = sql_bind(c->st[CS_DUE], "u", now_us) == SQLITE_OK
			    ? number(c->st[CS_DUE], &due)
			    : ERR_IO;
	}
	w->due = due != 0;
	w->trim = c->trimmed_us == 0 || mono - c->trimmed_us >= TRIM_EVERY_US;
	return e;
}

/* ------------------------------------------------------- from inbox to set */

/*
 * Partners are guests: when all together are too many, the oldest of the one who
 * gives most make room for what our own lists have.
 */
static enum err
put_own(struct common_set *c, const struct indicator *i,
	struct indicator_put *p)
{
	enum err e = indicator_store_put(c->store, i, p);
	int64_t guest = 0;
	unsigned n = 0;

	if (e != ERR_OK || p->outcome != INDICATOR_NO_ROOM || !p->crowded) {
		return e;
	}
	e = number(c->st[CS_LARGEST_PARTNER], &guest);
	if (e == ERR_OK && guest != 0) {
		e = indicator_store_evict(c->store, guest, p->now_us, GIVE_WAY,
					  &n);
	}
	return e == ERR_OK && n > 0 ? indicator_store_put(c->store, i, p) : e;
} /* All records of one row; what is no record ends it, and is counted. */
static enum err
take_records(struct common_set *c, struct view bytes, uint64_t n,
	     struct indicator_put *p, const char *source, uint64_t *taken)
{
	enum err e = ERR_OK;

	for (*taken = 0; *taken < n && e == ERR_OK; ++*taken) {
		struct indicator i;

		if (indicator_unpack(&bytes, &i) != ERR_OK) {
			log_warn("indicators of %s: a part of the inbox is "
				 "damaged: %" PRIu64 " left out",
				 source, n - *taken);
			break;
		}
		i.source = source;
		e = put_own(c, &i, p);
		if (e == ERR_OK) {
			common_set_count(&c->stats, p);
		}
	}
	return e;
}

static enum err
take_row(struct common_set *c, int64_t id, struct indicator_put *p,
	 const char *source)
{
	const struct common_set_stats was = c->stats;
	const struct common_set_stats *s = &c->stats;
	sqlite3_stmt *st = c->st[CS_ROW];
	uint64_t taken = 0;
	bool is = false;
	enum err e = sql_bind(st, "i", id) == SQLITE_OK ? row(st, &is) : ERR_IO;

	if (is) {
		e = take_records(c,
				 view_of(sqlite3_column_blob(st, 1),
					 (size_t)sqlite3_column_bytes(st, 1)),
				 sql_u64(st, 0), p, source, &taken);
	}
	sqlite3_reset(st);
	if (e == ERR_OK) {
		e = sql_run(c->st[CS_ADD], "iuuuuuuuu", p->import, taken,
			    s->added - was.added, s->changed - was.changed,
			    s->same - was.same, s->stale - was.stale,
			    s->revoked - was.revoked, s->held - was.held,
			    s->no_room - was.no_room);
	}
	return e == ERR_OK ? sql_run(c->st[CS_ROW_GONE], "i", id) : e;
}

/* A snapshot that was read to its end: what it does not have is withdrawn. */
static enum err
withdraw(struct common_set *c, int64_t import, int64_t origin, int64_t cursor,
	 uint64_t now_us, uint64_t end_us, bool *done)
{
	enum err e = ERR_OK;

	for (*done = false;
	     e == ERR_OK && !*done && clock_mono_us() < end_us;) {
		unsigned n = 0;

		e = indicator_store_withdraw(c->store, origin, import, now_us,
					     WITHDRAW_ROWS, &cursor, &n, done);
		if (e == ERR_OK) {
			e = sql_run(c->st[CS_CURSOR], "iiu", import, cursor,
				    (uint64_t)n);
		}
		c->stats.withdrawn += n;
	}
	return e;
}

struct import {
	char origin[256];
	bool snapshot, read; /* to its end; and without an error */
	bool whole;
	int64_t cursor;
};

static enum err
read_import(struct common_set *c, int64_t id, struct import *out)
{
	sqlite3_stmt *st = c->st[CS_IMPORT];
	bool is = false;
	enum err e = sql_bind(st, "i", id) == SQLITE_OK ? row(st, &is) : ERR_IO;

	*out = (struct import){ .read = true };
	if (is) {
		snprintf(out->origin, sizeof(out->origin), "%s",
			 sql_text(st, 0));
		out->snapshot = sqlite3_column_int(st, 2) != 0;
		out->read = sqlite3_column_int(st, 3) == 1;
		out->cursor = sqlite3_column_int64(st, 4);
		out->whole = sql_text(st, 5)[0] == '\0';
	}
	sqlite3_reset(st);
	return e;
}

static enum err
take_import(struct common_set *c, int64_t id, uint64_t now_us, uint64_t end_us)
{
	struct indicator_put p = { .import = id,
				   .now_us = now_us,
				   .gate = &c->as_gate };
	struct import of;
	int64_t left = 0;
	bool done = true;
	enum err e = read_import(c, id, &of);

	p.snapshot = of.snapshot;
	if (e == ERR_OK) {
		e = indicator_store_origin(c->store, of.origin, &p.origin);
	}
	do {
		if (e == ERR_OK) {
			e = sql_bind(c->st[CS_LEFT], "i", id) == SQLITE_OK
				    ? number(c->st[CS_LEFT], &left)
				    : ERR_IO;
		}
		if (e == ERR_OK && left != 0) {
			e = take_row(c, left, &p, of.origin);
		}
	} while (e == ERR_OK && left != 0 && clock_mono_us() < end_us);
	if (e != ERR_OK || left != 0 || !of.read) {
		return e;
	}
	if (of.snapshot && of.whole) {
		e = withdraw(c, id, p.origin, of.cursor, now_us, end_us, &done);
	}
	if (e == ERR_OK && done) {
		e = sql_run(c->st[CS_DONE], "iu", id, now_us);
		c->ended = id;
		c->stats.imports++;
	}
	return e;
}

/* ----------------------------------------------------------------- the turn */

static enum err
trim(struct common_set *c, uint64_t now_us)
{
	unsigned n = 0;
	int64_t last = 0;
	enum err e = indicator_store_trim(c->store, TRIM_ROWS, &n);

	if (e == ERR_OK) {
		e = sql_run(c->st[CS_BROKEN], "u",
			    now_us - MIN(now_us, INDICATOR_INBOX_PATIENCE_US));
	}
	if (e == ERR_OK) {
		e = sql_run(c->st[CS_LATE], "");
	}
	if (e == ERR_OK) {
		sqlite3_stmt *st = NULL;

		if (sqlite3_prepare_v2(c->db,
				       "SELECT max(id) FROM indicator_imports",
				       -1, &st, NULL) != SQLITE_OK) {
			e = ERR_IO;
		} else {
			e = number(st, &last);
		}
		sqlite3_finalize(st);
		last -= COMMON_SET_IMPORTS;
	}
	if (e == ERR_OK) {
		e = sql_run(c->st[CS_REFUSALS_TRIM], "i", last);
	}
	if (e == ERR_OK) {
		e = sql_run(c->st[CS_IMPORTS_TRIM], "i", last);
	}
	c->stats.forgotten += n;
	/* More is left: the next turn goes on. */
	c->trimmed_us = n < TRIM_ROWS ? clock_mono_us() : 0;
	return e;
}

static enum err
slice(struct common_set *c, const struct work *w, uint64_t now_us,
      uint64_t end_us)
{
	unsigned n = 0;
	enum err e = ERR_OK;

	for (bool more = w->due; more && e == ERR_OK;) {
		e = indicator_store_due(c->store, now_us, DUE_ROWS, &n);
		c->stats.expired += n;
		more = n == DUE_ROWS && clock_mono_us() < end_us;
	}
	if (e == ERR_OK && w->trim) {
		e = trim(c, now_us);
	}
	if (e == ERR_OK && w->import != 0 && c->ready) {
		e = take_import(c, w->import, now_us, end_us);
	}
	return e;
}

static void
tell(struct common_set *c, int64_t id,
     void (*done)(void *arg, const struct common_set_import *i), void *arg)
{
	sqlite3_stmt *st = c->st[CS_IMPORT];
	bool is = false;

	if (sql_bind(st, "i", id) == SQLITE_OK && row(st, &is) == ERR_OK &&
	    is) {
		struct common_set_import i = {
			.id = id,
			.origin = sql_text(st, 0),
			.who = sql_text(st, 1),
			.error = sql_text(st, 5),
			.total = sql_u64(st, 6),
			.supported = sql_u64(st, 7),
			.refused = sql_u64(st, 8),
			.taken = sql_u64(st, 9),
			.added = sql_u64(st, 10),
			.held = sql_u64(st, 11),
			.withdrawn = sql_u64(st, 12),
		};

		done(arg, &i);
	}
	sqlite3_reset(st);
}

/* A commit takes as long as the pages are many that slices touched, and every few
 * of them the store moves what gathered to its place.  What the slowest of late
 * took says how long the next may work. */
static void
pace(struct common_set *c, uint64_t took_us)
{
	uint64_t b = c->budget_us;

	b = took_us > COMMON_SET_SLICE_US ? b * COMMON_SET_SLICE_US / took_us
					  : b + b / 32;
	c->budget_us = MAX(MIN(b, COMMON_SET_SLICE_US), LEAST_US);
}

static enum err
do_work(struct common_set *c, const struct work *w, uint64_t now_us,
	uint64_t start)
{
	enum err e = indicator_store_begin(c->store);

	c->ended = 0;
	if (e == ERR_OK) {
		e = slice(c, w, now_us, start + c->budget_us);
		if (e == ERR_OK) {
			e = indicator_store_commit(c->store);
		} else {
			indicator_store_rollback(c->store);
		}
	}
	if (e == ERR_OK) {
		uint64_t us = clock_mono_us() - start;

		pace(c, us);
		c->stats.slices++;
		c->stats.slice_max_us = MAX(c->stats.slice_max_us, us);
		c->committed = c->stats;
	} else {
		c->stats = c->committed;
		c->ended = 0;
		c->trimmed_us = clock_mono_us();
	}
	return e;
}

enum err
common_set_turn(struct common_set *c, uint64_t now_us,
		void (*done)(void *arg, const struct common_set_import *i),
		void *arg, struct diag *d)
{
	uint64_t start = clock_mono_us();
	struct work w = { .import = 0 };
	enum err e = look(c, now_us, &w);

	c->busy = w.import != 0 || w.due;
	c->ready = false;
	if (e == ERR_OK && w.import != 0) {
		e = gate_turn(c->gate, now_us, COMMON_SET_SLICE_US / 2,
			      &c->ready);
	}
	if (e == ERR_OK && (w.due || w.trim || c->ready)) {
		e = do_work(c, &w, now_us, start);
	}
	if (e != ERR_OK) {
		c->busy = false;
		c->committed.failed = ++c->stats.failed;
		return diag_set(d, e, "indicators: %s", sqlite3_errmsg(c->db));
	}
	/* There are more tombstones than one slice takes away. */
	c->busy |= c->trimmed_us == 0;
	if (c->ended != 0 && done != NULL) {
		tell(c, c->ended, done, arg);
	}
	c->ended = 0;
	return ERR_OK;
}
