/* SPDX-License-Identifier: Apache-2.0 */
/* The file of levels with what is wrong in it, and orders in the store. */
#include "tests/test.h"

#include <stdio.h>

#include "collector/store.h"
#include "collector/store_posture.h"
#include "collector/straggler.h"
#include "common/clock.h"
#include "tests/cpu_time.h"
#include "tests/store_dir.h"

static enum err
read_levels(const char *text, struct posture_levels *l, struct diag *d)
{
	return posture_levels_read(l, "p.yaml", view_cstr(text), d);
}

static void
test_shipped(void **state)
{
	static const char *const always[] = { "alert", "anchor", "contacts",
					      "stats" };
	struct posture_levels l;
	struct diag d = { "" };

	(void)state;
	assert_int_equal(posture_levels_load(&l, NULL, &d), ERR_OK);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.level[0].level, "peacetime");
	assert_int_equal(l.level[0].n, 0);
	assert_string_equal(l.level[2].level, "contingency");
	assert_int_equal(l.level[2].number, 2);
	assert_int_equal(posture_number(&l.level[2], "forward.batch-ms", 0),
			 25);
	assert_null(posture_levels_find(&l, "defcon"));
	/* Readiness takes nothing away that clocks and correlators live by. */
	for (unsigned i = 1; i < l.n; i++) {
		const char *types = posture_get(&l.level[i], "forward.types");

		assert_non_null(types);
		for (size_t k = 0; k < ARRAY_LEN(always); k++) {
			assert_non_null(strstr(types, always[k]));
		}
	}
}

static void
test_faults(void **state)
{
	static const struct {
		const char *text, *line, *word;
	} bad[] = {
		{ "", "p.yaml:1:", "no levels" },
		{ "levels: [", "p.yaml:", "" },
		{ "levels: []\n", "p.yaml:1:", "at least one" },
		{ "level: []\n", "p.yaml:1:", "levels" },
		{ "levels:\n  - {}\n", "p.yaml:2:", "without a name" },
		{ "levels:\n  - name: a\n  - name: a\n",
		  "p.yaml:3:", "called so" },
		{ "levels:\n  - name: a\n    setting: {}\n",
		  "p.yaml:3:", "no more" },
		{ "levels:\n  - name: a\n    settings:\n      spool.dir: x\n",
		  "p.yaml:4:", "spool.dir" },
		{ "levels:\n  - name: a\n    settings:\n"
		  "      stats.interval: 1\n      stats.interval: 2\n",
		  "p.yaml:5:", "twice" },
		{ "levels:\n  - name: a\n    settings:\n"
		  "      stats.interval: [1]\n",
		  "p.yaml:4:", "one text" },
		{ "levels:\n  - name: a b\n", "p.yaml:2:", "name" },
		{ "levels: [{name: a},{name: b},{name: c},{name: d},{name: e},"
		  "{name: f},{name: g},{name: h},{name: i}]\n",
		  "p.yaml:1:", "more than 8" },
	};
	struct posture_levels l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct diag d = { "" };

		assert_int_equal(read_levels(bad[i].text, &l, &d), ERR_USAGE);
		assert_ptr_equal(strstr(d.msg, bad[i].line), d.msg);
		assert_non_null(strstr(d.msg, bad[i].word));
	}
}

struct seen {
	char text[256];
};

static void
note(void *arg, const struct store_posture_order *o)
{
	struct seen *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s@%s ", o->level, o->site);
}

static const char *
holding(struct store_reader *r, struct seen *s)
{
	s->text[0] = '\0';
	assert_int_equal(store_posture_each(r->db, true, 100, note, s), ERR_OK);
	return s->text;
}

static void
order(struct store_reader *r, const char *level, const char *site)
{
	struct diag d = { "" };
	int64_t id = 0;

	assert_int_equal(
		store_posture_order(r, level, site, "ops", "why", &id, &d),
		ERR_OK);
	assert_int_equal(store_posture_newest(r->db), id);
}

/* Of a site the newest of its own and of all sites' holds. */
static void
test_orders(void **state)
{
	struct posture_levels l;
	struct store_reader *r;
	struct store *s;
	struct seen seen;
	struct diag d = { "" };
	int64_t id;

	(void)state;
	assert_int_equal(posture_levels_load(&l, NULL, &d), ERR_OK);
	s = store_dir_open();
	assert_int_equal(store_reader_open(&r, path, &d), ERR_OK);
	assert_int_equal(
		store_posture_order(r, "peacetime", "", "ops", "", &id, &d),
		ERR_USAGE);
	assert_int_equal(store_begin(s), ERR_OK);
	assert_int_equal(store_posture_levels(store_db(s), &l), ERR_OK);
	assert_int_equal(store_commit(s), ERR_OK);
	assert_int_equal(
		store_posture_order(r, "defcon", "", "ops", "", &id, &d),
		ERR_USAGE);
	assert_non_null(strstr(d.msg, "peacetime, heightened, contingency"));
	assert_string_equal(holding(r, &seen), "");
	order(r, "heightened", "");
	order(r, "contingency", "hq");
	assert_string_equal(holding(r, &seen), "contingency@hq heightened@ ");
	order(r, "heightened", "hq");
	assert_string_equal(holding(r, &seen), "heightened@hq heightened@ ");
	order(r, "peacetime", "");
	assert_string_equal(holding(r, &seen), "peacetime@ ");
	store_reader_close(r);
	store_close(s);
}

/* ------------------------------------------------------------ stragglers */

/* Comes by 'n' sensors that lag behind two orders each;
 * microseconds of the processor. */
static uint64_t
come_by(struct stragglers *t, int64_t n)
{
	uint64_t begin = cpu_us();

	straggler_look(t);
	for (int64_t i = 1; i <= n; i++) {
		assert_false(straggler_due(t, i, 7));
		assert_false(straggler_due(t, i, 9));
	}
	straggler_looked(t);
	return cpu_us() - begin;
}

/* A fleet that lags is not searched for each of it; none is held twice, and
 * those that lag no more are forgotten. */
static void
test_stragglers(void **state)
{
	struct stragglers t = { .n = 0 };
	uint64_t first, again;

	(void)state;
	first = come_by(&t, 8000);
	assert_int_equal(t.n, 16000);
	again = come_by(&t, 8000);
	assert_int_equal(t.n, 16000);
	assert_true(again < first / 4);
	straggler_look(&t);
	for (int64_t i = 100; i > 0; i--) {
		assert_false(straggler_due(&t, i, 9));
	}
	straggler_looked(&t);
	assert_int_equal(t.n, 100);
	stragglers_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stragglers),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_faults),
		cmocka_unit_test_setup_teardown(test_orders, store_dir_make,
						store_dir_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
