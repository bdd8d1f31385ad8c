/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals in which nobody was looking: kept, opened again, put together. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store_blind.h"
#include "collector/store_cover.h"
#include "collector/store_sql.h"
#include "tests/store_dir.h"

#define SENSORS 4
#define MOMENTS 60

static struct store *store;
static int64_t sensor[SENSORS];

static int
setup(void **state)
{
	store_dir_make(state);
	store = store_dir_open();
	assert_int_equal(store_begin(store), ERR_OK);
	for (int i = 0; i < SENSORS; i++) {
		char name[8], sql[128];

		snprintf(name, sizeof(name), "s%d", i);
		assert_int_equal(store_sensor(store, "hq", name, &sensor[i]),
				 ERR_OK);
		assert_int_equal(store_blind_seen(store, sensor[i], true, 1),
				 ERR_OK);
		snprintf(sql, sizeof(sql),
			 "INSERT INTO blind_assets(asset,sensor,site)"
			 " VALUES('mail',%d,'hq')",
			 (int)sensor[i]);
		assert_int_equal(sql_exec(store_db(store), sql), ERR_OK);
	}
	assert_int_equal(store_commit(store), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	store_close(store);
	return store_dir_remove(state);
}

/* Keeps one interval, an overload's with whom it is about; whether that changed
 * anything. */
static bool
keep_of(int64_t of, enum blind_cause cause, uint64_t from, uint64_t to,
	const char *detail, unsigned all_from, unsigned payload_from)
{
	struct blind_span s = { .cause = cause,
				.from_us = from,
				.to_us = to,
				.all_from = all_from,
				.payload_from = payload_from };
	bool changed = false;

	snprintf(s.detail, sizeof(s.detail), "%s", detail);
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_blind_span(store, of, &s, &changed), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	return changed;
}

static bool
keep(int64_t of, enum blind_cause cause, uint64_t from, uint64_t to,
     const char *detail)
{
	return keep_of(of, cause, from, to, detail, 0, 0);
}

/* A tap that is silent, goes down and comes up as silent as before: one
 * interval with one beginning, and not an end that hides that it lasts. */
static void
opens_again_what_began_then(void **state)
{
	struct blind b;

	(void)state;
	assert_true(keep(sensor[0], BLIND_tap_silent, 100, 0, "tap0"));
	assert_false(keep(sensor[0], BLIND_tap_silent, 100, 0, "tap0"));
	assert_true(keep(sensor[0], BLIND_tap_silent, 100, 200, ""));
	assert_false(keep(sensor[0], BLIND_tap_silent, 100, 200, ""));
	assert_int_equal(store_blind_load(store, sensor[0], &b), ERR_OK);
	assert_int_equal(b.open_us[BLIND_tap_silent], 0);
	assert_true(keep(sensor[0], BLIND_tap_silent, 100, 0, "tap1"));
	assert_int_equal(store_blind_load(store, sensor[0], &b), ERR_OK);
	assert_int_equal(b.open_us[BLIND_tap_silent], 100);
	assert_true(keep(sensor[0], BLIND_tap_silent, 100, 300, ""));
	/* A kill is told twice, by an event and by presence. */
	assert_true(keep(sensor[0], BLIND_killed, 400, 500, "4 events"));
	assert_false(keep(sensor[0], BLIND_killed, 400, 500, "4 events"));
}

/* A collector that starts knows what the one before was told. */
static void
recalls_the_ledger(void **state)
{
	static const char *const presences[] = {
		"{\"state\":\"running\",\"ledger\":\"{\\\"v\\\":1,"
		"\\\"epoch\\\":7,\\\"at_us\\\":9,\\\"started_us\\\":5,"
		"\\\"mode\\\":\\\"live\\\"}\"}",
		"{\"ledger\":\"{\"}",
		"{\"ledger\":[]}",
		"{}",
		"{",
	};
	struct blind b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(presences); i++) {
		assert_int_equal(store_begin(store), ERR_OK);
		assert_int_equal(store_sensor_state(store, sensor[0], "live",
						    view_cstr(presences[i]), 1),
				 ERR_OK);
		assert_int_equal(store_commit(store), ERR_OK);
		assert_int_equal(store_blind_load(store, sensor[0], &b),
				 ERR_OK);
		assert_true(b.known);
		assert_int_equal(b.n_samples, i == 0);
		assert_int_equal(b.started_us, i == 0 ? 5 : 0);
		assert_int_equal(b.sample[0].at_us, i == 0 ? b.seen_us : 0);
	}
}

struct cover {
	unsigned blind[MOMENTS], dim[MOMENTS], rows;
	uint64_t last_us;
};

static void
take_cover(void *arg, const struct store_cover_row *r)
{
	struct cover *c = arg;
	uint64_t us[STORE_COVERS] = { 0 };

	assert_int_equal(r->sensors, SENSORS);
	assert_int_equal(r->left_out, 0);
	for (unsigned i = 0; i < r->n_pieces; i++) {
		const struct store_cover_piece *p = &r->piece[i];
		uint64_t to = p->to_us != 0 ? p->to_us : MOMENTS;

		assert_true(p->from_us == (i > 0 ? c->last_us : 1));
		assert_int_equal(p->state, p->blind == SENSORS ? STORE_BLIND
					   : p->blind > 0 || p->dim > 0
						   ? STORE_PARTLY
						   : STORE_WATCHED);
		assert_int_equal(p->why[0] == '\0',
				 p->blind == 0 && p->dim == 0);
		us[p->state] += (p->to_us != 0 ? to : r->to_us) - p->from_us;
		for (uint64_t t = p->from_us; t < to; t++) {
			c->blind[t] = p->blind;
			c->dim[t] = p->dim;
		}
		c->last_us = to;
	}
	assert_memory_equal(us, r->us, sizeof(us));
	assert_int_equal(us[0] + us[1] + us[2] + us[3], r->to_us - r->from_us);
}

/* What the asset has at a sensor: any that there is. */
static int
priority_at(int round, int k)
{
	return 1 + (round + 2 * k) % BLIND_PRIORITY_CUT;
}

/* Against a count of each moment. */
static void
covers_what_overlaps(void **state)
{
	static const enum blind_cause causes[] = { BLIND_silent, BLIND_clock,
						   BLIND_overload };
	uint64_t x = 99;

	(void)state;
	for (int round = 0; round < 40; round++) {
		bool is[SENSORS][MOMENTS] = { { false } };
		bool some[SENSORS][MOMENTS] = { { false } };
		struct cover c = { .rows = 0 };
		struct store_reader *r = NULL;
		struct diag d = { "" };

		assert_int_equal(sql_exec(store_db(store), "DELETE FROM blind"),
				 ERR_OK);
		for (int k = 0; k < SENSORS; k++) {
			char sql[96];

			snprintf(sql, sizeof(sql),
				 "UPDATE blind_assets SET priority=%d"
				 " WHERE sensor=%d",
				 priority_at(round, k), (int)sensor[k]);
			assert_int_equal(sql_exec(store_db(store), sql),
					 ERR_OK);
		}
		for (int i = 0; i < round; i++) {
			enum blind_cause cause;
			unsigned k, from, len;

			x = x * 6364136223846793005u + 1442695040888963407u;
			k = (unsigned)(x >> 60) % SENSORS;
			from = 1 + (unsigned)(x >> 50) % (MOMENTS / 2);
			len = (unsigned)(x >> 40) % (MOMENTS / 3);
			cause = causes[(x >> 33) % 3];
			(void)keep_of(
				sensor[k], cause, from,
				len == 0 ? 0 : from + len, "",
				cause == BLIND_overload ? 1 + x / 7 % 8 : 0,
				cause == BLIND_overload ? 1 + x / 99 % 8 : 0);
		}
		{
			sqlite3_stmt *st = NULL;

			assert_int_equal(sqlite3_prepare_v2(
						 store_db(store),
						 "SELECT sensor,from_us,to_us,"
						 "all_from,payload_from FROM"
						 " blind",
						 -1, &st, NULL),
					 SQLITE_OK);
			while (sqlite3_step(st) == SQLITE_ROW) {
				uint64_t to = sql_u64(st, 2);

				for (int k = 0; k < SENSORS; k++) {
					for (uint64_t t = sql_u64(st, 1);
					     sqlite3_column_int64(st, 0) ==
						     sensor[k] &&
					     t < (to != 0 ? to : MOMENTS);
					     t++) {
						int p = priority_at(round, k);
						bool all = sqlite3_column_int(
								   st, 3) <= p;

						is[k][t] |= all;
						some[k][t] |=
							!all &&
							sqlite3_column_int(
								st, 4) <= p;
					}
				}
			}
			sqlite3_finalize(st);
		}
		assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
		assert_int_equal(
			store_read_cover(r, 0, "mail", 1000, take_cover, &c),
			ERR_OK);
		store_reader_close(r);
		for (int t = 0; t < MOMENTS; t++) {
			unsigned n = 0, dim = 0;

			for (int k = 0; k < SENSORS; k++) {
				n += is[k][t];
				dim += some[k][t];
			}
			assert_int_equal(c.blind[t], n);
			assert_int_equal(c.dim[t], dim);
		}
	}
}

/* --- what is shown --- */

#define SHOWN 2000
#define SECOND UINT64_C(1000000)

struct shown {
	struct store_blind_row row[SHOWN];
	char cause[SHOWN][16], assets[SHOWN][96];
	unsigned n;
	uint64_t left_out;
};

static void
take_row(void *arg, const struct store_blind_row *r)
{
	struct shown *s = arg;

	assert_true(s->n < SHOWN);
	snprintf(s->cause[s->n], sizeof(s->cause[0]), "%s", r->cause);
	snprintf(s->assets[s->n], sizeof(s->assets[0]), "%s", r->assets);
	s->row[s->n++] = *r;
}

static void
show(struct shown *s, uint64_t since_us, unsigned limit)
{
	struct store_reader *r = NULL;
	struct diag d = { "" };

	s->n = 0;
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(store_read_blind(r, since_us, NULL, NULL, limit,
					  take_row, s, &s->left_out),
			 ERR_OK);
	store_reader_close(r);
}

/* More than a page: the newest, what lasts however old, and how many more. */
static void
shows_the_newest(void **state)
{
	static struct shown s;

	(void)state;
	(void)keep(sensor[1], BLIND_clock, 5, 0, "");
	for (uint64_t i = 1; i <= 1500; i++) {
		(void)keep(sensor[0], BLIND_tap_silent, 100 * i, 100 * i + 50,
			   "");
	}
	show(&s, 0, 1000);
	assert_int_equal(s.n, 1000);
	assert_int_equal(s.left_out, 501);
	assert_string_equal(s.cause[0], "clock");
	assert_int_equal(s.row[1].from_us, 100 * 502);
	assert_int_equal(s.row[999].from_us, 100 * 1500);
	show(&s, 0, 1501);
	assert_int_equal(s.left_out, 0);
	assert_int_equal(s.n, 1501);
	show(&s, 100 * 1400, 1000);
	assert_int_equal(s.left_out, 0);
	assert_int_equal(s.n, 102);
}

/* One kill, noticed as silence and told at the next start: one row. */
static void
a_kill_is_one_row(void **state)
{
	const uint64_t t = 1000 * SECOND;
	static struct shown s;

	(void)state;
	(void)keep(sensor[0], BLIND_silent, t, t + 70 * SECOND, "");
	(void)keep(sensor[0], BLIND_killed, t + 1 * SECOND, t + 64 * SECOND,
		   "3 events were in memory");
	show(&s, 0, 100);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.cause[0], "killed");
	assert_int_equal(s.row[0].from_us, t + 1 * SECOND);
	assert_int_equal(s.row[0].silent_from_us, t);
	assert_int_equal(s.row[0].silent_to_us, t + 70 * SECOND);
	assert_int_equal(s.row[0].n_assets, 1);
	assert_string_equal(s.assets[0], "mail");
	/* A silence that a kill does not explain stands by itself: of another
	 * sensor, long before, or long after the start. */
	(void)keep(sensor[1], BLIND_silent, t, t + 70 * SECOND, "");
	(void)keep(sensor[0], BLIND_silent, t - 300 * SECOND, t + 2 * SECOND,
		   "");
	(void)keep(sensor[0], BLIND_silent, t + 2 * SECOND, t + 500 * SECOND,
		   "");
	show(&s, 0, 100);
	assert_int_equal(s.n, 4);
	/* And one that lasts. */
	(void)keep(sensor[2], BLIND_killed, t, t + 5 * SECOND, "");
	(void)keep(sensor[2], BLIND_silent, t, 0, "");
	show(&s, 0, 100);
	assert_int_equal(s.n, 6);
}

struct covered {
	struct store_cover_row row;
	struct store_cover_piece piece[16];
	char why[16][160], now[256];
	unsigned n;
};

static void
take_covered(void *arg, const struct store_cover_row *r)
{
	struct covered *c = arg;

	assert_true(r->n_pieces <= 16);
	c->n++;
	c->row = *r;
	snprintf(c->now, sizeof(c->now), "%s", r->why);
	for (unsigned i = 0; i < r->n_pieces; i++) {
		c->piece[i] = r->piece[i];
		snprintf(c->why[i], sizeof(c->why[i]), "%s", r->piece[i].why);
	}
}

static void
cover(struct covered *c, const char *asset, uint64_t since_us, unsigned limit)
{
	struct store_reader *r = NULL;
	struct diag d = { "" };

	c->n = 0;
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(
		store_read_cover(r, since_us, asset, limit, take_covered, c),
		ERR_OK);
	store_reader_close(r);
	assert_int_equal(c->n, 1);
}

static void
mission(const char *name, const char *asset)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO mission_assets VALUES('%s','%s','JP',100)", name,
		 asset);
	assert_int_equal(sql_exec(store_db(store), sql), ERR_OK);
}

struct missions {
	char text[8][160];
	unsigned n;
};

static void
take_mission(void *arg, const struct store_mission_row *r)
{
	struct missions *m = arg;

	assert_true(m->n < 8);
	snprintf(m->text[m->n++], sizeof(m->text[0]), "%s %s %u %u (%s)",
		 r->mission, store_cover_name(r->state), r->assets,
		 r->incidents, r->why);
}

/* From when to when, why, and what part of the time; nothing beyond the last
 * look of a collector. */
static void
says_what_was_watched(void **state)
{
	const uint64_t t = 1000 * SECOND;
	struct missions m = { .n = 0 };
	struct store_reader *r = NULL;
	struct diag d = { "" };
	struct covered c;

	(void)state;
	assert_int_equal(
		sql_exec(store_db(store),
			 "DELETE FROM blind_assets;DELETE FROM blind_watch;"
			 "INSERT INTO blind_assets(asset,sensor,site) VALUES"
			 "('mail',0,'hq'),('gate',0,'annex'),('files',0,'hq'),"
			 "('mail',1,'hq'),('mail',2,'hq');"
			 /* The second comes later. */
			 "INSERT INTO blind_watch VALUES"
			 "(1,1,1000000000,2000000000),"
			 "(2,1,1500000000,2000000000);"
			 "INSERT INTO blind_beat VALUES(1,2000000000)"),
		ERR_OK);
	(void)keep(1, BLIND_tap_silent, t + 100 * SECOND, t + 200 * SECOND, "");
	(void)keep(1, BLIND_clock, t + 150 * SECOND, t + 200 * SECOND, "");
	(void)keep(2, BLIND_ended, t + 600 * SECOND, t + 700 * SECOND, "");
	(void)keep(1, BLIND_silent, t + 650 * SECOND, t + 750 * SECOND, "");
	cover(&c, "mail", 0, 16);
	assert_int_equal(c.row.from_us, t);
	assert_int_equal(c.row.to_us, t + 1000 * SECOND);
	assert_int_equal(c.row.state, STORE_WATCHED);
	assert_int_equal(c.row.us[STORE_BLIND], 150 * SECOND);
	assert_int_equal(c.row.us[STORE_PARTLY], 100 * SECOND);
	assert_int_equal(c.row.us[STORE_WATCHED], 750 * SECOND);
	assert_int_equal(c.row.n_pieces, 7);
	assert_int_equal(c.piece[1].state, STORE_BLIND);
	assert_int_equal(c.piece[1].from_us, t + 100 * SECOND);
	assert_int_equal(c.piece[1].to_us, t + 200 * SECOND);
	assert_string_equal(c.why[1], "s0: clock,tap_silent");
	assert_int_equal(c.piece[4].state, STORE_BLIND);
	assert_string_equal(c.why[4], "s0: silent; s1: ended");
	assert_int_equal(c.piece[6].to_us, 0);
	/* Before the first was seen it had none; and the newest of many. */
	cover(&c, "mail", t - 500 * SECOND, 2);
	assert_int_equal(c.row.us[STORE_UNWATCHED], 500 * SECOND);
	assert_int_equal(c.row.n_pieces, 2);
	assert_int_equal(c.row.left_out, 6);
	assert_int_equal(c.piece[1].to_us, 0);
	assert_int_equal(c.piece[0].state, STORE_PARTLY);
	cover(&c, "gate", t, 16);
	assert_int_equal(c.row.state, STORE_UNWATCHED);
	assert_string_equal(c.now, "its site has no live sensor");
	assert_int_equal(c.row.us[STORE_UNWATCHED], 1000 * SECOND);
	cover(&c, "files", t, 16);
	assert_string_equal(c.now,
			    "no live sensor of its site watches its networks");
	/* Missions: never plain green where nobody looks. */
	mission("a-seen", "mail");
	mission("b-half", "mail");
	mission("b-half", "gate");
	mission("c-none", "");
	mission("d-gone", "later");
	(void)keep(1, BLIND_overload, t + 900 * SECOND, 0, "");
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	for (int all = 0; all < 2; all++) {
		m.n = 0;
		assert_int_equal(store_read_missions(r, take_mission, &m),
				 ERR_OK);
		assert_int_equal(m.n, 4);
		assert_string_equal(m.text[0],
				    all ? "a-seen blind 1 0 (blind: mail)"
					: "a-seen partly 1 0 (partly: mail)");
		assert_string_equal(m.text[1],
				    all ? "b-half blind 2 0 (blind: mail; "
					  "unwatched: gate)"
					: "b-half unwatched 2 0 (unwatched: "
					  "gate; partly: mail)");
		assert_string_equal(m.text[2],
				    "c-none unwatched 0 0 (the map names no "
				    "asset that it needs)");
		assert_string_equal(m.text[3],
				    "d-gone unwatched 1 0 (unwatched: later)");
		(void)keep(2, BLIND_overload, t + 900 * SECOND, 0, "");
	}
	store_reader_close(r);
	cover(&c, "mail", t, 16);
	assert_int_equal(c.row.state, STORE_BLIND);
	assert_string_equal(c.now, "s0: overload; s1: overload");
}

static unsigned
rows_of(const char *asset)
{
	static struct shown s;
	struct store_reader *r = NULL;
	struct diag d = { "" };

	s.n = 0;
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(store_read_blind(r, 0, NULL, asset, SHOWN, take_row,
					  &s, &s.left_out),
			 ERR_OK);
	store_reader_close(r);
	return s.n;
}

/* An asset with this priority at the one sensor there is. */
static void
asset(const char *name, int priority)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO blind_assets(asset,sensor,site,priority) VALUES"
		 "('%s',1,'hq',%d);INSERT INTO mission_assets VALUES"
		 "('m-%s','%s','JP',100)",
		 name, priority, name, name);
	assert_int_equal(sql_exec(store_db(store), sql), ERR_OK);
}

/* Of an overload, each asset has what was given up of its priority. */
static void
overload_is_by_priority(void **state)
{
	const uint64_t t = 1000 * SECOND;
	struct missions m = { .n = 0 };
	struct store_reader *r = NULL;
	struct diag d = { "" };
	struct covered c;

	(void)state;
	assert_int_equal(
		sql_exec(store_db(store),
			 "DELETE FROM blind_assets;DELETE FROM blind_watch;"
			 "INSERT INTO blind_watch VALUES"
			 "(1,1,1000000000,2000000000);"
			 "INSERT INTO blind_beat VALUES(1,2000000000)"),
		ERR_OK);
	asset("a-first", 1);
	asset("b-third", 3);
	asset("c-last", 5);
	asset("d-cut", BLIND_PRIORITY_CUT);
	(void)keep_of(1, BLIND_overload, t + 100 * SECOND, t + 300 * SECOND, "",
		      BLIND_NOBODY, 2);
	(void)keep_of(1, BLIND_overload, t + 300 * SECOND, 0, "", 5, 2);
	/* The first was seen all the time. */
	assert_int_equal(rows_of("a-first"), 0);
	cover(&c, "a-first", t, 16);
	assert_int_equal(c.row.state, STORE_WATCHED);
	assert_int_equal(c.row.us[STORE_WATCHED], 1000 * SECOND);
	assert_string_equal(c.now, "");
	/* Of the third, some payload is missing. */
	assert_int_equal(rows_of("b-third"), 2);
	cover(&c, "b-third", t, 16);
	assert_int_equal(c.row.state, STORE_PARTLY);
	assert_int_equal(c.row.us[STORE_PARTLY], 900 * SECOND);
	assert_int_equal(c.row.us[STORE_BLIND], 0);
	assert_string_equal(
		c.now, "s0: overload (payload of large and encrypted flows)");
	cover(&c, "c-last", t, 16);
	assert_int_equal(c.row.state, STORE_BLIND);
	assert_int_equal(c.row.us[STORE_PARTLY], 200 * SECOND);
	assert_int_equal(c.row.us[STORE_BLIND], 700 * SECOND);
	assert_string_equal(c.now, "s0: overload");
	/* Of whom it is not known, what is true of anybody. */
	cover(&c, "d-cut", t, 16);
	assert_int_equal(c.row.us[STORE_BLIND], 700 * SECOND);
	assert_string_equal(c.now,
			    "s0: overload (the sensor tells not all of its "
			    "networks: counts as the least important)");
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(store_read_missions(r, take_mission, &m), ERR_OK);
	store_reader_close(r);
	assert_int_equal(m.n, 4);
	assert_string_equal(m.text[0], "m-a-first watched 1 0 ()");
	assert_string_equal(m.text[1], "m-b-third partly 1 0 (partly: "
				       "b-third)");
	assert_string_equal(m.text[2], "m-c-last blind 1 0 (blind: c-last)");
	/* The next collector goes on with what is open; it gets no better
	 * with hindsight, and may get worse. */
	{
		struct blind b;

		assert_int_equal(store_blind_load(store, 1, &b), ERR_OK);
		assert_int_equal(b.overload.all_from, 5);
		assert_int_equal(b.overload.payload_from, 2);
	}
	assert_false(keep_of(1, BLIND_overload, t + 300 * SECOND, 0, "",
			     BLIND_NOBODY, 3));
	assert_true(keep_of(1, BLIND_overload, t + 300 * SECOND, 0, "", 3, 2));
	cover(&c, "b-third", t, 16);
	assert_int_equal(c.row.us[STORE_BLIND], 700 * SECOND);
	/* Any other cause is everybody's. */
	(void)keep(1, BLIND_silent, t + 900 * SECOND, 0, "");
	assert_int_equal(rows_of("a-first"), 1);
	cover(&c, "a-first", t, 16);
	assert_int_equal(c.row.us[STORE_BLIND], 100 * SECOND);
	assert_string_equal(c.now, "s0: silent");
}

/* The assets of a map have the priority that the sensor tells; of several
 * networks, the least important. */
static void
assets_have_priorities(void **state)
{
	struct ledger_overload o = { .levels = 2,
				     .default_priority = 5,
				     .missions = true };
	struct mission_map *m = NULL;
	char file[256], got[256];
	sqlite3_stmt *st = NULL;
	struct diag d = { "" };
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s.yaml", path);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs("assets:\n"
	      "  - name: gate\n    addresses: [192.0.2.7]\n"
	      "  - name: mail\n    addresses: [192.0.2.9, 198.51.100.9]\n"
	      "    criticality: low\n"
	      "services:\n"
	      "  - name: border\n    depends_on: [gate]\n"
	      "missions:\n"
	      "  - name: m\n    services: [border]\n"
	      "    criticality: critical\n",
	      f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(mission_load(&m, file, &d), ERR_OK);
	unlink(file);
	assert_true(cidr_parse(VIEW_LIT("192.0.2.9"), &o.net[0].net));
	o.net[0].priority = 2;
	o.n_nets = 1;
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(
		store_blind_assets(store, 1, "hq", m, "192.0.2.0/24", &o),
		ERR_OK);
	assert_int_equal(store_blind_assets(store, 2, "hq", m, "", &o), ERR_OK);
	o.missions = false;
	assert_int_equal(store_blind_assets(store, 3, "hq", m, "", &o), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	mission_free(m);
	assert_int_equal(
		sqlite3_prepare_v2(
			store_db(store),
			"SELECT group_concat(x,' ') FROM (SELECT"
			" sensor||asset||priority x FROM blind_assets WHERE"
			" sensor BETWEEN 1 AND 3 ORDER BY sensor,asset)",
			-1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	snprintf(got, sizeof(got), "%s", sql_text(st, 0));
	sqlite3_finalize(st);
	assert_string_equal(got, "1gate1 1mail2 2gate1 2mail4 3gate5 3mail5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens_again_what_began_then,
						setup, teardown),
		cmocka_unit_test_setup_teardown(recalls_the_ledger, setup,
						teardown),
		cmocka_unit_test_setup_teardown(covers_what_overlaps, setup,
						teardown),
		cmocka_unit_test_setup_teardown(shows_the_newest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_kill_is_one_row, setup,
						teardown),
		cmocka_unit_test_setup_teardown(says_what_was_watched, setup,
						teardown),
		cmocka_unit_test_setup_teardown(overload_is_by_priority, setup,
						teardown),
		cmocka_unit_test_setup_teardown(assets_have_priorities, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
