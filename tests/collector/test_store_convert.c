/* SPDX-License-Identifier: Apache-2.0 */
/* A store of the first schema, with a row for each alert, opened anew. */
#include "collector/store_schema.c"

#include "tests/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "collector/store.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/store_dir.h"
#include "tests/store_lines.h"

#define WHEN UINT64_C(1795300000000000)

static void
run(sqlite3 *db, const char *sql, const char *fmt, int64_t a, int64_t b,
    int64_t c, int64_t d, struct view data)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(data.len != 0 ? sql_run(st, fmt, a, b, c, d, data)
				       : sql_run(st, fmt, a, b, c, d),
			 ERR_OK);
	sqlite3_finalize(st);
}

/* Frame 'id' with an alert, a line that is none, and an alert; and a frame
 * before it without any. */
static void
old_frames(sqlite3 *db, int64_t id, int64_t first_alert, unsigned src)
{
	struct brief b[3] = { { WHEN, src, 1, 7, 2, "", false },
			      { WHEN, src, 1, 7, 2, "", true },
			      { WHEN + US_PER_S, 9, 1, 7, 2, "", false } };
	struct frame_codec *codec = frame_codec_new(6);
	struct frame_header h = { 0 };
	size_t len = 0, at[4] = { 0 };
	struct view data;
	char raw[2048];

	for (size_t i = 0; i < 3; i++) {
		len += brief_line(raw + len, sizeof(raw) - len, &b[i], "alpha",
				  "s1");
		at[i + 1] = len;
	}
	assert_int_equal(frame_pack(codec, view_of(raw + at[1], at[2] - at[1]),
				    &h, &data),
			 ERR_OK);
	run(db,
	    "INSERT INTO frames(id,epoch,seq,crc,sensor,n,sev,at_us,data)"
	    " VALUES(?1,?2,?3,?4,1,1,0,1,?5)",
	    "iiiib", id - 1, 1, id - 1, h.crc, data);
	assert_int_equal(frame_pack(codec, view_of(raw, len), &h, &data),
			 ERR_OK);
	run(db,
	    "INSERT INTO frames(id,epoch,seq,crc,sensor,n,sev,at_us,data)"
	    " VALUES(?1,?2,?3,?4,1,3,2,1,?5)",
	    "iiiib", id, 1, id, h.crc, data);
	for (int k = 0; k < 2; k++) {
		unsigned from = k == 0 ? src : 9;
		struct addr s, d;
		sqlite3_stmt *st = NULL;
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%u", from);
		assert_true(addr_parse(view_cstr(text), &s));
		assert_true(addr_parse(VIEW_LIT("10.0.0.1"), &d));
		assert_int_equal(
			sqlite3_prepare_v2(
				db,
				"INSERT INTO alerts VALUES(?,?,1,1,2,?,1,?,2,1,"
				"1,1,1,1,3,4,?,?,?)",
				-1, &st, NULL),
			SQLITE_OK);
		assert_int_equal(
			sql_run(st, "iuaaiuu", first_alert + k, b[2 * k].us, &s,
				&d, id, (uint64_t)at[2 * k],
				(uint64_t)(at[2 * k + 1] - at[2 * k] - 1)),
			ERR_OK);
		sqlite3_finalize(st);
		assert_int_equal(
			sqlite3_prepare_v2(
				db,
				"INSERT INTO alert_groups(signature,site,"
				"exercise,src,dst,severity,count,first_us,"
				"last_us,last_alert) VALUES(1,2,1,?,?,2,1,?3,"
				"?3,?4) ON CONFLICT DO UPDATE SET"
				" count=count+1,last_alert=excluded.last_alert",
				-1, &st, NULL),
			SQLITE_OK);
		assert_int_equal(sql_run(st, "aaui", &s, &d, b[2 * k].us,
					 first_alert + k),
				 ERR_OK);
		sqlite3_finalize(st);
	}
	frame_codec_free(codec);
}

static void
make_old(void)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, store_sql_v1), ERR_OK);
	assert_int_equal(
		sql_exec(db,
			 "PRAGMA application_id=1346978635;"
			 "PRAGMA user_version=1;"
			 "INSERT INTO names VALUES(1,''),(2,'alpha'),"
			 "(3,'{\"asn\":1}'),(4,'{}');"
			 "INSERT INTO sensors(id,site,sensor,alerts,last_us)"
			 " VALUES(1,'alpha','s1',6,5);"
			 "INSERT INTO signatures VALUES(1,1,7,0,'Rule 7','')"),
		ERR_OK);
	old_frames(db, 2, 1, 5);
	old_frames(db, 4, 3, 5);
	old_frames(db, 6, 5, 6);
	sqlite3_close(db);
}

struct seen {
	unsigned n;
	int64_t ids[8];
};

static void
on_alert(void *arg, const struct store_alert *a)
{
	struct seen *t = arg;

	assert_true(t->n < ARRAY_LEN(t->ids));
	t->ids[t->n++] = a->id;
	/* Odd numbers came first in their frames. */
	assert_int_equal(a->timestamp_us,
			 WHEN + (a->id % 2 == 0 ? US_PER_S : 0));
	assert_string_equal(a->src_info, "{\"asn\":1}");
	assert_string_equal(a->dst_info, "{}");
	assert_int_equal(a->sid, 7);
}

static void
on_group(void *arg, const struct store_group *g)
{
	uint64_t *sum = arg;

	*sum += g->count;
}

static void
alerts_keep_their_numbers(void **state)
{
	struct store_alert_filter f = { .scope = STORE_BOTH };
	struct store_reader *r = NULL;
	struct seen seen = { .n = 0 };
	struct store *s = NULL;
	struct diag d = { "" };
	struct brief b = { WHEN, 8, 1, 7, 2, "", false };
	uint64_t sum = 0;

	(void)state;
	make_old();
	/* Nobody reads it before it is brought up to date. */
	assert_int_equal(store_reader_open(&r, path, &d), ERR_FORMAT);
	assert_int_equal(store_open(&s, path, &d), ERR_OK);
	/* And it goes on. */
	assert_int_equal(store_begin(s), ERR_OK);
	brief_frame(s, "alpha", "s1", 7, &b, 1, 1);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	f.before_id = 7;
	assert_int_equal(store_read_alerts(r, &f, 10, on_alert, &seen), ERR_OK);
	assert_int_equal(seen.n, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(seen.ids[i], 6 - i);
	}
	f.has_addr = addr_parse(VIEW_LIT("10.0.0.5"), &f.addr);
	seen.n = 0;
	assert_int_equal(store_read_alerts(r, &f, 10, on_alert, &seen), ERR_OK);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.ids[0], 3);
	assert_int_equal(seen.ids[1], 1);
	seen.n = 0;
	assert_int_equal(store_read_alert(r, 4, on_alert, &seen), ERR_OK);
	f = (struct store_alert_filter){ .scope = STORE_BOTH };
	assert_int_equal(store_read_groups(r, &f, 0, 10, on_group, &sum),
			 ERR_OK);
	assert_int_equal(sum, 7);
	store_reader_close(r);
}

/* The new alert is of an old group: the group was found by its key. */
static void
groups_go_on(void **state)
{
	struct store *s = NULL;
	struct diag d = { "" };
	struct brief b = { WHEN, 5, 1, 7, 2, "", false };
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;

	(void)state;
	make_old();
	assert_int_equal(store_open(&s, path, &d), ERR_OK);
	assert_int_equal(store_begin(s), ERR_OK);
	brief_frame(s, "alpha", "s1", 7, &b, 1, 1);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT (SELECT count(*) FROM alert_groups),"
				   "(SELECT max(count) FROM alert_groups WHERE"
				   " last_frame=7),"
				   "(SELECT max(first_alert) FROM frames),"
				   "(SELECT count(*) FROM sqlite_schema WHERE"
				   " name='alerts' OR name='old_groups'),"
				   "(SELECT min(first_alert) FROM frames)",
				   -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int64(st, 0), 4 - 1);
	assert_int_equal(sqlite3_column_int64(st, 1), 3);
	assert_int_equal(sqlite3_column_int64(st, 2), 7);
	assert_int_equal(sqlite3_column_int64(st, 3), 0);
	assert_int_equal(sqlite3_column_int64(st, 4), 1);
	sqlite3_finalize(st);
	sqlite3_close(db);
}

#define CASE(f) \
	cmocka_unit_test_setup_teardown(f, store_dir_make, store_dir_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(alerts_keep_their_numbers),
		CASE(groups_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
