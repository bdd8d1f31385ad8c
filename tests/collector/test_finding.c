/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/finding_run.h"

#include <string.h>

#include "collector/finding_store.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "tests/finding_world.h"
#include "tests/store_dir.h"

#define BATCH 500
#define T0 (UINT64_C(1700006400) * US_PER_S)

struct drive {
	struct store *store;
	struct finder *finder;
	struct finding_config cfg;
	struct mission_map *map;
	struct json_reader reader;
	struct marking mark;
	unsigned in_batch, batches;
	bool disturbed; /* restarts, and transactions given up */
	struct view kept[BATCH]; /* lines of the batch, to give again */
	const char *sites[BATCH];
	unsigned found, raised;
};

static enum err
found(void *arg, const struct finding *f)
{
	struct drive *d = arg;
	enum finding_news news;
	uint64_t forgotten;
	int64_t id;
	enum err e = finding_store_put(store_db(d->store), f, 1, &id, &news,
				       &forgotten);

	d->found += news == FINDING_NEW;
	d->raised += news == FINDING_RAISED;
	return e;
}

static void
restart(struct drive *d)
{
	finder_free(d->finder);
	assert_int_equal(
		finder_new(&d->finder, &d->cfg, d->map, store_db(d->store)),
		ERR_OK);
}

static void
take(struct drive *d, const char *site, struct view line)
{
	struct finder_sink sink = { d, found };
	struct contacts c;
	const char *why;

	assert_true(contacts_read(&c, &d->reader, line, &why));
	assert_int_equal(finder_take(d->finder,
				     &(struct finder_line){ "", site, "JP",
							    &d->mark, &c },
				     &sink),
			 ERR_OK);
}

static void
take_batch(struct drive *d, bool commit)
{
	assert_int_equal(store_begin(d->store), ERR_OK);
	for (unsigned i = 0; i < d->in_batch; i++) {
		take(d, d->sites[i], d->kept[i]);
	}
	assert_int_equal(finder_keep(d->finder), ERR_OK);
	if (commit) {
		assert_int_equal(store_commit(d->store), ERR_OK);
	} else {
		store_rollback(d->store);
		assert_int_equal(finder_reload(d->finder), ERR_OK);
	}
}

static void
flush(struct drive *d)
{
	if (d->disturbed && d->batches % 3 == 0) {
		take_batch(d, false);
	}
	take_batch(d, true);
	if (d->disturbed && d->batches % 5 == 0) {
		restart(d);
	}
	for (unsigned i = 0; i < d->in_batch; i++) {
		free((void *)d->kept[i].p);
		free((void *)d->sites[i]);
	}
	d->in_batch = 0;
	d->batches++;
}

static void
on_line(void *arg, const char *site, struct view line)
{
	struct drive *d = arg;
	unsigned at = d->in_batch++;

	d->kept[at] =
		view_of(strndup((const char *)line.p, line.len), line.len);
	d->sites[at] = strdup(site);
	if (d->in_batch == BATCH) {
		flush(d);
	}
}

static void
drive_open(struct drive *d)
{
	d->store = store_dir_open();
	assert_int_equal(
		finder_new(&d->finder, &d->cfg, d->map, store_db(d->store)),
		ERR_OK);
	json_reader_init(&d->reader);
	if (d->mark.tlp == 0) {
		d->mark = MARKING_CLEAR;
	}
}

static void
drive_close(struct drive *d)
{
	finder_free(d->finder);
	mission_free(d->map);
	json_reader_fini(&d->reader);
	store_close(d->store);
}

struct rows {
	char *text;
	size_t n;
	struct world_truth *truth;
	size_t n_truth;
	unsigned right, wrong;
};

static enum err
on_row(void *arg, const struct finding_row *r)
{
	struct rows *rows = arg;
	char line[8192];
	int n = snprintf(line, sizeof(line), "%s|%s|%s|%s|%u|%lu|%lu|%lu|%s\n",
			 r->kind, r->site, r->host, r->peer, r->port,
			 (unsigned long)r->first_us, (unsigned long)r->last_us,
			 (unsigned long)r->updates, r->evidence);

	rows->text = realloc(rows->text, rows->n + (size_t)n + 1);
	memcpy(rows->text + rows->n, line, (size_t)n + 1);
	rows->n += (size_t)n;
	return ERR_OK;
}

static void
judge(struct store *s, struct rows *rows)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(sqlite3_prepare_v2(store_db(s),
					    "SELECT DISTINCT kind,key FROM "
					    "findings",
					    -1, &st, NULL),
			 SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		bool right = false;

		for (size_t i = 0; i < rows->n_truth; i++) {
			struct world_truth *t = &rows->truth[i];

			if (strcmp(finding_kind_name(t->kind),
				   sql_text(st, 0)) == 0 &&
			    strcmp(t->key, sql_text(st, 1)) == 0) {
				right = t->found = true;
			}
		}
		if (!right) {
			print_message("not planted: %s %s\n", sql_text(st, 0),
				      sql_text(st, 1));
			rows->wrong++;
		}
	}
	sqlite3_finalize(st);
}

static void
go(struct rows *out, bool disturbed)
{
	struct world_config cfg = { 2, 8, 3, 3, 2, 300, 5 };
	struct world *w = world_new(&cfg);
	struct drive d = { .disturbed = disturbed };
	struct diag why = { "" };
	char file[128];
	FILE *f;

	assert_int_equal(store_dir_make(NULL), 0);
	world_configure(w, &d.cfg);
	snprintf(file, sizeof(file), "%s/m.yaml", dir);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs(world_missions(w), f);
	fclose(f);
	assert_int_equal(mission_load(&d.map, file, &why), ERR_OK);
	unlink(file);
	drive_open(&d);
	world_lines(w, on_line, &d);
	flush(&d);
	out->n_truth = world_truths(w, &out->truth);
	assert_int_equal(finding_store_list(store_db(d.store), NULL, "", 10000,
					    on_row, out),
			 ERR_OK);
	judge(d.store, out);
	for (size_t i = 0; i < out->n_truth; i++) {
		const struct world_truth *t = &out->truth[i];

		if (!t->found && !t->may) {
			fail_msg("missed: %s %s", finding_kind_name(t->kind),
				 t->key);
		}
	}
	assert_int_equal(out->wrong, 0);
	drive_close(&d);
	store_dir_remove(NULL);
	world_free(w);
}

static void
all_that_was_planted_is_found_whatever_comes_between(void **state)
{
	struct rows calm = { .n = 0 }, rough = { .n = 0 };

	(void)state;
	go(&calm, false);
	go(&rough, true);
	assert_true(calm.n > 0);
	assert_string_equal(calm.text, rough.text);
	free(calm.text);
	free(rough.text);
}

/* ------------------------------------------------------------ by hand */

static struct addr
v4(unsigned a, unsigned b, unsigned c, unsigned d)
{
	uint8_t p[4] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d };

	return addr_from_v4(p);
}

/* 'n' hosts of 10.SITE from 'first' on, none of which answers 'from'. */
static void
sweep(struct drive *d, const char *site, unsigned net, struct addr from,
      unsigned first, unsigned n)
{
	struct finder_sink sink = { d, found };

	for (unsigned i = 0; i < n; i++) {
		struct contacts c = { .ip = from,
				      .start_us = T0,
				      .end_us = T0 + 60 * US_PER_S,
				      .flows = 1,
				      .failed = 1,
				      .n_to = 1 };

		c.to[0] = (struct contacts_to){ .ip = v4(10, net, 0, first + i),
						.port = 445,
						.proto = CONTACTS_TCP,
						.flows = 1,
						.failed = 1,
						.starts_us = { T0 },
						.n_starts = 1 };
		assert_int_equal(
			finder_take(d->finder,
				    &(struct finder_line){ "", site, site,
							   &d->mark, &c },
				    &sink),
			ERR_OK);
	}
}

static enum err
check_two_places(void *arg, const struct finding_row *r)
{
	unsigned *n = arg;

	(*n)++;
	assert_string_equal(r->kind, "scan");
	assert_string_equal(r->host, "198.51.100.1");
	assert_string_equal(r->mark, "red//JP");
	assert_non_null(strstr(r->places, "{\"site\":\"b\",\"owner\":\"b\"}"));
	assert_non_null(strstr(r->places, "{\"site\":\"a\",\"owner\":\"a\"}"));
	return ERR_OK;
}

static void
sites_are_put_together_and_all_their_marks(void **state)
{
	struct drive d = { .cfg = finding_defaults };
	struct addr from = v4(198, 51, 100, 1);
	struct diag why = { "" };
	unsigned n = 0;

	(void)state;
	d.map = mission_empty();
	d.cfg.on[FINDING_SPREAD] = false;
	assert_int_equal(marking_read(&d.mark, VIEW_LIT("red//JP,US"), &why),
			 ERR_OK);
	drive_open(&d);
	assert_int_equal(store_begin(d.store), ERR_OK);
	sweep(&d, "a", 1, from, 0, 40);
	assert_int_equal(d.found, 0);
	assert_int_equal(marking_read(&d.mark, VIEW_LIT("green//JP"), &why),
			 ERR_OK);
	sweep(&d, "b", 2, from, 0, 40);
	assert_int_equal(d.found, 1);
	/* Twice as much is told again, what goes on is not. */
	sweep(&d, "b", 2, from, 40, 150);
	assert_int_equal(d.found, 1);
	assert_true(d.raised > 0);
	assert_int_equal(finding_store_list(store_db(d.store), "scan", "", 10,
					    check_two_places, &n),
			 ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(finder_keep(d.finder), ERR_OK);
	assert_int_equal(store_commit(d.store), ERR_OK);
	drive_close(&d);
}

/* Sources that are made up push out each other, not what others learned. */
static void
who_fills_the_memory_loses_his_own(void **state)
{
	unsigned bounds[STATE_KINDS];
	struct drive d = { .cfg = finding_defaults };
	struct finder_stats st;

	(void)state;
	d.map = mission_empty();
	drive_open(&d);
	for (unsigned i = 0; i < STATE_KINDS; i++) {
		bounds[i] = 100;
	}
	finding_states_bound(finder_states(d.finder), bounds);
	assert_int_equal(store_begin(d.store), ERR_OK);
	for (unsigned i = 0; i < 30; i++) {
		sweep(&d, "good", 1, v4(198, 51, 100, i), 0, 1);
	}
	for (unsigned i = 0; i < 5000; i++) {
		sweep(&d, "evil", 2, v4(203, 0, i / 250, i % 250), i % 200, 1);
	}
	finder_stats(d.finder, &st);
	assert_int_equal(st.states.n[STATE_SWEEP], 100);
	assert_int_equal(st.states.evicted[STATE_SWEEP], 5030 - 100);
	assert_int_equal(finder_keep(d.finder), ERR_OK);
	assert_int_equal(store_commit(d.store), ERR_OK);
	/* All that the first site's sensors learned is there, in a new one. */
	restart(&d);
	finder_stats(d.finder, &st);
	assert_int_equal(st.states.n[STATE_SWEEP], 100);
	assert_int_equal(store_begin(d.store), ERR_OK);
	for (unsigned i = 0; i < 30; i++) {
		sweep(&d, "good", 1, v4(198, 51, 100, i), 1, 49);
	}
	assert_int_equal(store_commit(d.store), ERR_OK);
	finder_stats(d.finder, &st);
	assert_true(d.found >= 30);
	assert_int_equal(st.states.n[STATE_SWEEP], 100);
	drive_close(&d);
}

static void
exercises_that_are_made_up_leave_what_is_real(void **state)
{
	struct finding_states *s;
	struct state_place *real, *p;
	struct drive d = { .cfg = finding_defaults };
	char name[32];

	(void)state;
	d.map = mission_empty();
	drive_open(&d);
	s = finder_states(d.finder);
	assert_int_equal(finding_states_place(s, "", "a", "JP", T0, &real),
			 ERR_OK);
	for (unsigned i = 0; i < 100; i++) {
		struct finding_states_count n;

		snprintf(name, sizeof(name), "EX-%u", i);
		assert_int_equal(
			finding_states_place(s, name, "a", "JP", T0 + i, &p),
			ERR_OK);
		finding_states_count(s, &n);
		assert_true(n.places <= 9);
	}
	assert_int_equal(finding_states_place(s, "", "a", "JP", T0, &p),
			 ERR_OK);
	assert_ptr_equal(p, real);
	drive_close(&d);
}

/* More rows than a site may have: its oldest go. */
static void
findings_are_bounded_by_site(void **state)
{
	struct drive d = { .cfg = finding_defaults };
	struct finding_place place = { "evil", "E" };
	struct marking mark = MARKING_CLEAR;
	uint64_t forgotten, all = 0;
	enum finding_news news;
	int64_t id;

	(void)state;
	d.map = mission_empty();
	drive_open(&d);
	assert_int_equal(store_begin(d.store), ERR_OK);
	for (unsigned i = 0; i < FINDING_STORE_SITE + 10; i++) {
		char key[32];
		struct finding f = { .kind = FINDING_SCAN,
				     .exercise = "",
				     .key = key,
				     .first_us = T0,
				     .last_us = T0,
				     .mark = &mark,
				     .places = &place,
				     .n_places = 1,
				     .evidence = VIEW_LIT("{}") };

		snprintf(key, sizeof(key), "%u", i);
		place.site = i == 0 ? "good" : "evil";
		assert_int_equal(finding_store_put(store_db(d.store), &f, 1,
						   &id, &news, &forgotten),
				 ERR_OK);
		assert_int_equal(news, FINDING_NEW);
		all += forgotten;
	}
	assert_int_equal(store_commit(d.store), ERR_OK);
	assert_int_equal(all, 9);
	assert_int_equal(finding_store_get(store_db(d.store), 2, on_row, NULL),
			 ERR_NOTFOUND);
	drive_close(&d);
}

static void
sightings_say_what_was_found(void **state)
{
	struct finding_place places[] = { { "a", "JP" }, { "b", "US" } };
	struct marking mark = MARKING_CLEAR;
	struct finding f = { .kind = FINDING_BEACON,
			     .exercise = "EX",
			     .host = v4(10, 0, 0, 5),
			     .has_host = true,
			     .host_ours = true,
			     .peer = v4(203, 0, 113, 9),
			     .has_peer = true,
			     .first_us = T0,
			     .last_us = T0 + 3600 * US_PER_S,
			     .mark = &mark,
			     .places = places,
			     .n_places = 2 };
	struct sighting_set s;

	(void)state;
	finding_sighting(&f, 1, &s);
	assert_string_equal(s.site, "b");
	assert_string_equal(s.owner, "US");
	assert_string_equal(s.exercise, "EX");
	assert_int_equal(s.n_keys, 3);
	assert_int_equal(s.keys[0].kind, KEY_HOST);
	assert_string_equal(s.keys[0].text, "b 10.0.0.5");
	assert_int_equal(s.keys[1].kind, KEY_ADDRESS);
	assert_string_equal(s.keys[1].text, "203.0.113.9");
	assert_string_equal(s.keys[2].text, "collector:beacon");
	assert_true(s.strong);
	assert_int_equal(s.stages, 1u << stage_of(VIEW_LIT("TA0011")));
	/* The Internet's noise alone makes no incident. */
	f.kind = FINDING_SCAN;
	f.host_ours = false;
	finding_sighting(&f, 0, &s);
	assert_false(s.strong);
	assert_int_equal(s.stages, 1u << stage_of(VIEW_LIT("TA0043")));
}

int
main(void)
{
#define IN_DIR(t) \
	cmocka_unit_test_setup_teardown(t, store_dir_make, store_dir_remove)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			all_that_was_planted_is_found_whatever_comes_between),
		IN_DIR(sites_are_put_together_and_all_their_marks),
		IN_DIR(who_fills_the_memory_loses_his_own),
		IN_DIR(exercises_that_are_made_up_leave_what_is_real),
		IN_DIR(findings_are_bounded_by_site),
		cmocka_unit_test(sightings_say_what_was_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
