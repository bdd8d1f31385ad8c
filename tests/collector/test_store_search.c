/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alerts that are found in their frames, against a list of all of them; and
 * what is left, and counted, when the oldest frames are dropped.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/rnd.h"
#include "tests/store_dir.h"
#include "tests/store_lines.h"

#define N_FRAMES 400
#define MAX_LINES 12
#define BASE_US UINT64_C(1795300000000000)

/* What was stored, in order; number i + 1. */
struct known {
	struct brief b;
	const char *site, *sensor;
};
static struct known known[N_FRAMES * MAX_LINES];
static size_t n_known;

static int
setup(void **state)
{
	store_dir_make(state);
	n_known = 0;
	return 0;
}

/* Rules and addresses come and go, so that some are only in old frames. */
static struct brief
draw(unsigned frame)
{
	return (struct brief){
		.us = BASE_US + frame * 60 * US_PER_S + rnd(200) * US_PER_S,
		.src = frame / 20 * 8 + rnd(8),
		.dst = rnd(3),
		.sid = 100 + frame / 50 + rnd(3),
		.severity = rnd(5),
		.exercise = rnd(4) == 0 ? "DRILL" : "",
		.other = rnd(9) == 0,
	};
}

static void
fill_on(struct store *s, unsigned first, unsigned n_frames, uint64_t at_us)
{
	static const char *const where[][2] = { { "alpha", "s1" },
						{ "alpha", "s2" },
						{ "beta", "s1" } };
	uint64_t seq[3] = { first, first, first };

	for (unsigned f = 0; f < n_frames;) {
		assert_int_equal(store_begin(s), ERR_OK);
		for (unsigned k = rnd(20) + 1; k > 0 && f < n_frames;
		     k--, f++) {
			struct brief b[MAX_LINES];
			unsigned n = rnd(MAX_LINES) + 1, w = rnd(3);

			for (unsigned i = 0; i < n; i++) {
				b[i] = draw(first + f);
				if (!b[i].other) {
					known[n_known++] = (struct known){
						b[i], where[w][0], where[w][1]
					};
				}
			}
			brief_frame(s, where[w][0], where[w][1], ++seq[w], b, n,
				    at_us);
		}
		assert_int_equal(store_commit(s), ERR_OK);
	}
}

static void
fill(struct store *s, unsigned n_frames, uint64_t at_us)
{
	fill_on(s, 0, n_frames, at_us);
}

static struct addr
address(unsigned n)
{
	char text[32];
	struct addr a;
	int len = snprintf(text, sizeof(text), "10.0.%u.%u", n >> 8, n & 255);

	assert_true(addr_parse(view_of(text, (size_t)len), &a));
	return a;
}

static bool
wanted(const struct store_alert_filter *f, const struct known *k, int64_t id)
{
	struct addr src = address(k->b.src), dst = address(k->b.dst);
	bool drill = k->b.exercise[0] != '\0';
	char text[32];

	snprintf(text, sizeof(text), "Rule %u", k->b.sid);
	return (f->scope == STORE_BOTH ||
		(f->scope == STORE_EXERCISE) == drill) &&
	       (f->exercise == NULL ||
		strcmp(f->exercise, k->b.exercise) == 0) &&
	       (f->site == NULL || strcmp(f->site, k->site) == 0) &&
	       (f->sensor == NULL || strcmp(f->sensor, k->sensor) == 0) &&
	       (f->sid == 0 || f->sid == k->b.sid) &&
	       (f->text == NULL || strcasestr(text, f->text) != NULL) &&
	       (f->max_severity == 0 ||
		(k->b.severity != 0 && k->b.severity <= f->max_severity)) &&
	       (f->from_us == 0 || k->b.us >= f->from_us) &&
	       (f->to_us == 0 || k->b.us < f->to_us) &&
	       (!f->has_addr || addr_eq(&src, &f->addr) ||
		addr_eq(&dst, &f->addr)) &&
	       (f->before_id == 0 || id < f->before_id) &&
	       (f->after_id == 0 || id > f->after_id);
}

struct found {
	int64_t id[100];
	unsigned n;
};

static void
on_alert(void *arg, const struct store_alert *a)
{
	struct found *t = arg;
	const struct known *k = &known[a->id - 1];

	assert_true(t->n < ARRAY_LEN(t->id));
	t->id[t->n++] = a->id;
	assert_int_equal(a->timestamp_us, k->b.us);
	assert_int_equal(a->sid, k->b.sid);
	assert_string_equal(a->site, k->site);
	assert_string_equal(a->sensor, k->sensor);
	assert_string_equal(a->exercise, k->b.exercise);
	assert_string_equal(a->src_info, "{}");
}

static void
compare(struct store_reader *r, const struct store_alert_filter *f,
	unsigned limit)
{
	struct found got = { .n = 0 };
	unsigned n = 0;

	assert_int_equal(store_read_alerts(r, f, limit, on_alert, &got),
			 ERR_OK);
	for (int64_t id = (int64_t)n_known; id > 0 && n < limit; id--) {
		if (wanted(f, &known[id - 1], id)) {
			assert_true(n < got.n);
			assert_int_equal(got.id[n], id);
			n++;
		}
	}
	assert_int_equal(got.n, n);
}

static struct store_alert_filter
draw_filter(void)
{
	struct store_alert_filter f = {
		.scope = (enum store_scope[]){ STORE_BOTH, STORE_REAL,
					       STORE_EXERCISE }[rnd(3)],
	};

	if (f.scope == STORE_EXERCISE && rnd(2) == 0) {
		f.exercise = rnd(4) == 0 ? "NOT SEEN" : "DRILL";
	}
	if (rnd(3) == 0) {
		f.site = rnd(2) == 0 ? "alpha" : "beta";
	}
	if (rnd(5) == 0) {
		f.sensor = rnd(2) == 0 ? "s1" : "s2";
	}
	if (rnd(3) == 0) {
		f.sid = 100 + rnd(12);
	}
	if (rnd(6) == 0) {
		f.text = rnd(2) == 0 ? "rULE 10" : "rule 3";
	}
	if (rnd(3) == 0) {
		f.addr = address(rnd(N_FRAMES / 20 * 8));
		f.has_addr = true;
	}
	if (rnd(4) == 0) {
		f.max_severity = (uint8_t)(rnd(3) + 1);
	}
	if (rnd(4) == 0) {
		f.from_us = BASE_US + rnd(N_FRAMES) * 60 * US_PER_S;
	}
	if (rnd(4) == 0) {
		f.to_us = BASE_US + rnd(N_FRAMES) * 60 * US_PER_S;
	}
	if (rnd(3) == 0) {
		f.before_id = rnd((uint32_t)n_known) + 1;
	}
	if (rnd(6) == 0) {
		f.after_id = rnd((uint32_t)n_known) + 1;
	}
	return f;
}

static struct store_reader *
reader(void)
{
	struct store_reader *r = NULL;
	struct diag d = { "" };

	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	return r;
}

static void
every_filter_finds_what_it_asks_for(void **state)
{
	struct store *s = store_dir_open();
	struct store_reader *r;

	(void)state;
	fill(s, N_FRAMES, 1);
	r = reader();
	for (unsigned i = 0; i < 400; i++) {
		struct store_alert_filter f = draw_filter();

		compare(r, &f, rnd(100) + 1);
	}
	store_reader_close(r);
	store_close(s);
}

static void
every_alert_is_found_by_its_number(void **state)
{
	struct store *s = store_dir_open();
	struct store_reader *r;

	(void)state;
	fill(s, 60, 1);
	r = reader();
	for (size_t id = 1; id <= n_known; id++) {
		struct found got = { .n = 0 };

		assert_int_equal(
			store_read_alert(r, (int64_t)id, on_alert, &got),
			ERR_OK);
		assert_int_equal(got.n, 1);
		assert_int_equal(got.id[0], id);
	}
	assert_int_equal(
		store_read_alert(r, (int64_t)n_known + 1, on_alert, NULL),
		ERR_NOTFOUND);
	assert_int_equal(store_read_alert(r, 0, on_alert, NULL), ERR_NOTFOUND);
	store_reader_close(r);
	store_close(s);
}

static int64_t
number(const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void
add_count(void *arg, const struct store_group *g)
{
	*(uint64_t *)arg += g->count;
}

/* What groups count must be what came, whatever way they are gone through. */
static void
check_groups(struct store_reader *r, const struct store_alert_filter *f)
{
	uint64_t count = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < n_known; i++) {
		n += wanted(f, &known[i], i + 1);
	}
	assert_int_equal(
		store_read_groups(r, f, 0, STORE_MAX_ROWS, add_count, &count),
		ERR_OK);
	assert_int_equal(count, n);
}

static void
groups_count_what_came(void **state)
{
	struct store_alert_filter all = { .scope = STORE_BOTH }, f = all;
	struct brief lost = draw(0);
	struct store *s = store_dir_open();
	struct store_reader *r;

	(void)state;
	/* Groups of a transaction that is given up get their numbers again, and
	 * a store that is opened anew goes on with them. */
	for (unsigned i = 0; i < 3; i++) {
		lost.other = false;
		lost.src = 60000 + i;
		assert_int_equal(store_begin(s), ERR_OK);
		brief_frame(s, "gamma", "s9", 1, &lost, 1, 1);
		store_rollback(s);
		fill_on(s, i * (N_FRAMES / 3), N_FRAMES / 3, 1);
		store_close(s);
		s = store_dir_open();
	}
	assert_int_equal(number("SELECT count(*) FROM alert_groups"),
			 number("SELECT count(*) FROM (SELECT DISTINCT"
				" signature,site,exercise,src,dst FROM"
				" alert_groups)"));
	assert_int_equal(number("SELECT max(id) FROM alert_groups"),
			 number("SELECT count(*) FROM alert_groups"));
	r = reader();
	check_groups(r, &f);
	for (unsigned i = 0; i < 40; i++) {
		f = all;
		f.has_addr = true;
		f.addr = address(rnd(N_FRAMES / 20 * 8));
		check_groups(r, &f);
		f = all;
		f.sid = known[rnd(n_known)].b.sid + (i % 4 == 0 ? 1000000 : 0);
		check_groups(r, &f);
	}
	f = all;
	f.text = "no such words";
	check_groups(r, &f);
	store_reader_close(r);
	store_close(s);
}

#define EXPIRED "(SELECT coalesce(sum(value),0) FROM counters WHERE name="

static void
what_is_too_old_goes_and_is_counted(void **state)
{
	struct store_limits limits = { .keep_us = 86400 * US_PER_S };
	struct store_alert_filter all = { .scope = STORE_BOTH };
	struct found got = { .n = 0 };
	struct store *s = store_dir_open();
	struct store_reader *r;
	struct brief b = draw(0);
	int64_t first;

	(void)state;
	fill(s, N_FRAMES, 1);
	store_close(s);
	/* What arrives next starts it: the rest goes but for the newest. */
	s = store_dir_open();
	store_limit(s, &limits);
	b.other = false;
	known[n_known++] = (struct known){ b, "gamma", "s1" };
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_begin(s), ERR_OK);
		if (i == 0) {
			brief_frame(s, "gamma", "s1", 1, &b, 1,
				    clock_wall_us());
		}
		assert_int_equal(store_commit(s), ERR_OK);
	}
	assert_int_equal(number("SELECT count(*) FROM frames"), 1);
	assert_int_equal(number("SELECT " EXPIRED "'frames_expired')"),
			 N_FRAMES);
	assert_int_equal(number("SELECT " EXPIRED "'alerts_expired')"),
			 n_known - 1);
	assert_int_equal(number("SELECT count(*) FROM alert_groups"), 1);
	assert_int_equal(number("SELECT count(*) FROM group_frames"), 0);
	/* The timeline still counts all. */
	assert_int_equal(number("SELECT sum(count) FROM timeline"), n_known);
	r = reader();
	assert_int_equal(store_read_alerts(r, &all, 10, on_alert, &got),
			 ERR_OK);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.id[0], n_known);
	assert_int_equal(store_read_alert(r, 1, on_alert, NULL), ERR_NOTFOUND);
	store_reader_close(r);
	store_close(s);
	/* No number is given twice. */
	s = store_dir_open();
	assert_int_equal(store_begin(s), ERR_OK);
	brief_frame(s, "gamma", "s1", 2, &b, 1, 1);
	assert_int_equal(store_commit(s), ERR_OK);
	store_close(s);
	first = number("SELECT max(first_alert) FROM frames");
	assert_int_equal(first, n_known + 1);
}

static void
what_is_too_much_goes_and_is_counted(void **state)
{
	struct store_limits limits = { .max_bytes = 704 << 10 };
	struct store *s = store_dir_open();
	int64_t left;

	(void)state;
	store_limit(s, &limits);
	fill(s, N_FRAMES, clock_wall_us());
	left = number("SELECT count(*) FROM frames");
	assert_in_range(left, 1, N_FRAMES - 1);
	assert_int_equal(left + number("SELECT " EXPIRED "'frames_expired')"),
			 N_FRAMES);
	assert_int_equal(number("SELECT sum(alerts)+" EXPIRED
				"'alerts_expired') FROM frames"),
			 n_known);
	assert_in_range(number("SELECT (page_count-freelist_count)*page_size"
			       " FROM pragma_page_count,"
			       "pragma_freelist_count,pragma_page_size"),
			1, 1000 << 10);
	/* What is left is found, the newest and the oldest. */
	{
		struct store_alert_filter all = { .scope = STORE_BOTH };
		struct store_reader *r = reader();
		struct found got = { .n = 0 };

		assert_int_equal(
			store_read_alerts(r, &all, 100, on_alert, &got),
			ERR_OK);
		assert_int_equal(got.n, 100);
		assert_int_equal(got.id[0], n_known);
		store_reader_close(r);
	}
	store_close(s);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, store_dir_remove)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_filter_finds_what_it_asks_for),
		CASE(every_alert_is_found_by_its_number),
		CASE(groups_count_what_came),
		CASE(what_is_too_old_goes_and_is_counted),
		CASE(what_is_too_much_goes_and_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
