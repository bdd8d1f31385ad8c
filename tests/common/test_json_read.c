/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct json_reader r;

static void
takes_what_rfc_8259_takes(void **state)
{
	static const char *const good[] = {
		"{}",
		"[]",
		" [ ] ",
		"{\"a\":{},\"b\":[]}",
		"[[[[]]],[]]",
		"null",
		"true",
		"false",
		"0",
		"-0",
		"-1.5e+10",
		"1E5",
		"\"\"",
		"\"\\u0041\\ud83d\\ude00\\n\\/\"",
		"\"\\u0000\"",
		"[1,2,{\"a\":[true,null]}]",
		"\t{\"a\" : 1 ,\r\n\"b\":2}\n",
		"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(json_read(&r, view_cstr(good[i])));
		assert_non_null(json_root(&r));
	}
}

static void
refuses_everything_else(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"{",
		"}",
		"[",
		"]",
		"[}",
		"{]",
		"[1,]",
		"[,1]",
		"[1 2]",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{,}",
		"{a:1}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}",
		"{} {}",
		"nul",
		"True",
		"01",
		"1.",
		".5",
		"-",
		"+1",
		"1e",
		"0x1",
		"NaN",
		"\"",
		"\"\\\"",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\ud800\"",
		"\"\\ud800\\u0041\"",
		"\"\\udc00\"",
		"\"\n\"",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xe2\x82\"",
		"\xef\xbb\xbf{}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(json_read(&r, view_cstr(bad[i])));
		assert_null(json_root(&r));
	}
	assert_false(json_read(&r, view_of("1\0", 2)));
	assert_false(json_read(&r, view_of("\"\0\"", 3)));
}

static void
finds_its_way(void **state)
{
	static const char text[] =
		"{\"a\":{\"x\":[1,[2],3]},\"b\\n\":\"t\\u00e9\",\"c\":{},"
		"\"d\":18446744073709551615}";
	const struct json_value *v, *i;
	uint64_t n = 0, sum = 0;
	unsigned values = 0;

	(void)state;
	assert_true(json_read(&r, view_cstr(text)));
	v = json_member(&r, json_root(&r), VIEW_LIT("a"));
	assert_true(view_eq(v->text, VIEW_LIT("{\"x\":[1,[2],3]}")));
	v = json_member(&r, v, VIEW_LIT("x"));
	assert_int_equal(v->type, JSON_ARRAY);
	for (i = json_first(&r, v); i != NULL; i = json_next(&r, v, i)) {
		values++;
		if (json_uint(i, 9, &n)) {
			sum += n;
		}
	}
	assert_int_equal(values, 3);
	assert_int_equal(sum, 4);
	v = json_member(&r, json_root(&r), VIEW_LIT("b\n"));
	assert_true(view_eq(v->text, VIEW_LIT("t\xc3\xa9")));
	v = json_member(&r, json_root(&r), VIEW_LIT("c"));
	assert_null(json_first(&r, v));
	assert_null(json_member(&r, v, VIEW_LIT("x")));
	assert_null(json_member(&r, NULL, VIEW_LIT("x")));
	v = json_member(&r, json_root(&r), VIEW_LIT("d"));
	assert_true(json_uint(v, UINT64_MAX, &n) && n == UINT64_MAX);
	assert_false(json_uint(v, UINT64_MAX - 1, &n));
	assert_false(json_uint(v, 5, &n));
}

static void
limits_hold(void **state)
{
	size_t n = 200000;
	char *text = malloc(n);
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	memset(text, '[', n);
	assert_false(json_read(&r, view_of(text, n)));
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_true(json_read(&r, view_of(text, 2 * (size_t)JSON_MAX_DEPTH)));
	/* Too many values, too many names. */
	text[0] = '[';
	for (len = 1; len < 2 * JSON_MAX_VALUES + 10; len += 2) {
		memcpy(text + len, "1,", 2);
	}
	memcpy(text + len, "1]", 2);
	assert_false(json_read(&r, view_of(text, len + 2)));
	text[0] = '{';
	len = 1;
	for (unsigned i = 0; i <= JSON_MAX_NAMES; i++) {
		len += (size_t)snprintf(text + len, n - len, "\"%u\":1,", i);
	}
	text[len - 1] = '}';
	assert_false(json_read(&r, view_of(text, len)));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_rfc_8259_takes),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(finds_its_way),
		cmocka_unit_test(limits_hold),
	};
	int failed;

	json_reader_init(&r);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	json_reader_fini(&r);
	return failed;
}
