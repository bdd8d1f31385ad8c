/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log of a store gathers comes to its place while the writer goes on,
 * the log stays bounded, and somebody who reads what is old loses nothing.
 */
#include "collector/store_checkpoint.h"

#include <sys/stat.h>

#include "collector/store_sql.h"
#include "tests/store_dir.h"
#include "tests/wait_for.h"

#define ROW 65536 /* sixteen pages and a bit */

static sqlite3 *writer;

static int64_t
size_of(const char *end)
{
	char file[128];
	struct stat st;

	snprintf(file, sizeof(file), "%s%s", path, end);
	return stat(file, &st) == 0 ? (int64_t)st.st_size : 0;
}

static sqlite3 *
open_db(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, "PRAGMA journal_mode=WAL;"
				      "PRAGMA synchronous=NORMAL;"
				      "CREATE TABLE IF NOT EXISTS t(b)"),
			 ERR_OK);
	return db;
}

static struct store_checkpoint *
start(void)
{
	struct store_checkpoint *c = NULL;
	struct diag d = { "" };

	writer = open_db();
	if (store_checkpoint_start(&c, writer, path, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return c;
}

static void
write_rows(unsigned n)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "INSERT INTO t VALUES(randomblob(%d))", ROW);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(sql_exec(writer, sql), ERR_OK);
	}
}

static int64_t
rows(sqlite3 *db)
{
	sqlite3_stmt *st;
	int64_t n;

	assert_int_equal(
		sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

/* Far below the length at which the writer would move it. */
static void
test_moved_beside(void **state)
{
	struct store_checkpoint *c = start();

	(void)state;
	write_rows(100); /* some 1,700 pages */
	wait_for(20, store_checkpoint_count(c) > 0);
	assert_true(size_of("") > 50 * ROW);
	store_checkpoint_stop(c);
	sqlite3_close(writer);
}

/* A writer that never rests: the log begins anew all the same, at twice its
 * length at the latest, however slow the thread is. */
static void
test_log_is_bounded(void **state)
{
	struct store_checkpoint *c = start();
	int64_t most = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		write_rows(100);
		most = MAX(most, size_of("-wal"));
	}
	assert_true(most < INT64_C(4200) * 2 * STORE_CHECKPOINT_LOG);
	assert_int_equal(rows(writer), 4000);
	store_checkpoint_stop(c);
	sqlite3_close(writer);
}

/* The log must keep what a reader still sees; it is moved once that ends. */
static void
test_reader_of_the_old(void **state)
{
	struct store_checkpoint *c = start();
	sqlite3 *reader = open_db();
	int64_t kept, was;

	(void)state;
	write_rows(50);
	assert_int_equal(sql_exec(reader, "BEGIN"), ERR_OK);
	kept = rows(reader);
	write_rows(1200);
	assert_int_equal(rows(reader), kept);
	was = size_of("");
	assert_int_equal(sql_exec(reader, "COMMIT"), ERR_OK);
	write_rows(100);
	wait_for(20, size_of("") > was + INT64_C(1000) * ROW);
	assert_int_equal(rows(reader), kept + 1300);
	sqlite3_close(reader);
	store_checkpoint_stop(c);

	/* and without the thread the writer does it */
	write_rows(2000);
	assert_true(size_of("-wal") < INT64_C(5000) * STORE_CHECKPOINT_LOG * 2);
	assert_int_equal(rows(writer), kept + 3300);
	sqlite3_close(writer);
}

/* A collector ends in the midst of it. */
static void
test_end_in_the_midst(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		struct store_checkpoint *c = start();

		write_rows(65);
		store_checkpoint_stop(c);
		assert_int_equal(rows(writer), (i + 1) * 65);
		sqlite3_close(writer);
	}
	assert_int_equal(size_of("-wal"), 0);
}

static void
test_no_store(void **state)
{
	struct store_checkpoint *c;
	struct diag d = { "" };

	(void)state;
	writer = open_db();
	assert_int_equal(
		store_checkpoint_start(&c, writer, "/nowhere/s.db", &d),
		ERR_IO);
	assert_null(c);
	assert_non_null(strstr(d.msg, "/nowhere/s.db"));
	store_checkpoint_stop(c);
	sqlite3_close(writer);
}

#define IN_A_DIRECTORY(test) \
	cmocka_unit_test_setup_teardown(test, store_dir_make, store_dir_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_DIRECTORY(test_moved_beside),
		IN_A_DIRECTORY(test_log_is_bounded),
		IN_A_DIRECTORY(test_reader_of_the_old),
		IN_A_DIRECTORY(test_end_in_the_midst),
		IN_A_DIRECTORY(test_no_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
