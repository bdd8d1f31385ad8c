/* SPDX-License-Identifier: Apache-2.0 */
/* From a part's store to the head's by way of a Redis of the test's own: each
 * alert once and in order, whatever is lost or repeated. */
#include "tests/part_scene.h"

#include <unistd.h>

#include "common/clock.h"

static void
test_each_alert_comes_once(void **state)
{
	struct scene *s = scene_begin();

	(void)state;
	assert_true(part_out_full(s->out)); /* the head was not asked yet */
	scene_part_turn(s);
	assert_false(part_out_full(s->out));
	scene_say(s, 10);
	scene_say(s, 5);
	assert_true(part_out_waiting(s->out));
	scene_part_turn(s);
	scene_head_turn(s, true);
	scene_part_turn(s);
	assert_false(part_out_waiting(s->out));
	assert_int_equal(s->came, 15);
	assert_int_equal(s->out_of_order, 0);
	/* What the head has goes along with what comes next. */
	scene_say(s, 1);
	assert_true(scene_out_stats(s).waiting_bytes < 200);
	scene_part_turn(s);
	scene_head_turn(s, true);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 16);
	assert_int_equal(scene_in_stats(s).alerts, 16);
	scene_end(s);
}

static void
test_a_failed_commit_comes_again(void **state)
{
	struct scene *s = scene_begin();

	(void)state;
	scene_part_turn(s);
	scene_say(s, 10);
	scene_part_turn(s);
	scene_head_turn(s, false);
	assert_int_equal(scene_in_stats(s).alerts, 0);
	s->last = 0;
	scene_head_turn(s, true);
	assert_int_equal(s->came, 20);
	assert_int_equal(s->out_of_order, 0);
	assert_int_equal(scene_in_stats(s).alerts, 10);
	/* The head ends after its commit and before its word on it. */
	scene_say(s, 3);
	scene_part_turn(s);
	scene_close_head(s);
	scene_open_head(s);
	s->last = 10;
	scene_head_turn(s, true);
	assert_int_equal(s->came, 23);
	assert_int_equal(s->out_of_order, 0);
	scene_end(s);
}

static void
test_redis_forgets(void **state)
{
	struct scene *s = scene_begin();

	(void)state;
	scene_part_turn(s);
	scene_say(s, 10);
	scene_part_turn(s);
	freeReplyObject(scene_ask(s, "FLUSHALL", NULL));
	/* Looked for when nothing moved for two seconds. */
	for (unsigned i = 0; i < 6000 && s->came < 10; i++) {
		scene_part_turn(s);
		scene_head_turn(s, true);
		usleep(10000);
	}
	assert_int_equal(s->came, 10);
	assert_int_equal(scene_out_stats(s).resent, 1);
	/* And a Redis that is another one gets it at once. */
	scene_say(s, 10);
	scene_part_turn(s);
	redis_fixture_stop(&scene_redis);
	assert_true(redis_fixture_start(&scene_redis, NULL, NULL));
	redis_pool_close(s->part_pool);
	redis_pool_close(s->head_pool);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 20);
	assert_int_equal(s->out_of_order, 0);
	scene_end(s);
}

static void
test_records_that_come_again_are_passed_over(void **state)
{
	struct scene *s = scene_begin();

	(void)state;
	scene_part_turn(s);
	scene_say(s, 4);
	scene_part_turn(s);
	scene_head_turn(s, true);
	/* The part ends before it hears of it, and sends all once more. */
	scene_close_part(s);
	scene_open_part(s);
	scene_say(s, 4);
	freeReplyObject(scene_ask(s, "DEL picket:sighted:{1}", NULL));
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 8);
	assert_int_equal(s->out_of_order, 0);
	assert_int_equal(scene_in_stats(s).repeated, 1);
	scene_part_turn(s);
	assert_false(part_out_waiting(s->out));
	scene_end(s);
}

static void
test_what_nobody_has_is_counted(void **state)
{
	struct scene *s = scene_begin();
	struct part_in_view v;
	struct diag d = { "" };

	(void)state;
	scene_part_turn(s);
	for (unsigned i = 0; i < 3; i++) {
		scene_say(s, 2);
	}
	scene_part_turn(s);
	scene_head_turn(s, true);
	scene_part_turn(s);
	/* The head's store is put back to nothing. */
	scene_close_head(s);
	scene_remove_store(s->head_db);
	scene_open_head(s);
	scene_say(s, 2);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 8);
	assert_int_equal(scene_in_stats(s).lost, 3);
	must(part_in_look(s->in, s->head_pool, clock_wall_us(), &d), &d);
	part_in_view(s->in, 1, &v);
	assert_int_equal(v.lost, 3);
	assert_int_equal(v.seq, 4);
	assert_false(v.silent);
	scene_end(s);
}

static void
test_a_full_outbox_says_so(void **state)
{
	struct scene *s = scene_begin();
	struct part_out_stats st;

	(void)state;
	scene_part_turn(s);
	s->part_cfg.max_waiting = 4096;
	while (!part_out_full(s->out)) {
		scene_say(s, 50);
		assert_true(s->next < 100000);
	}
	scene_part_turn(s);
	st = scene_out_stats(s);
	assert_true(st.full);
	assert_true(st.waiting_bytes >= 4096);
	while (part_out_waiting(s->out)) {
		scene_head_turn(s, true);
		scene_part_turn(s);
	}
	scene_say(s, 1);
	assert_false(part_out_full(s->out));
	assert_true(scene_out_stats(s).waiting_bytes < 4096);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, s->next - 1);
	assert_int_equal(s->out_of_order, 0);
	scene_end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_alert_comes_once),
		cmocka_unit_test(test_a_failed_commit_comes_again),
		cmocka_unit_test(test_redis_forgets),
		cmocka_unit_test(test_records_that_come_again_are_passed_over),
		cmocka_unit_test(test_what_nobody_has_is_counted),
		cmocka_unit_test(test_a_full_outbox_says_so),
	};

	return cmocka_run_group_tests(tests, scenes_open, scenes_close);
}
