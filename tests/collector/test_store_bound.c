/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sensor that says ever new things fills no table: each flood is ten times
 * the bound, the newest stays, and what went is counted by sensor and kind.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store_blind.h"
#include "collector/store_epoch.h"
#include "collector/store_ledger.h"
#include "collector/store_sql.h"
#include "common/clock.h"

#define N 40 /* each bound */
#define FLOOD (10 * N)

static const struct store_bounds bounds = {
	.epochs = N,
	.told = N,
	.batches = N,
	.shed = N,
	.gaps = N,
	.blind = N,
	.minutes = N,
	.names = N,
	.signatures = N,
	.patience = 4,
};

static char dir[64], path[96];
static struct store *store;
static struct store_ledger *ledgers;
static int64_t sensor, other;

static int
setup(void **state)
{
	struct diag d = { "" };

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/picket-bound-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.db", dir);
	assert_int_equal(store_open(&store, path, &d), ERR_OK);
	assert_int_equal(store_ledger_new(&ledgers, store, &d), ERR_OK);
	store_bound(store, &bounds);
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_sensor(store, "hq", "tap1", &sensor), ERR_OK);
	assert_int_equal(store_sensor(store, "annex", "tap2", &other), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm" };
	char file[128];

	(void)state;
	store_ledger_free(ledgers);
	store_close(store);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(file, sizeof(file), "%s%s", path, tails[i]);
		unlink(file);
	}
	rmdir(dir);
	return 0;
}

static int64_t
number(const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(
		sqlite3_prepare_v2(store_db(store), sql, -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

struct wanted {
	const char *site, *what;
	struct store_dropped row;
	bool found;
};

static void
take_dropped(void *arg, const struct store_dropped *row)
{
	struct wanted *w = arg;

	if (strcmp(row->site, w->site) == 0 &&
	    strcmp(row->what, w->what) == 0) {
		w->row = *row;
		w->found = true;
	}
}

/* What readers are told of a kind. */
static struct store_dropped
dropped(const char *site, enum store_drop kind)
{
	struct wanted w = { .site = site, .what = store_drop_name(kind) };
	struct store_reader *r = NULL;
	struct diag d = { "" };

	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(store_read_dropped(r, NULL, NULL, take_dropped, &w),
			 ERR_OK);
	store_reader_close(r);
	if (!w.found) {
		fail_msg("nothing of %s is said to have gone", w.what);
	}
	return w.row;
}

/* --- alerts --- */

/* A frame with one alert. */
static void
alert(int64_t of, const char *site, uint64_t seq, const char *exercise,
      uint32_t sid, uint64_t minute)
{
	const struct frame_header h = { .epoch = 1, .seq = seq, .n = 1 };
	struct alert a = {
		.timestamp_us = minute * 60 * US_PER_S,
		.gid = 1,
		.sid = sid,
		.severity = 2,
		.signature = VIEW_LIT("rule"),
		.category = VIEW_LIT("c"),
		.exercise = view_cstr(exercise),
	};
	int64_t id;
	bool undescribed;

	assert_int_equal(store_frame_begin(store, of, site, &h), ERR_OK);
	assert_int_equal(store_frame_alert(store, &a, &id, &undescribed),
			 ERR_OK);
	if (undescribed) {
		assert_int_equal(
			store_frame_info(store, VIEW_LIT("{}"), VIEW_LIT("{}")),
			ERR_OK);
	}
	assert_int_equal(store_frame_end(store, VIEW_LIT("x"), 1), ERR_OK);
}

static void
names_and_rules(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FLOOD; i++) {
		char exercise[32];

		snprintf(exercise, sizeof(exercise), "EXERCISE %u", i);
		assert_int_equal(store_begin(store), ERR_OK);
		alert(sensor, "hq", i + 1, exercise, i + 1, 1);
		assert_int_equal(store_commit(store), ERR_OK);
	}
	/* Two that stand for others, and a site beyond the bound. */
	assert_in_range(number("SELECT count(*) FROM names"), N / 2, N + 3);
	assert_in_range(number("SELECT count(*) FROM signatures"), N / 2,
			N + 1);
	assert_true(dropped("hq", STORE_DROP_names).n >= FLOOD - 2 * N);
	assert_true(dropped("hq", STORE_DROP_signatures).n >= FLOOD - 2 * N);
	/* None is lost, and none became a real one. */
	assert_int_equal(number("SELECT sum(alerts) FROM frames"), FLOOD);
	assert_int_equal(number("SELECT sum(count) FROM alert_groups"), FLOOD);
	assert_int_equal(number("SELECT count(*) FROM alert_groups g JOIN"
				" names n ON n.id=g.exercise WHERE n.text=''"),
			 0);
	assert_int_equal(number("SELECT count(*) FROM alert_groups g LEFT JOIN"
				" names n ON n.id=g.exercise WHERE n.id IS"
				" NULL"),
			 0);
	/* When groups are gone, so are their texts, and there is room. */
	assert_int_equal(sql_exec(store_db(store), "DELETE FROM alert_groups;"
						   "DELETE FROM timeline"),
			 ERR_OK);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(store_begin(store), ERR_OK);
		alert(sensor, "hq", FLOOD + i + 1, "LAST", 7000 + i % 5, 1);
		alert(sensor, "hq", 2 * FLOOD + i + 1, i == 0 ? "B" : "LAST",
		      9000 + i, 1);
		assert_int_equal(store_commit(store), ERR_OK);
	}
	assert_int_equal(number("SELECT count(*) FROM names WHERE"
				" text='LAST'"),
			 1);
	/* One that is too long stands as another. */
	{
		char longer[STORE_NAME_LEN + 2];

		memset(longer, 'x', sizeof(longer) - 1);
		longer[sizeof(longer) - 1] = '\0';
		assert_int_equal(store_begin(store), ERR_OK);
		alert(sensor, "hq", 9999, longer, 1, 1);
		assert_int_equal(store_commit(store), ERR_OK);
	}
	assert_int_equal(number("SELECT count(*) FROM names WHERE"
				" length(text)>256"),
			 0);
}

static void
minutes(void **state)
{
	uint64_t kept;

	(void)state;
	for (unsigned i = 0; i < FLOOD; i++) {
		assert_int_equal(store_begin(store), ERR_OK);
		alert(sensor, "hq", i + 1, "", 1, 1000 + i);
		if (i % 100 == 0) {
			/* Older than all of them, of a site with few. */
			alert(other, "annex", i + 1, "", 1, 1 + i);
		}
		assert_int_equal(store_commit(store), ERR_OK);
	}
	kept = (uint64_t)number("SELECT sum(count) FROM timeline");
	assert_in_range(number("SELECT count(*) FROM timeline"), N / 2, N);
	assert_int_equal(number("SELECT max(minute) FROM timeline"),
			 1000 + FLOOD - 1);
	assert_int_equal(number("SELECT count(*) FROM timeline WHERE"
				" minute<1000"),
			 FLOOD / 100);
	assert_int_equal(dropped("", STORE_DROP_timeline).events + kept,
			 FLOOD + FLOOD / 100);
}

static void
gaps(void **state)
{
	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	for (uint64_t i = 1; i <= FLOOD; i++) {
		assert_int_equal(store_gap(store, sensor, 7, 2 * i, 2 * i, 1, 5,
					   "shed", i),
				 ERR_OK);
	}
	assert_int_equal(store_gap(store, other, 7, 1, 1, 1, 5, "shed", 1),
			 ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	assert_in_range(number("SELECT count(*) FROM gaps WHERE sensor=1"),
			N / 2, N);
	assert_int_equal(number("SELECT count(*) FROM gaps WHERE sensor=2"), 1);
	/* The sums are what they were, and the newest are there singly. */
	assert_int_equal(number("SELECT sum(frames) FROM gaps"), FLOOD + 1);
	assert_int_equal(number("SELECT sum(events) FROM gaps"),
			 5 * (FLOOD + 1));
	assert_int_equal(number("SELECT max(lo) FROM gaps"), 2 * FLOOD);
	assert_true(dropped("hq", STORE_DROP_gaps).n >= FLOOD - 2 * N);
}

static void
blindness(void **state)
{
	bool changed;

	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	for (uint64_t i = 1; i <= FLOOD; i++) {
		struct blind_span s = { .cause = BLIND_killed,
					.from_us = 10 * i,
					.to_us = 10 * i + 5 };

		assert_int_equal(store_blind_span(store, sensor, &s, &changed),
				 ERR_OK);
		if (i <= 3) {
			/* Another cause, and what lasts, are older and stay. */
			s.cause = i == 3 ? BLIND_silent : BLIND_overload;
			s.to_us = i == 3 ? 0 : s.to_us;
			assert_int_equal(
				store_blind_span(store, sensor, &s, &changed),
				ERR_OK);
		}
	}
	assert_int_equal(store_commit(store), ERR_OK);
	assert_in_range(number("SELECT count(*) FROM blind WHERE"
			       " cause='killed'"),
			N / 2, N);
	assert_int_equal(number("SELECT max(from_us) FROM blind"), 10 * FLOOD);
	assert_int_equal(number("SELECT count(*) FROM blind WHERE"
				" cause<>'killed'"),
			 3);
	/* How far back all is known. */
	assert_int_equal(dropped("hq", STORE_DROP_blind).upto + 5,
			 number("SELECT min(from_us) FROM blind WHERE"
				" cause='killed'") -
				 5 + 5);
	assert_int_equal(dropped("hq", STORE_DROP_blind).n +
				 (uint64_t)number("SELECT count(*) FROM blind"
						  " WHERE cause='killed'"),
			 FLOOD);
}

/* --- ledgers --- */

static void
tell(const struct ledger *l, uint64_t seen_us)
{
	struct json j;

	json_init(&j);
	json_obj(&j, NULL);
	ledger_write(&j, "ledger", l);
	json_obj_end(&j);
	assert_int_equal(store_ledger_told(ledgers, sensor, json_view(&j),
					   seen_us, NULL),
			 ERR_OK);
	json_fini(&j);
}

/* Ledgers of ever new epochs, which nothing ever came of. */
static void
ledgers_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	for (uint64_t i = 1; i <= FLOOD; i++) {
		/* Not in the order of their numbers. */
		struct ledger l = { .epoch = 1 + i * 7919 % 100003,
				    .order = i,
				    .n_shed = 1 };

		l.shed[0] = (struct ledger_shed){ 1, 2, 3, 0, 0 };
		tell(&l, i);
	}
	assert_int_equal(store_commit(store), ERR_OK);
	assert_int_equal(number("SELECT count(*) FROM ledgers"), N);
	assert_int_equal(number("SELECT count(*) FROM ledger_shed"), N);
	assert_int_equal(number("SELECT min(seen_us) FROM ledgers"),
			 FLOOD - N + 1);
	assert_int_equal(dropped("hq", STORE_DROP_epochs_told).n, FLOOD - N);
}

static void
ranges_that_were_shed(void **state)
{
	struct ledger l = { .epoch = 7, .order = 1, .last_seq = 9999999 };
	const struct frame_header h = {
		.epoch = 7, .seq = 12, .sev = 2, .n = 3
	};

	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	for (uint64_t i = 1; i <= FLOOD; i++) {
		l.order = i;
		l.n_shed = 1;
		l.shed[0] = (struct ledger_shed){ 10 * i, 10 * i + 5, 5, 1, 0 };
		tell(&l, i);
		if (i == 1) {
			/* Shed, and here all the same. */
			assert_int_equal(
				store_ledger_batch(ledgers, sensor, &h, 3, 0),
				ERR_OK);
		}
	}
	assert_int_equal(store_commit(store), ERR_OK);
	assert_in_range(number("SELECT count(*) FROM ledger_shed"), N / 2, N);
	assert_int_equal(number("SELECT max(lo) FROM ledger_shed"), 10 * FLOOD);
	assert_int_equal(number("SELECT sum(returned) FROM ledger_shed"), 3);
	assert_int_equal(number("SELECT sum(events) FROM ledger_shed"),
			 5 * FLOOD);
	assert_true(dropped("hq", STORE_DROP_shed).n >= FLOOD - 2 * N);
}

/* A sensor that never tells a ledger, in whatever order its numbers come. */
static void
batches_without_a_ledger(void **state)
{
	const uint64_t many = 10 * 1024;

	(void)state;
	for (int down = 0; down < 2; down++) {
		assert_int_equal(store_begin(store), ERR_OK);
		for (uint64_t i = 1; i <= many; i++) {
			struct frame_header h = { .epoch = down == 0 ? 7 : 8,
						  .seq = down == 0
								 ? i
								 : many + 1 - i,
						  .sev = 1,
						  .n = 2 };

			assert_int_equal(
				store_ledger_batch(ledgers, sensor, &h, 2, 0),
				ERR_OK);
		}
		assert_int_equal(store_commit(store), ERR_OK);
	}
	/* Looked at every 1024 batches of the sensor. */
	assert_in_range(number("SELECT count(*) FROM ledger_batches WHERE"
			       " epoch=7"),
			N, N + 1024);
	assert_in_range(number("SELECT count(*) FROM ledger_batches WHERE"
			       " epoch=8"),
			N, N + 1024);
	assert_int_equal(number("SELECT (SELECT sum(events) FROM"
				" ledger_batches)+(SELECT sum(events) FROM"
				" ledger_sums)"),
			 (int64_t)(2 * 2 * many));
	assert_true(dropped("hq", STORE_DROP_batches).n >= many);
}

/* --- epochs --- */

struct gone {
	uint64_t epoch[FLOOD];
	unsigned n;
};

static void
take_gone(void *arg, int64_t of, uint64_t epoch)
{
	struct gone *g = arg;

	assert_int_equal(of, sensor);
	g->epoch[g->n++] = epoch;
}

static enum err
no_mark(void *arg, int64_t of, uint64_t epoch, uint64_t upto)
{
	(void)of;
	(void)epoch;
	*(uint64_t *)arg = upto;
	return ERR_OK;
}

static enum err
no_range(void *arg, int64_t of, uint64_t epoch, uint64_t lo, uint64_t hi)
{
	(void)of;
	(void)epoch;
	*(uint64_t *)arg += hi - lo + 1;
	return ERR_OK;
}

static enum store_epoch
find(uint64_t epoch, uint64_t *numbers)
{
	const struct store_epoch_to to = { no_mark, no_range, numbers };
	enum store_epoch is;

	assert_int_equal(store_epoch_find(store, sensor, epoch, &to, &is),
			 ERR_OK);
	return is;
}

static void
epochs(void **state)
{
	struct gone g = { .n = 0 };
	uint64_t numbers = 0;

	(void)state;
	for (uint64_t i = 1; i <= FLOOD; i++) {
		struct frame_header h = {
			.epoch = 1000 + i, .seq = 1, .sev = 1, .n = 2
		};

		assert_int_equal(store_begin(store), ERR_OK);
		assert_int_equal(store_ledger_batch(ledgers, sensor, &h, 2, 0),
				 ERR_OK);
		assert_int_equal(store_mark(store, sensor, h.epoch, 1, true),
				 ERR_OK);
		if (i == 5) {
			/* Something is missing there. */
			assert_int_equal(
				store_mark_range(store, sensor, h.epoch, 3, 4),
				ERR_OK);
		}
		assert_int_equal(store_epoch_trim(store, sensor, take_gone, &g),
				 ERR_OK);
		assert_int_equal(store_commit(store), ERR_OK);
	}
	assert_int_equal(g.n, FLOOD - N);
	for (unsigned i = 0; i < g.n; i++) {
		assert_int_equal(g.epoch[i], 1001 + i + (i >= 4));
	}
	assert_int_equal(number("SELECT count(*) FROM marks"), N);
	assert_int_equal(number("SELECT count(*) FROM ledgers"), N);
	assert_int_equal(number("SELECT count(*) FROM ledger_batches"), N);
	assert_int_equal(find(1005, &numbers), STORE_EPOCH_KEPT);
	assert_int_equal(numbers, 3);
	assert_int_equal(find(1000 + FLOOD, &numbers), STORE_EPOCH_KEPT);
	assert_int_equal(find(1001 + FLOOD, &numbers), STORE_EPOCH_NEW);
	assert_int_equal(find(1001, &numbers), STORE_EPOCH_FORGOTTEN);
	assert_int_equal(find(1, &numbers), STORE_EPOCH_FORGOTTEN);
	assert_int_equal(dropped("hq", STORE_DROP_epochs).n, FLOOD - N);
	assert_int_equal(dropped("hq", STORE_DROP_epochs).events,
			 2 * (FLOOD - N));
	/* Only what is open is left: it goes, and that is said. */
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(sql_exec(store_db(store),
				  "INSERT OR IGNORE INTO mark_ranges SELECT"
				  " sensor,epoch,9,9 FROM marks"),
			 ERR_OK);
	assert_int_equal(store_mark(store, sensor, 90000, 1, true), ERR_OK);
	assert_int_equal(store_epoch_trim(store, sensor, take_gone, &g),
			 ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	assert_int_equal(dropped("hq", STORE_DROP_epochs_open).n, 1);
	assert_int_equal(find(1005, &numbers), STORE_EPOCH_FORGOTTEN);
}

/* --- the log --- */

/* How many times a word stands in what was logged. */
static unsigned
logged(FILE *f, const char *word)
{
	char line[1024];
	unsigned n = 0;

	fflush(stderr);
	rewind(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		n += strstr(line, word) != NULL;
	}
	return n;
}

/* Once a minute what went since; what a former collector dropped is told. */
static void
told_once_a_minute(void **state)
{
	struct store_drop_told t = { .begun = false };
	uint64_t now = 1000 * US_PER_S;
	int saved = dup(STDERR_FILENO);
	unsigned first, second, all;
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(store_drop_note(store_db(store), sensor,
					 STORE_DROP_gaps, 5, 0, 0),
			 ERR_OK);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	store_drop_tell(store_db(store), &t, now);
	for (int i = 0; i < 13; i++) {
		now += 5 * US_PER_S;
		assert_int_equal(store_drop_note(store_db(store), sensor,
						 STORE_DROP_gaps, 1, 0, 0),
				 ERR_OK);
		store_drop_tell(store_db(store), &t, now);
	}
	first = logged(f, "went: 12 gaps;");
	now += 60 * US_PER_S;
	store_drop_tell(store_db(store), &t, now);
	second = logged(f, "went: 1 gaps;");
	/* Nothing went, nothing is said; nor is a clock set back an end. */
	store_drop_tell(store_db(store), &t, now + 120 * US_PER_S);
	assert_int_equal(store_drop_note(store_db(store), sensor,
					 STORE_DROP_gaps, 7, 0, 0),
			 ERR_OK);
	store_drop_tell(store_db(store), &t, 5 * US_PER_S);
	all = logged(f, "went: 7 gaps;");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	fclose(f);
	assert_int_equal(first, 1);
	assert_int_equal(second, 1);
	assert_int_equal(all, 1);
}

int
main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_and_rules),
		TEST(minutes),
		TEST(gaps),
		TEST(blindness),
		TEST(ledgers_of_nothing),
		TEST(ranges_that_were_shed),
		TEST(batches_without_a_ledger),
		TEST(epochs),
		TEST(told_once_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
