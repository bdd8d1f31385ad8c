/* SPDX-License-Identifier: Apache-2.0 */
/* What others write where part and head meet: it is not believed, and keeps
 * nobody waiting. */
#include "tests/part_scene.h"

#include <unistd.h>

#include "common/point_sign.h"

static void
test_others_are_not_believed(void **state)
{
	struct scene *s = scene_begin();
	char text[POINT_TEXT_CAP];

	(void)state;
	scene_part_turn(s);
	s->part_cfg.own = scene_stranger;
	scene_say(s, 4);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 0);
	assert_int_equal(scene_in_stats(s).refused_signature, 1);
	/* A point that another signed, and one of nobody. */
	for (unsigned i = 0; i < 2; i++) {
		redisReply *r = scene_ask(s, "GET %s", "picket:part:{1}");
		struct point p;

		assert_true(point_read(view_of(r->str, r->len), &p));
		freeReplyObject(r);
		assert_int_equal(point_write(i == 0 ? scene_stranger : NULL,
					     "{part}/1", p.epoch, 1, text),
				 ERR_OK);
		freeReplyObject(
			scene_ask(s, "SET picket:sighted:{1} %s", text));
		scene_part_turn(s);
		assert_true(part_out_waiting(s->out));
	}
	assert_int_equal(scene_out_stats(s).points_refused, 2);
	scene_end(s);
}

/* A reply above the limit costs the connection, and does not stay. */
static void
test_what_is_too_large_keeps_nobody_waiting(void **state)
{
	static const char flood[] =
		"redis.call('XADD','" SCENE_STREAM "','*','data',"
		"string.rep('x',17*1048576)) return 'OK'";
	struct scene *s = scene_begin();
	struct diag d = { "" };
	size_t n = 0;
	enum err e = ERR_AGAIN;

	(void)state;
	scene_part_turn(s);
	scene_say(s, 5);
	scene_part_turn(s);
	freeReplyObject(scene_ask(s, "EVAL %s 0", flood));
	for (unsigned i = 0; i < 1200 && e == ERR_AGAIN; i++) {
		e = part_in_read(s->in, s->head_pool, &n, &d);
		usleep(e == ERR_AGAIN ? 50000 : 0);
	}
	must(e, &d);
	assert_int_equal(n, 0);
	assert_int_equal(scene_in_stats(s).refused_format, 1);
	/* The part has it all, and sends it again. */
	redis_pool_close(s->part_pool);
	scene_part_turn(s);
	scene_head_turn(s, true);
	assert_int_equal(s->came, 5);
	assert_int_equal(s->out_of_order, 0);
	scene_end(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_others_are_not_believed),
		cmocka_unit_test(test_what_is_too_large_keeps_nobody_waiting),
	};

	return cmocka_run_group_tests(tests, scenes_open, scenes_close);
}
