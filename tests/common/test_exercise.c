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

	return exercise_inject_of(
		e, &(struct exercise_facts){ .a = &x,
					     .b = &y,
					     .at_us = at,
					     .hosts = &h,
					     .n_hosts = host[0] != '\0' });
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
tell(struct exercise *e, const char *id,
     enum err (*add)(struct exercise *e, struct view v, struct diag *d),
     const char *what)
{
	struct diag d;

	if (id != NULL) {
		assert_int_equal(
			exercise_add_inject(e, view_cstr(id), VIEW_NONE, 0, &d),
			ERR_OK);
	}
	assert_int_equal(add(e, view_cstr(what), &d), ERR_OK);
}

/* What tells injects apart that one host plays. */
static struct exercise *
make_told(void)
{
	struct exercise *e = make();
	struct diag d;

	tell(e, "rule", exercise_add_source, "198.51.100.0/28");
	tell(e, NULL, exercise_add_sid, "77");
	tell(e, NULL, exercise_add_sid, "3:78");
	tell(e, "any", exercise_add_sid, "1:79");
	tell(e, "met", exercise_add_value, "Bad.Example");
	tell(e, "aimed", exercise_add_source, "198.51.100.0/28");
	tell(e, NULL, exercise_add_target, "192.0.2.64/26");
	assert_int_equal(exercise_add_inject(e, VIEW_LIT("hour"), VIEW_NONE,
					     16 * HOUR, &d),
			 ERR_OK);
	e->inject[e->n_injects - 1].until_us = 17 * HOUR;
	tell(e, NULL, exercise_add_source, "198.51.100.0/28");
	assert_int_equal(exercise_add_player(e, VIEW_LIT("203.0.113.200"), &d),
			 ERR_OK);
	assert_int_equal(exercise_check(e, &d), ERR_OK);
	return e;
}

static void
check_told(const struct exercise *e)
{
	static const struct {
		const char *a, *b;
		uint64_t at;
		uint32_t gid, sid;
		const char *indicator;
		int want;
	} cases[] = {
		/* what says most wins, wherever it stands */
		{ "192.0.2.1", "198.51.100.3", 15, 1, 77, "", 2 },
		{ "192.0.2.1", "198.51.100.3", 15, 3, 78, "", 2 },
		{ "192.0.2.1", "198.51.100.3", 15, 1, 78, "", 0 },
		{ "192.0.2.1", "198.51.100.3", 15, 1, 5, "", 0 },
		/* a rule of any player, and nobody else's */
		{ "192.0.2.1", "203.0.113.200", 15, 1, 79, "", 3 },
		{ "192.0.2.1", "203.0.113.201", 15, 1, 79, "", EXERCISE_REAL },
		{ "203.0.113.9", "203.0.113.200", 15, 1, 79, "",
		  EXERCISE_REAL },
		{ "192.0.2.1", "203.0.113.200", 21, 1, 79, "", EXERCISE_REAL },
		{ "203.0.113.200", "192.0.2.1", 15, 1, 80, "bad.example", 4 },
		{ "203.0.113.201", "192.0.2.1", 15, 1, 80, "bad.example",
		  EXERCISE_REAL },
		/* at whom */
		{ "198.51.100.3", "192.0.2.70", 15, 1, 5, "", 5 },
		{ "198.51.100.3", "192.0.2.1", 15, 1, 5, "", 0 },
		/* when: from is in it, until is not */
		{ "198.51.100.3", "192.0.2.1", 16, 1, 5, "", 6 },
		{ "198.51.100.3", "192.0.2.1", 17, 1, 5, "", 0 },
		/* what players do besides */
		{ "192.0.2.1", "203.0.113.200", 15, 1, 5, "", EXERCISE_BESIDE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = ip(cases[i].a), b = ip(cases[i].b);
		const struct exercise_facts f = {
			.a = &a,
			.b = &b,
			.at_us = cases[i].at * HOUR,
			.gid = cases[i].gid,
			.sid = cases[i].sid,
			.indicator = view_cstr(cases[i].indicator),
		};

		assert_int_equal(exercise_inject_of(e, &f), cases[i].want);
		assert_int_equal(exercise_has(e, &a, &b, f.at_us, NULL, 0),
				 cases[i].want != EXERCISE_REAL);
	}
}

/* As it was made, as sensors are told, and as a copy. */
static void
test_told(void **state)
{
	struct exercise *e = make_told(), *back;
	struct json_reader r;
	struct json j;
	struct diag d;

	(void)state;
	check_told(e);
	json_init(&j);
	json_obj(&j, NULL);
	exercise_write(&j, e);
	json_obj_end(&j);
	json_reader_init(&r);
	assert_true(json_read(&r, json_view(&j)));
	assert_int_equal(exercise_read(&back, &r, json_root(&r), &d), ERR_OK);
	check_told(back);
	exercise_free(e);
	e = exercise_copy(back);
	assert_non_null(e);
	exercise_free(back);
	check_told(e);
	exercise_free(e);
	json_reader_fini(&r);
	json_fini(&j);
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
		/* nobody plays */
		"{\"name\":\"a\",\"from\":1,\"until\":9,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[],"
		"\"names\":[],\"sids\":[\"7\"]}]}",
		/* it ends before it begins, and after the exercise */
		"{\"name\":\"a\",\"from\":1,\"until\":9,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[\"::"
		"1\"],"
		"\"names\":[],\"at\":5,\"until\":5}]}",
		"{\"name\":\"a\",\"from\":1,\"until\":9,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[\"::"
		"1\"],"
		"\"names\":[],\"until\":10}]}",
		/* no rule, no list of rules */
		"{\"name\":\"a\",\"from\":1,\"until\":9,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[\"::"
		"1\"],"
		"\"names\":[],\"sids\":[\"1:99999999999\"]}]}",
		"{\"name\":\"a\",\"from\":1,\"until\":9,\"ranges\":[\"::/0\"],"
		"\"injects\":[{\"id\":\"i\",\"title\":\"\",\"sources\":[\"::"
		"1\"],"
		"\"names\":[],\"sids\":\"7\"}]}",
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
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_bad_tokens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
