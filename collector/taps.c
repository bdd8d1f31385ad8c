/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/taps.h"

#include <stdlib.h>

#include "collector/taps_state.h"
#include "common/clock.h"

/* Clocks are worked out for a twentieth of the time at most. */
#define SOLVE_REST 19
#define SOLVE_LONG_US 1000

static const char *const statements[ST_TAPS] = {
	[ST_TWIN] = "INSERT OR REPLACE INTO twins VALUES(?1,?2,?3)",
	[ST_FIRST] = "INSERT OR IGNORE INTO twins VALUES(?1,?1,?2)",
	/* The newest frames with alerts stay; so do their rows. */
	[ST_TWINS_GONE] =
		"DELETE FROM twins WHERE alert<(SELECT min(first_alert)"
		" FROM frames WHERE alerts>0)",
	[ST_PAIR] = "INSERT OR REPLACE INTO clock_pairs"
		    " VALUES(?1,?2,?3,?4,?5,?6)",
	[ST_CLOCK] = "INSERT OR REPLACE INTO clocks"
		     " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	[ST_JOIN_ROWS] = "UPDATE twins SET event=?2 WHERE event=?1",
	[ST_JOIN_FIRST] =
		"INSERT OR REPLACE INTO twins SELECT ?1,?2,sensor FROM"
		" (SELECT sensor,first_alert,alerts FROM frames WHERE alerts>0"
		" AND first_alert<=?1 ORDER BY first_alert DESC LIMIT 1)"
		" WHERE first_alert+alerts>?1",
	[ST_JOIN_FRAME] =
		"SELECT f.id,f.data,f.crc,f.first_alert,f.others,f.sensor,"
		"s.site,s.sensor FROM frames f JOIN sensors s ON s.id=f.sensor"
		" WHERE f.alerts>0 AND f.first_alert<=?1"
		" ORDER BY f.first_alert DESC LIMIT 1",
	[ST_NAME] = "SELECT site,sensor FROM sensors WHERE id=?1",
	[ST_EVENT] = "SELECT event FROM twins WHERE alert=?1",
	[ST_FORGET] = "DELETE FROM twins WHERE alert>=?1 AND alert<=?2",
	[ST_CALL] = "UPDATE twins SET event=n.alert FROM (SELECT event,"
		    "min(alert) AS alert FROM twins WHERE event>=?1 AND"
		    " event<=?2 GROUP BY event) AS n WHERE twins.event=n.event",
};

void
taps_free(struct taps *t)
{
	if (t == NULL) {
		return;
	}
	for (unsigned i = 0; i < ST_TAPS; i++) {
		sqlite3_finalize(t->st[i]);
	}
	taps_join_fini(t);
	twins_free(t->twins);
	skew_free(t->skew);
	free(t);
}

enum err
taps_new(struct taps **out, struct store *store, size_t max, struct diag *d)
{
	struct taps *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	t->store = store;
	t->twins = twins_new(max != 0 ? max : TWIN_MAX);
	t->skew = skew_new();
	if (t->twins == NULL || t->skew == NULL) {
		taps_free(t);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned i = 0; i < ST_TAPS; i++) {
		if (sqlite3_prepare_v3(store_db(store), statements[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &t->st[i],
				       NULL) != SQLITE_OK) {
			diag_set(d, ERR_FORMAT, "the store is damaged: %s",
				 store_error(store));
			taps_free(t);
			return ERR_FORMAT;
		}
	}
	*out = t;
	return ERR_OK;
}

uint64_t
taps_right(void *arg, int64_t sensor, uint64_t told_us, bool *known)
{
	struct taps *t = arg;
	int64_t ahead = skew_ahead(t->skew, sensor, told_us, known);
	int64_t us = (int64_t)told_us; /* eve.h: it fits */

	/* A clock may be off by two days at most: no overflow downwards. */
	us = ahead < 0 && us > INT64_MAX + ahead ? INT64_MAX : us - ahead;
	return (uint64_t)MAX(us, (int64_t)1);
}

struct twin_seen
taps_seen(struct taps *t, int64_t sensor, int64_t id, const struct alert *a)
{
	struct twin_seen s = { .alert = id,
			       .sensor = sensor,
			       .told_us = a->timestamp_us };

	s.us = taps_right(t, sensor, a->timestamp_us, &s.clock_known);
	return s;
}

enum err
taps_alert(struct taps *t, int64_t sensor, int64_t id, const struct alert *a,
	   struct taps_view *out)
{
	struct twin_seen s = taps_seen(t, sensor, id, a);
	int64_t first;
	enum err e;

	out->us = s.us;
	out->event = twins_add(t->twins, &s, a);
	out->again = out->event != id;
	if (!out->again) {
		return ERR_OK;
	}
	e = sql_run(t->st[ST_TWIN], "iii", id, out->event, sensor);
	first = twins_first_sensor(t->twins);
	if (e == ERR_OK && t->find != NULL && first != 0) {
		e = sql_run(t->st[ST_FIRST], "ii", out->event, first);
	}
	return e;
}

bool
taps_handshake(const struct alert *a, uint64_t *id, uint64_t *syn_us)
{
	const struct trace *r = &a->trace;

	if (!r->has_isn[0] || !r->has_isn[1] || a->timestamp_us < a->wait_us) {
		return false;
	}
	*id = trace_connection(r->isn[0], r->isn[1]);
	*syn_us = a->timestamp_us - a->wait_us;
	return true;
}

enum err
taps_anchor(struct taps *t, int64_t sensor, const struct alert *a)
{
	uint64_t id, syn_us;

	return taps_handshake(a, &id, &syn_us)
		       ? skew_add(t->skew, sensor, id, syn_us, a->timestamp_us)
		       : ERR_OK;
}

static enum err
keep_pair(struct taps *t, const struct skew_pair *p)
{
	return sql_run(t->st[ST_PAIR], "iiuuub", p->a, p->b, p->total,
		       (uint64_t)p->n, (uint64_t)p->next,
		       view_of(p->ring, sizeof(p->ring)));
}

/* Whoever keeps clocks, and who is to hear of them. */
struct keeper {
	struct taps *t;
	enum err (*turned)(void *arg, const struct taps_clock *c);
	void *arg;
};

static enum err
keep_pair_of(void *arg, const struct skew_pair *p)
{
	return keep_pair(((struct keeper *)arg)->t, p);
}

static enum err
tell_turned(struct keeper *k, const struct skew_clock *c)
{
	sqlite3_stmt *st = k->t->st[ST_NAME];
	enum err e = ERR_OK;
	int rc = sql_bind(st, "i", c->sensor);

	if (rc == SQLITE_OK) {
		rc = sqlite3_step(st);
	}
	if (rc == SQLITE_ROW) {
		struct taps_clock row = { .site = sql_text(st, 0),
					  .sensor = sql_text(st, 1),
					  .state = skew_state_name(c->state),
					  .offset_us = c->offset_us,
					  .drift = c->drift,
					  .error_us = c->error_us,
					  .shared = c->shared,
					  .at_us = c->at_us,
					  .others = c->others };

		e = k->turned(k->arg, &row);
	}
	sqlite3_reset(st);
	return e;
}

static enum err
keep_clock(void *arg, const struct skew_clock *c)
{
	struct keeper *k = arg;
	enum err e = sql_run(k->t->st[ST_CLOCK], "itiiuuuu", c->sensor,
			     skew_state_name(c->state), c->offset_us,
			     (int64_t)(c->drift * 1e9), c->error_us, c->shared,
			     (uint64_t)c->others, c->at_us);

	return e == ERR_OK && c->turned ? tell_turned(k, c) : e;
}

/* Hundreds of clocks take some tens of ms: no more than a part of the time.  A
 * few are worked out by each commit. */
void
taps_clocks(struct taps *t)
{
	const struct twins_clock right = { taps_right, t };
	uint64_t began = clock_mono_us(), now;

	if (began >= t->solve_us) {
		skew_solve(t->skew);
		twins_retime(t->twins, &right);
		now = clock_mono_us();
		if (now - began >= SOLVE_LONG_US) {
			t->solve_us = now + (now - began) * SOLVE_REST;
		}
	}
}

enum err
taps_keep(struct taps *t,
	  enum err (*turned)(void *arg, const struct taps_clock *c), void *arg)
{
	struct keeper k = { t, turned, arg };
	enum err e = skew_each_change(t->skew, keep_pair_of, keep_clock, &k);

	return e == ERR_OK ? sql_run(t->st[ST_TWINS_GONE], "") : e;
}

void
taps_stats(const struct taps *t, struct taps_stats *out)
{
	twins_stats(t->twins, &out->twins);
	skew_stats(t->skew, &out->skew);
}

static enum err
load_pairs(struct taps *t)
{
	sqlite3_stmt *st = NULL;
	enum err e = ERR_OK;
	int rc = sqlite3_prepare_v2(store_db(t->store),
				    "SELECT a,b,total,n,next,samples FROM"
				    " clock_pairs ORDER BY a,b",
				    -1, &st, NULL);

	while (rc == SQLITE_OK && e == ERR_OK &&
	       (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct skew_pair p = { .a = sqlite3_column_int64(st, 0),
				       .b = sqlite3_column_int64(st, 1),
				       .total = sql_u64(st, 2),
				       .n = (uint32_t)sql_u64(st, 3),
				       .next = (uint32_t)sql_u64(st, 4) };

		rc = SQLITE_OK;
		if (sqlite3_column_bytes(st, 5) == (int)sizeof(p.ring)) {
			memcpy(p.ring, sqlite3_column_blob(st, 5),
			       sizeof(p.ring));
			e = skew_load(t->skew, &p);
		}
	}
	sqlite3_finalize(st);
	return e != ERR_OK ? e : rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

/* What was told of clocks before is told again only when it is otherwise. */
static enum err
load_told(struct taps *t)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(store_db(t->store),
				    "SELECT sensor,state FROM clocks", -1, &st,
				    NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		skew_told(t->skew, sqlite3_column_int64(st, 0),
			  sql_text(st, 1));
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? ERR_OK : ERR_IO;
}

enum err
taps_reload(struct taps *t)
{
	enum err e;

	twins_reset(t->twins);
	skew_reset(t->skew);
	e = load_pairs(t);
	skew_solve(t->skew);
	if (e == ERR_OK) {
		e = load_told(t);
	}
	if (e == ERR_OK) {
		e = taps_load(t);
	}
	twins_look_again(t->twins);
	return e;
}
