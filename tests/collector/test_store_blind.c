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

/* Keeps one interval; whether that changed anything. */
static bool
keep(int64_t of, enum blind_cause cause, uint64_t from, uint64_t to,
     const char *detail)
{
	struct blind_span s = { .cause = cause, .from_us = from, .to_us = to };
	bool changed = false;

	snprintf(s.detail, sizeof(s.detail), "%s", detail);
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_blind_span(store, of, &s, &changed), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	return changed;
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

struct cover {
	unsigned blind[MOMENTS], rows;
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
		assert_int_equal(p->state, p->blind == 0 ? STORE_WATCHED
					   : p->blind == SENSORS
						   ? STORE_BLIND
						   : STORE_PARTLY);
		assert_int_equal(p->why[0] == '\0', p->blind == 0);
		us[p->state] += (p->to_us != 0 ? to : r->to_us) - p->from_us;
		for (uint64_t t = p->from_us; t < to; t++) {
			c->blind[t] = p->blind;
		}
		c->last_us = to;
	}
	assert_memory_equal(us, r->us, sizeof(us));
	assert_int_equal(us[0] + us[1] + us[2] + us[3], r->to_us - r->from_us);
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
		struct cover c = { .rows = 0 };
		struct store_reader *r = NULL;
		struct diag d = { "" };

		assert_int_equal(sql_exec(store_db(store), "DELETE FROM blind"),
				 ERR_OK);
		for (int i = 0; i < round; i++) {
			unsigned k, from, len;

			x = x * 6364136223846793005u + 1442695040888963407u;
			k = (unsigned)(x >> 60) % SENSORS;
			from = 1 + (unsigned)(x >> 50) % (MOMENTS / 2);
			len = (unsigned)(x >> 40) % (MOMENTS / 3);
			(void)keep(sensor[k], causes[(x >> 33) % 3], from,
				   len == 0 ? 0 : from + len, "");
		}
		{
			sqlite3_stmt *st = NULL;

			assert_int_equal(
				sqlite3_prepare_v2(store_db(store),
						   "SELECT sensor,from_us,to_us"
						   " FROM blind",
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
						is[k][t] = true;
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
			unsigned n = 0;

			for (int k = 0; k < SENSORS; k++) {
				n += is[k][t];
			}
			assert_int_equal(c.blind[t], n);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens_again_what_began_then,
						setup, teardown),
		cmocka_unit_test_setup_teardown(covers_what_overlaps, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
