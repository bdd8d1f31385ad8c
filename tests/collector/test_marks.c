/* SPDX-License-Identifier: Apache-2.0 */
/* Markings on their way from alerts through runs and incidents to the store. */
#include "collector/mark_set.h"
#include "collector/sighting.h"
#include "collector/store_state.h"
#include "common/eve.h"
#include "tests/rnd.h"
#include "tests/store_dir.h"

#define S UINT64_C(1000000)

static struct store *store;
static struct mission_map *map;
static struct eve *eve;

static int
make(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	assert_int_equal(store_open(&store, path, &d), ERR_OK);
	map = mission_empty();
	eve = eve_new();
	assert_true(map != NULL && eve != NULL);
	return 0;
}

static int
unmake(void **state)
{
	store_close(store);
	mission_free(map);
	eve_free(eve);
	return store_dir_remove(state);
}

/* ------------------------------------------------------------------ the set */

static struct marking
drawn(void)
{
	static const char *const names[] = { "JP", "US", "AU", "UK" };
	struct marking m = { .tlp = (enum tlp)rnd(5), .limited = rnd(2) != 0 };

	for (size_t i = 0; m.limited && i < ARRAY_LEN(names); i++) {
		if (rnd(2) != 0) {
			assert_int_equal(
				marking_release_to(&m, view_cstr(names[i])),
				ERR_OK);
		}
	}
	return m;
}

/* A join is above both, below whatever is above both, and kept once. */
static void
test_set_is_a_lattice(void **state)
{
	struct mark_set *s = mark_set_new();

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct marking a = drawn(), b = drawn(), c = drawn();
		const struct marking *ka = mark_set_keep(s, &a);
		const struct marking *kb = mark_set_keep(s, &b);
		const struct marking *j = mark_set_join(s, ka, kb);

		assert_true(mark_same(ka, &a));
		assert_ptr_equal(ka, mark_set_keep(s, &a));
		assert_true(marking_covers(j, ka) && marking_covers(j, kb));
		assert_ptr_equal(j, mark_set_join(s, kb, ka));
		if (marking_covers(&c, ka) && marking_covers(&c, kb)) {
			assert_true(marking_covers(&c, j));
		}
		assert_true(marking_covers(&mark_nobody, j));
		assert_ptr_equal(mark_set_join(s, NULL, ka), ka);
	}
	mark_set_free(s);
}

/* A flood of markings ends in silence, and what is known stays as it is. */
static void
test_set_is_bounded(void **state)
{
	struct mark_set *s = mark_set_new();
	struct marking first = { .tlp = TLP_GREEN };
	const struct marking *kept = mark_set_keep(s, &first);

	(void)state;
	for (int i = 0; i < 2 * MARK_SET_MAX; i++) {
		struct marking m = MARKING_CLEAR;
		char name[32];

		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(marking_release_to(&m, view_cstr(name)),
				 ERR_OK);
		assert_true(marking_covers(mark_set_keep(s, &m), &m));
	}
	assert_ptr_equal(mark_set_keep(s, &first), kept);
	mark_set_free(s);
}

/* ------------------------------------------------------------------- alerts */

static const char *
said(const char *picket, const char *metadata, char out[MARKING_TEXT_CAP])
{
	struct sighting_set set;
	char line[1024];
	const char *why;
	struct alert a;

	snprintf(line, sizeof(line),
		 "{\"timestamp\":\"2026-11-20T10:00:00.000000+0000\","
		 "\"event_type\":\"alert\",\"alert\":{\"signature_id\":1,"
		 "\"metadata\":{%s}},\"picket\":{\"site\":\"a\"%s}}",
		 metadata, picket);
	if (eve_parse(eve, view_cstr(line), &a, &why) != EVE_ALERT) {
		return why;
	}
	sighting_from_alert(&a, map, &set);
	return marking_text(&set.said, out);
}

static void
test_said(void **state)
{
	char t[MARKING_TEXT_CAP];

	(void)state;
	assert_string_equal(said("", "", t), "amber");
	assert_string_equal(said(",\"tlp\":\"green\"", "", t), "green");
	assert_string_equal(said(",\"tlp\":\"TLP:RED\"", "", t), "red");
	assert_string_equal(said(",\"tlp\":\"pink\"", "", t), "red");
	assert_string_equal(said("", "\"tlp\":[\"clear\"]", t), "clear");
	assert_string_equal(said("", "\"tlp\":[\"clear\",\"red\"]", t), "red");
	assert_string_equal(said("", "\"tlp\":[\"clear\",\"x\"]", t), "red");
	assert_string_equal(said(",\"tlp\":\"clear\"", "\"tlp\":\"green\"", t),
			    "green");
	assert_string_equal(
		said(",\"tlp\":\"clear\",\"releasable_to\":[\"US\", \"JP\"]",
		     "", t),
		"clear//JP,US");
	assert_string_equal(
		said(",\"tlp\":\"clear\",\"releasable_to\":[]", "", t),
		"clear//");
	assert_string_equal(said(",\"releasable_to\":[\"US\"]", "", t),
			    "amber//US");
	/* No list of names as ours are: to nobody. */
	assert_string_equal(
		said(",\"tlp\":\"clear\",\"releasable_to\":[\"U\\u0053\"]", "",
		     t),
		"red//");
	assert_string_equal(
		said(",\"tlp\":\"clear\",\"releasable_to\":[[\"US\"]]", "", t),
		"red//");
	assert_string_equal(said(",\"releasable_to\":\"US\"", "", t),
			    "picket.releasable_to");
	/* An indicator of which nothing is said is ours to guard. */
	assert_string_equal(said(",\"indicator\":{\"value\":\"x\"}",
				 "\"tlp\":\"clear\"", t),
			    "amber");
}

/* ------------------------------------------------------- correlator and store */

static void
see(struct correlate *c, const char *site, uint64_t us, const char *mark)
{
	struct sighting_set set = { .first_us = us,
				    .last_us = us,
				    .count = 1,
				    .events = 1,
				    .severity = 1,
				    .strong = true,
				    .what = INDICATOR_IP,
				    .alert = 1,
				    .n_keys = 1 };
	struct diag d;

	snprintf(set.site, sizeof(set.site), "%s", site);
	snprintf(set.owner, sizeof(set.owner), "%s", site);
	set.keys[0].kind = KEY_INDICATOR;
	snprintf(set.keys[0].text, sizeof(set.keys[0].text), "1.2.3.4");
	assert_int_equal(marking_read(&set.mark, view_cstr(mark), &d), ERR_OK);
	set.said = set.mark;
	assert_int_equal(correlate_add(c, &set), ERR_OK);
}

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	return store_incident_merge(arg, from, into);
}

/* As the pipeline does; the members are all that went in here. */
static enum err
on_incident(void *arg, struct incident *i)
{
	struct marking m = MARKING_CLEAR;
	struct store_incident_change c = { .id = i->id,
					   .exercise = "",
					   .title = "t",
					   .lead = "",
					   .support = "",
					   .summary = VIEW_LIT("{}"),
					   .mark = &m };

	for (const struct run *r = i->members; r != NULL; r = r->next_member) {
		marking_join(&m, r->mark);
	}
	if (i->id != 0) {
		return store_incident_mark(arg, i->id, &m);
	}
	return store_incident_put(arg, &c, &i->id);
}

static enum err
on_run(void *arg, const struct run *r)
{
	return store_run(arg, r);
}

static enum err
on_gone(void *arg, uint64_t id)
{
	return store_run_gone(arg, id);
}

static void
flush(struct correlate *c)
{
	struct correlate_sink sink = { store, on_merged, on_incident, on_run,
				       on_gone };

	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(correlate_flush(c, &sink), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
}

static void
kept(const char *sql, const char *want)
{
	sqlite3_stmt *st = NULL;

	assert_int_equal(
		sqlite3_prepare_v2(store_db(store), sql, -1, &st, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal(sql_text(st, 0), want);
	sqlite3_finalize(st);
}

/* One sighting between two runs makes them one: with the markings of all. */
static void
test_absorbed(void **state)
{
	struct correlate *c = correlate_new(&correlate_defaults);
	uint64_t w = correlate_defaults.window_us;

	(void)state;
	see(c, "a", S, "clear//JP,US");
	see(c, "a", S + 2 * w - 2, "red");
	flush(c);
	kept("SELECT group_concat(mark) FROM runs", "clear//JP,US,red");
	see(c, "a", S + w, "green");
	flush(c);
	kept("SELECT group_concat(mark) FROM runs", "red//JP,US");
	kept("SELECT group_concat(said) FROM runs", "red//JP,US");
	kept("SELECT group_concat(mark) FROM sightings", "red//JP,US");
	correlate_free(c);
}

/* A site's sightings bear what was seen there; the run bears all. */
static void
test_by_site_and_restart(void **state)
{
	struct correlate *c = correlate_new(&correlate_defaults);

	(void)state;
	see(c, "a", S, "green");
	see(c, "b", S, "amber//US");
	flush(c);
	kept("SELECT mark FROM sightings WHERE site='a'", "green");
	kept("SELECT mark FROM sightings WHERE site='b'", "amber//US");
	kept("SELECT mark FROM runs", "amber//US");
	kept("SELECT mark FROM incidents", "amber//US");
	correlate_free(c);
	/* All of it is there again, and only grows. */
	c = correlate_new(&correlate_defaults);
	assert_int_equal(store_load_runs(store, c, 0, 1000), ERR_OK);
	see(c, "a", 2 * S, "clear");
	flush(c);
	kept("SELECT mark FROM sightings WHERE site='a'", "green");
	kept("SELECT mark FROM runs", "amber//US");
	kept("SELECT what FROM runs", "0");
	/* Of how many events it was, also: taps told of it, not the restart. */
	kept("SELECT events FROM sightings WHERE site='a'", "2");
	kept("SELECT events FROM sightings WHERE site='b'", "1");
	correlate_free(c);
}

static void
feed_flood(struct correlate *c, uint64_t n)
{
	struct sighting_set s = { .site = "a",
				  .strong = true,
				  .severity = 2,
				  .count = n,
				  .events = n,
				  .first_us = S,
				  .last_us = S,
				  .n_keys = 1,
				  .keys = { { KEY_ADDRESS, "198.51.100.9" } } };

	assert_int_equal(correlate_add(c, &s), ERR_OK);
}

/* Half a flood is half a flood after a restart, and one that was stays one. */
static void
test_flood_and_restart(void **state)
{
	struct correlate *c = correlate_new(&correlate_defaults);
	struct correlate_stats st;

	(void)state;
	feed_flood(c, 6000);
	flush(c);
	kept("SELECT count(*) FROM incidents", "0");
	correlate_free(c);
	c = correlate_new(&correlate_defaults);
	assert_int_equal(store_load_runs(store, c, 0, 1000), ERR_OK);
	feed_flood(c, 3999);
	flush(c);
	kept("SELECT count(*) FROM incidents", "0");
	feed_flood(c, 1);
	flush(c);
	kept("SELECT count(*) FROM incidents", "1");
	kept("SELECT flooded||' '||flood_n FROM runs", "1 10000");
	correlate_free(c);
	c = correlate_new(&correlate_defaults);
	assert_int_equal(store_load_runs(store, c, 0, 1000), ERR_OK);
	feed_flood(c, 1000000);
	flush(c);
	kept("SELECT count(*) FROM incidents", "1");
	/* It was begun before this one started. */
	correlate_stats(c, &st);
	assert_int_equal(st.flood, 0);
	correlate_free(c);
}

/* An incident whose strictest member was evicted, or merged with another,
 * stays as strict. */
static void
test_incident_keeps(void **state)
{
	struct marking red = { .tlp = TLP_RED }, clear = MARKING_CLEAR;
	struct store_incident_change c = { .exercise = "",
					   .title = "t",
					   .lead = "",
					   .support = "",
					   .summary = VIEW_LIT("{}"),
					   .mark = &red };
	int64_t a, b;

	(void)state;
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_incident_put(store, &c, &a), ERR_OK);
	c.mark = &clear;
	assert_int_equal(store_incident_put(store, &c, &b), ERR_OK);
	assert_int_equal(store_incident_mark(store, a, &clear), ERR_OK);
	assert_int_equal(store_incident_merge(store, a, b), ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	kept("SELECT group_concat(mark) FROM incidents", "red,red");
	/* And an order that is given up leaves no trace. */
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(store_incident_mark(store, b, &mark_nobody), ERR_OK);
	store_rollback(store);
	kept("SELECT mark FROM incidents WHERE id=2", "red");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_is_a_lattice),
		cmocka_unit_test(test_set_is_bounded),
		cmocka_unit_test_setup_teardown(test_said, make, unmake),
		cmocka_unit_test_setup_teardown(test_absorbed, make, unmake),
		cmocka_unit_test_setup_teardown(test_by_site_and_restart, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_flood_and_restart, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_incident_keeps, make,
						unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
