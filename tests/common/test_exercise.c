/* SPDX-License-Identifier: Apache-2.0 */
/* What is of an exercise and what is real, at every edge; tokens that are none. */
#include "tests/test.h"

#include <stdlib.h>

#include "common/control.h"

#define HOUR UINT64_C(3600000000)

static struct exercise *
make(void)
{
	struct exercise *e = exercise_new();
	struct diag d;

	assert_non_null(e);
	memcpy(e->name, "KEEN", 5);
	e->from_us = 10 * HOUR;
	e->until_us = 20 * HOUR;
	assert_int_equal(exercise_add_range(e, VIEW_LIT("192.0.2.0/24"), &d),
			 ERR_OK);
	assert_int_equal(exercise_add_range(e, VIEW_LIT("2001:db8::/32"), &d),
			 ERR_OK);
	assert_int_equal(exercise_add_inject(e, VIEW_LIT("c2"), VIEW_LIT("x"),
					     11 * HOUR, &d),
			 ERR_OK);
	assert_int_equal(
		exercise_add_source(e, VIEW_LIT("198.51.100.0/28"), &d),
		ERR_OK);
	assert_int_equal(
		exercise_add_inject(e, VIEW_LIT("dns"), VIEW_LIT(""), 0, &d),
		ERR_OK);
	assert_int_equal(exercise_add_host(e, VIEW_LIT("Evil.Example"), &d),
			 ERR_OK);
	assert_int_equal(exercise_check(e, &d), ERR_OK);
	return e;
}

static struct addr
ip(const char *text)
{
	struct addr a;

	assert_true(addr_parse(view_cstr(text), &a));
	return a;
}

static int
of(const struct exercise *e, const char *a, const char *b, uint64_t at,
   const char *host)
{
	struct addr x = ip(a), y = ip(b);
	struct view h = view_cstr(host);

	return exercise_inject_of(e, &x, &y, at, &h, host[0] != '\0');
}

static void
test_edges(void **state)
{
	struct exercise *e = make();

	(void)state;
	assert_int_equal(of(e, "192.0.2.1", "198.51.100.3", 10 * HOUR, ""), 0);
	assert_int_equal(of(e, "198.51.100.3", "192.0.2.1", 15 * HOUR, ""), 0);
	assert_int_equal(of(e, "2001:db8::1", "198.51.100.15", 15 * HOUR, ""),
			 0);
	/* the window: from is in it, until is not */
	assert_int_equal(of(e, "192.0.2.1", "198.51.100.3", 10 * HOUR - 1, ""),
			 EXERCISE_REAL);
	assert_int_equal(of(e, "192.0.2.1", "198.51.100.3", 20 * HOUR, ""),
			 EXERCISE_REAL);
	/* another attacker, and the players against somebody else */
	assert_int_equal(of(e, "192.0.2.1", "198.51.100.16", 15 * HOUR, ""),
			 EXERCISE_REAL);
	assert_int_equal(of(e, "203.0.113.1", "198.51.100.3", 15 * HOUR, ""),
			 EXERCISE_REAL);
	/* names, of any case, below and with a dot behind; not beside */
	assert_int_equal(of(e, "192.0.2.1", "203.0.113.53", 15 * HOUR,
			    "a.EVIL.example."),
			 1);
	assert_int_equal(
		of(e, "192.0.2.1", "203.0.113.53", 15 * HOUR, "evil.example"),
		1);
	assert_int_equal(of(e, "192.0.2.1", "203.0.113.53", 15 * HOUR,
			    "notevil.example"),
			 EXERCISE_REAL);
	assert_int_equal(
		of(e, "203.0.113.1", "203.0.113.53", 15 * HOUR, "evil.example"),
		EXERCISE_REAL);
	exercise_free(e);
}

static void
test_token(void **state)
{
	struct exercise *e = make(), *back;
	struct control_doc doc = { .action = CONTROL_EXERCISE,
				   .version = 3,
				   .token = e },
			   got;
	struct json j;
	struct diag d;

	(void)state;
	json_init(&j);
	assert_true(control_write(&j, &doc));
	assert_true(control_parse(json_view(&j), &got));
	assert_int_equal(got.action, CONTROL_EXERCISE);
	assert_string_equal(got.exercise, "KEEN");
	assert_int_equal(control_exercise(json_view(&j), &back, &d), ERR_OK);
	assert_int_equal(back->n_ranges, 2);
	assert_int_equal(back->n_injects, 2);
	assert_int_equal(back->inject[0].at_us, 11 * HOUR);
	assert_int_equal(of(back, "192.0.2.1", "203.0.113.53", 15 * HOUR,
			    "x.evil.example"),
			 1);
	exercise_free(back);
	doc.action = CONTROL_EXERCISE_END;
	memcpy(doc.exercise, "KEEN", 5);
	assert_true(control_write(&j, &doc));
	assert_true(control_parse(json_view(&j), &got));
	assert_int_equal(got.action, CONTROL_EXERCISE_END);
	assert_string_equal(got.exercise, "KEEN");
	json_fini(&j);
	exercise_free(e);
}

static void
test_bad_tokens(void **state)
{
	static const char *const bad[] = {
		"{}",
		"{\"name\":\"a "
		"b\",\"from\":1,\"until\":2,\"ranges\":[\"::/0\"],"
		"\"injects\":[]}",
		/* no inject */
		"{\"name\":\"a\",\"from\":1,\"until\":2,\"ranges\":[\"::/0\"],"
		"\"injects\":[]}",
		/* nothing to tell it by */
		"{\"name\":\"a\",\"from\":1,\"until\":2,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[],"
		"\"names\":[]}]}",
		/* a window of years */
		"{\"name\":\"a\",\"from\":1,\"until\":9000000000000000,"
		"\"ranges\":[\"::/0\"],\"injects\":[{\"id\":\"i\",\"title\":"
		"\"\",\"sources\":[\"::1\"],\"names\":[]}]}",
		/* the same inject twice */
		"{\"name\":\"a\",\"from\":1,\"until\":2,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[\"::"
		"1\"],"
		"\"names\":[]},{\"id\":\"i\",\"title\":\"\",\"sources\":[\"::"
		"1\"]"
		",\"names\":[]}]}",
		/* a whole top-level domain */
		"{\"name\":\"a\",\"from\":1,\"until\":2,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[],"
		"\"names\":[\"com\"]}]}",
	};
	struct json_reader r;

	(void)state;
	json_reader_init(&r);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct exercise *e = NULL;
		struct diag d = { "" };

		assert_true(json_read(&r, view_cstr(bad[i])));
		assert_int_equal(exercise_read(&e, &r, json_root(&r), &d),
				 ERR_FORMAT);
		assert_null(e);
		assert_string_not_equal(d.msg, "");
	}
	json_reader_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_bad_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
