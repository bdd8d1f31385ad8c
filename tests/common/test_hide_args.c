/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>

#include "common/hide_args.h"

static const struct {
	const char *arg, *shown;
} cases[] = {
	{ "redis://me:secret@host:6379/1", "redis://me:******@host:6379/1" },
	{ "redis://:secret@host", "redis://:******@host" },
	/* Up to the last @, as redis_url.c reads it. */
	{ "redis://me:a@b:c@host", "redis://me:*****@host" },
	{ "--redis=rediss://me:secret@host",
	  "--redis=rediss://me:******@host" },
	/* Without a colon, who knows what it is. */
	{ "redis://secret@host", "redis://******@host" },
	{ "redis+sentinel://me:secret@one,two/master",
	  "redis+sentinel://me:******@one,two/master" },
	{ "redis.sentinel-password=secret", "redis.sentinel-password=******" },
	{ "redis.password=", "redis.password=" },
	/* Nothing to hide. */
	{ "redis://host/0?x=me:you@there", "redis://host/0?x=me:you@there" },
	{ "redis://host:6379", "redis://host:6379" },
	{ "unix:///run/redis.sock", "unix:///run/redis.sock" },
	{ "site=me:you@there", "site=me:you@there" },
	{ "redis://", "redis://" },
	{ "redis://@", "redis://@" },
	{ "", "" },
};

static void
test_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char out[HIDE_ARG_CAP];

		assert_ptr_equal(hide_arg(cases[i].arg, out), out);
		assert_string_equal(out, cases[i].shown);
		assert_int_equal(hide_arg_has(cases[i].arg),
				 strcmp(cases[i].arg, cases[i].shown) != 0);
	}
}

/* What is cut off is looked at as well: the @ may be there. */
static void
test_long(void **state)
{
	static const char head[] = "redis://me:";
	char arg[3 * HIDE_ARG_CAP], out[HIDE_ARG_CAP];

	(void)state;
	for (size_t n = 1; n + sizeof(head) + 8 < sizeof(arg); n++) {
		memset(out, '!', sizeof(out));
		memcpy(arg, head, sizeof(head) - 1);
		memset(arg + sizeof(head) - 1, 's', n);
		memcpy(arg + sizeof(head) - 1 + n, "@host", sizeof("@host"));
		assert_ptr_equal(hide_arg(arg, out), out);
		assert_null(strstr(out, "ss"));
		assert_int_equal(strlen(out),
				 MIN(strlen(arg), (size_t)HIDE_ARG_CAP - 1));
	}
}

/* The copy is as it was given; what ps shows has as many bytes and stars. */
static void
test_all(void **state)
{
	char *given[ARRAY_LEN(cases) + 2] = { strdup("picket://a:b@c") },
				       **copy;
	int n = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		given[n++] = strdup(cases[i].arg);
	}
	copy = hide_args(n, given);
	assert_ptr_not_equal(copy, given);
	assert_null(copy[n]);
	/* A program's name is no argument. */
	assert_string_equal(given[0], "picket://a:b@c");
	assert_string_equal(copy[0], given[0]);
	for (int i = 1; i < n; i++) {
		assert_string_equal(copy[i], cases[i - 1].arg);
		assert_string_equal(given[i], cases[i - 1].shown);
	}
	for (int i = 0; i < n; i++) {
		free(given[i]);
		free(copy[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
