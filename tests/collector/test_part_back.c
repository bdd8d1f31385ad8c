/* SPDX-License-Identifier: Apache-2.0 */
/* What part and head know again: after a restart, of a store that was put back,
 * and of alerts that are asked for by their numbers. */
#include "tests/part_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Copies a store that nobody has open. */
static void
copy(const char *from, const char *to)
{
	char cmd[320];

	snprintf(cmd, sizeof(cmd), "cp '%s' '%s'", from, to);
	assert_int_equal(system(cmd), 0);
}

static enum err
count(void *arg, unsigned part, const struct part_sight *sight)
{
	(void)part;
	*(unsigned *)arg += sight->kind == PART_ALERT;
	return ERR_OK;
}

static void
test_a_part_that_is_put_back_counts_anew(void **state)
{
	struct scene *s = scene_begin();
	char saved[160];
	unsigned known = 0;
	struct diag d = { "" };

	(void)state;
	snprintf(saved, sizeof(saved), "%s.saved", s->part_db);
	scene_part_turn(s);
	scene_say(s, 2);
	scene_close_part(s);
	copy(s->part_db, saved);
	scene_open_part(s);
	scene_say(s, 2);
	scene_say(s, 2);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 6);
	scene_close_part(s);
	scene_remove_store(s->part_db);
	copy(saved, s->part_db);
	unlink(saved);
	scene_open_part(s);
	/* Nothing is taken in before it is known where the head is. */
	assert_true(part_out_full(s->out));
	scene_part_turn(s);
	assert_false(part_out_full(s->out));
	assert_false(part_out_waiting(s->out));
	scene_say(s, 3);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 9);
	assert_int_equal(s->anew, 1);
	assert_int_equal(scene_in_stats(s).lost, 0);
	/* Former alerts had numbers that are others' now. */
	scene_close_head(s);
	scene_open_head(s);
	must(part_in_recall(s->in, count, &known), &d);
	assert_int_equal(known, 3);
	scene_end(s);
}

/* The head has it from a life of the part that its store knows nothing of. */
static void
test_a_part_that_is_put_back_twice_counts_anew(void **state)
{
	struct scene *s = scene_begin();
	char saved[160];

	(void)state;
	snprintf(saved, sizeof(saved), "%s.saved", s->part_db);
	scene_part_turn(s);
	scene_say(s, 2);
	scene_close_part(s);
	copy(s->part_db, saved);
	scene_open_part(s);
	scene_say(s, 2);
	for (unsigned i = 0; i < 2; i++) {
		scene_part_turn(s);
		scene_head_turn(s, true);
		scene_close_part(s);
		scene_remove_store(s->part_db);
		copy(saved, s->part_db);
		scene_open_part(s);
		scene_part_turn(s);
		scene_say(s, 3);
	}
	unlink(saved);
	scene_part_turn(s);
	scene_head_turn(s, true);
	scene_part_turn(s);
	assert_false(part_out_waiting(s->out));
	assert_int_equal(s->came, 4 + 3 + 3);
	assert_int_equal(s->anew, 2);
	assert_int_equal(scene_in_stats(s).lost, 0);
	assert_int_equal(scene_in_stats(s).repeated, 0);
	scene_end(s);
}

static void
test_the_latest_are_known_again(void **state)
{
	struct scene *s = scene_begin();
	unsigned known = 0;
	struct diag d = { "" };

	(void)state;
	scene_part_turn(s);
	for (unsigned i = 0; i < 5; i++) {
		scene_say(s, 9000);
		for (unsigned k = 0; k < 100 && s->came < s->next - 1; k++) {
			scene_part_turn(s);
			scene_head_turn(s, true);
		}
	}
	assert_int_equal(s->came, 45000);
	scene_close_head(s);
	scene_open_head(s);
	must(part_in_recall(s->in, count, &known), &d);
	assert_in_range(known, PART_IN_KEPT / 2, PART_IN_KEPT);
	scene_end(s);
}

static void
test_an_alert_is_found_by_its_number(void **state)
{
	struct scene *s = scene_begin();
	struct part_sight sight;

	(void)state;
	scene_part_turn(s);
	scene_say(s, 3);
	scene_say(s, 3);
	scene_part_turn(s);
	scene_head_turn(s, true);
	/* In order, backwards, and once more; the second record's begin anew. */
	for (unsigned i = 0; i < 5; i++) {
		static const int64_t asked[] = { 2, 3, 1, 6, 6 };

		assert_int_equal(part_in_find(s->in, 1, asked[i], &sight),
				 ERR_OK);
		assert_int_equal(sight.alert, asked[i]);
		assert_string_equal(sight.sensor, "tap1");
		assert_int_equal(sight.a.timestamp_us,
				 1000 + (asked[i] - 1) % 3);
	}
	assert_int_equal(part_in_find(s->in, 1, 7, &sight), ERR_NOTFOUND);
	assert_int_equal(part_in_find(s->in, 2, 1, &sight), ERR_NOTFOUND);
	/* It holds after what came in between, too. */
	scene_say(s, 1);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(part_in_find(s->in, 1, 4, &sight), ERR_OK);
	assert_int_equal(sight.alert, 4);
	scene_end(s);
}

static enum err
refuse(void *arg, unsigned part, const struct part_sight *sight)
{
	(void)part;
	(void)sight;
	return *(enum err *)arg;
}

/* An error is not taken for the end of a record. */
static void
test_what_cannot_be_taken_in_comes_again(void **state)
{
	static const enum err causes[] = { ERR_NOTFOUND, ERR_FORMAT, ERR_IO };
	struct scene *s = scene_begin();

	(void)state;
	scene_part_turn(s);
	scene_say(s, 5);
	scene_part_turn(s);
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		s->fails = causes[i];
		scene_head_turn(s, false);
		assert_int_equal(s->came, i + 1);
		s->last = 0;
	}
	s->came = 0;
	scene_head_turn(s, true);
	assert_int_equal(s->came, 5);
	for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
		enum err e = causes[i];

		assert_int_equal(part_in_recall(s->in, refuse, &e), causes[i]);
	}
	scene_end(s);
}

static void
test_a_store_is_one_parts(void **state)
{
	struct scene *s = scene_begin();
	struct part_out *o = NULL;
	struct part_config cfg = s->part_cfg;
	struct diag d = { "" };

	(void)state;
	cfg.of = cfg.number = 2;
	assert_int_equal(part_out_new(&o, &cfg, s->part_store, &d), ERR_USAGE);
	assert_non_null(strstr(d.msg, "part 1"));
	scene_end(s);
}

/* What a part makes up fills its own room, and nobody else's. */
static void
test_names_of_sensors_have_a_bound(void **state)
{
	struct scene *s = scene_begin();
	struct diag d = { "" };
	char name[24];
	int64_t id, first = 0;

	(void)state;
	s->head_cfg.of = 2;
	must(store_begin(s->head_store), &d);
	must(part_in_sensor(s->in, 1, "base", "early", &id), &d);
	for (unsigned i = 1; i < PART_IN_SENSORS; i++) {
		snprintf(name, sizeof(name), "made-up-%u", i);
		must(part_in_sensor(s->in, 1, "base", name, &id), &d);
	}
	assert_int_equal(part_in_sensor(s->in, 1, "base", "more", &id),
			 ERR_NOTFOUND);
	must(part_in_sensor(s->in, 1, "base", "early", &first), &d);
	must(part_in_sensor(s->in, 2, "base", "other", &id), &d);
	must(part_in_sensor(s->in, 1, "base", "other", &id), &d);
	must(store_commit(s->head_store), &d);
	/* A restart gives no room anew; known ones go on. */
	scene_close_head(s);
	scene_open_head(s);
	must(store_begin(s->head_store), &d);
	assert_int_equal(part_in_sensor(s->in, 1, "base", "more", &id),
			 ERR_NOTFOUND);
	must(part_in_sensor(s->in, 2, "base", "more", &id), &d);
	must(part_in_sensor(s->in, 1, "base", "early", &id), &d);
	assert_int_equal(id, first);
	/* What was not committed took no room. */
	store_rollback(s->head_store);
	must(part_in_reload(s->in), &d);
	assert_int_equal(store_sensor_find(s->head_store, "base", "more", &id),
			 ERR_NOTFOUND);
	scene_end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_part_that_is_put_back_counts_anew),
		cmocka_unit_test(
			test_a_part_that_is_put_back_twice_counts_anew),
		cmocka_unit_test(test_the_latest_are_known_again),
		cmocka_unit_test(test_an_alert_is_found_by_its_number),
		cmocka_unit_test(test_what_cannot_be_taken_in_comes_again),
		cmocka_unit_test(test_a_store_is_one_parts),
		cmocka_unit_test(test_names_of_sensors_have_a_bound),
	};

	return cmocka_run_group_tests(tests, scenes_open, scenes_close);
}
