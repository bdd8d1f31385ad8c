/* SPDX-License-Identifier: Apache-2.0 */
/* Events of several taps in the store: what becomes of them when the numbers of
 * some are given to other alerts. */
#include "collector/taps.h"

#include "collector/store_sql.h"
#include "tests/store_dir.h"

#define T0 (UINT64_C(1700000000) * 1000000)
#define FIRST 1000 /* numbers of these are given anew */
#define LAST 1999

static struct store *store;
static struct taps *taps;

static int
open_all(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	store = store_dir_open();
	assert_int_equal(taps_new(&taps, store, 0, &d), ERR_OK);
	return 0;
}

static int
close_all(void **state)
{
	taps_free(taps);
	store_close(store);
	return store_dir_remove(state);
}

/* Alert 'id' of a sensor, which tells of connection 'which'; its event. */
static int64_t
told(int64_t sensor, int64_t id, uint32_t which)
{
	struct alert a = { .timestamp_us = T0,
			   .has_addrs = true,
			   .proto = VIEW_LIT("TCP"),
			   .src_port = (uint16_t)which,
			   .dst_port = 80,
			   .sid = 7,
			   .trace = { .isn = { which, which + 1 },
				      .has_isn = { true, true } } };
	struct taps_view v;

	assert_true(addr_parse(VIEW_LIT("192.0.2.1"), &a.src));
	assert_true(addr_parse(VIEW_LIT("198.51.100.1"), &a.dst));
	assert_int_equal(taps_alert(taps, sensor, id, &a, &v), ERR_OK);
	return v.event;
}

static int64_t
row_of(int64_t alert)
{
	sqlite3_stmt *st = NULL;
	int64_t event = 0;

	assert_int_equal(
		sqlite3_prepare_v2(store_db(store),
				   "SELECT event FROM twins WHERE alert=?1", -1,
				   &st, NULL),
		SQLITE_OK);
	assert_int_equal(sql_bind(st, "i", alert), SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW) {
		event = sqlite3_column_int64(st, 0);
	}
	sqlite3_finalize(st);
	return event;
}

static void
numbers_that_are_given_anew(void **state)
{
	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	/* One whose first goes, one whose second does, one that stays. */
	assert_int_equal(told(1, 1001, 5), 1001);
	assert_int_equal(told(2, 2001, 5), 1001);
	assert_int_equal(told(3, 3001, 5), 1001);
	assert_int_equal(told(2, 101, 15), 101);
	assert_int_equal(told(1, 1002, 15), 101);
	assert_int_equal(told(2, 2002, 25), 2002);
	assert_int_equal(told(3, 3002, 25), 2002);
	assert_int_equal(taps_forget(taps, FIRST, LAST), ERR_OK);

	/* Who is left is still one event, by the number of one that is left. */
	assert_int_equal(row_of(1001), 0);
	assert_int_equal(row_of(1002), 0);
	assert_int_equal(row_of(2001), 2001);
	assert_int_equal(row_of(3001), 2001);
	assert_int_equal(row_of(3002), 2002);
	/* As memory has it: another sensor joins, and the one that counts anew
	 * may tell of it once more. */
	assert_int_equal(told(4, 4001, 5), 2001);
	assert_int_equal(told(1, 1003, 5), 2001);
	assert_int_equal(told(1, 1002, 15), 101);
	assert_int_equal(told(4, 4002, 25), 2002);
	/* A number given anew is another event's. */
	assert_int_equal(told(1, 1001, 35), 1001);
	assert_int_equal(told(2, 2003, 35), 1001);
	assert_int_equal(store_commit(store), ERR_OK);
}

/* --- at a head, which has no frames --- */

static enum err
gone(void *arg, int64_t id, struct taps_kept *out)
{
	(void)arg;
	(void)id;
	(void)out;
	return ERR_NOTFOUND;
}

static void
note_name(void *arg, const struct taps_observation *o)
{
	strcat(strcat(arg, " "), o->sensor);
}

static const char *
sensors_of(int64_t alert)
{
	static char names[64];
	struct store_reader *r = NULL;
	struct diag d = { "" };

	names[0] = '\0';
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(taps_read_event(r, alert, note_name, names), ERR_OK);
	store_reader_close(r);
	return names;
}

static void
the_first_is_known_without_frames(void **state)
{
	int64_t id[3];

	(void)state;
	taps_elsewhere(taps, gone, NULL);
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_sensor(store, "hq", "tap1", &id[0]), ERR_OK);
	assert_int_equal(store_sensor(store, "hq", "tap2", &id[1]), ERR_OK);
	assert_int_equal(store_sensor(store, "hq", "tap3", &id[2]), ERR_OK);
	assert_int_equal(told(id[0], 5001, 45), 5001);
	assert_int_equal(row_of(5001), 0); /* most are seen at one tap only */
	assert_int_equal(told(id[1], 5002, 45), 5001);
	assert_int_equal(row_of(5001), 5001);
	assert_int_equal(told(id[2], 5003, 45), 5001);
	assert_int_equal(store_commit(store), ERR_OK);
	assert_string_equal(sensors_of(5001), " tap1 tap2 tap3");
	assert_string_equal(sensors_of(5003), " tap1 tap2 tap3");
	/* The numbers of its part are given anew: the next is the first. */
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(taps_forget(taps, 5001, 5001), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	assert_string_equal(sensors_of(5003), " tap2 tap3");
}

/* --- how many are kept --- */

/* Whether another tap's alert is the same event's after eight others. */
static bool
known_after_others(size_t max)
{
	struct taps *usual = taps;
	struct diag d = { "" };
	bool known;

	assert_int_equal(taps_new(&taps, store, max, &d), ERR_OK);
	assert_int_equal(store_begin(store), ERR_OK);
	(void)told(1, 7001, 55);
	for (uint32_t i = 0; i < 8; i++) {
		(void)told(1, 7002 + i, 100 + i * 10);
	}
	known = told(2, 8001, 55) == 7001;
	store_rollback(store);
	taps_free(taps);
	taps = usual;
	return known;
}

static void
as_many_as_are_to_be_kept(void **state)
{
	(void)state;
	assert_false(known_after_others(8));
	assert_true(known_after_others(16));
	assert_true(known_after_others(0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_that_are_given_anew),
		cmocka_unit_test(the_first_is_known_without_frames),
		cmocka_unit_test(as_many_as_are_to_be_kept),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
