/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/json.h"

static void
writes_every_kind(void **state)
{
	struct json j;

	(void)state;
	json_init(&j);
	json_obj(&j, NULL);
	json_cstr(&j, "s", "a\"b\\c\n");
	json_u64(&j, "max", UINT64_MAX);
	json_i64(&j, "neg", -5);
	json_bool(&j, "t", true);
	json_nil(&j, "n");
	json_arr(&j, "a");
	json_u64(&j, NULL, 1);
	json_obj(&j, NULL);
	json_obj_end(&j);
	json_arr_end(&j);
	json_hex(&j, "h", view_of("\x00\xff\x1a", 3));
	json_base64(&j, "b1", VIEW_LIT("f"));
	json_base64(&j, "b2", VIEW_LIT("fo"));
	json_base64(&j, "b3", VIEW_LIT("foobar"));
	json_f64(&j, "f", 1.5);
	json_f64_full(&j, "g", 0.1);
	json_f64_full(&j, "h", 4.137370175000773);
	json_obj_end(&j);
	assert_true(view_eq(
		json_view(&j),
		VIEW_LIT("{\"s\":\"a\\\"b\\\\c\\n\",\"max\":"
			 "18446744073709551615,"
			 "\"neg\":-5,\"t\":true,\"n\":null,\"a\":[1,{}],"
			 "\"h\":\"00ff1a\",\"b1\":\"Zg==\",\"b2\":\"Zm8=\","
			 "\"b3\":\"Zm9vYmFy\",\"f\":1.500,\"g\":0.1,"
			 "\"h\":4.137370175000773}")));
	json_fini(&j);
}

/* RFC 3629's edges, C1, bidirectional overrides, NUL, DEL. */
static void
hostile_text_is_inert(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "\0", 1, "\"\\u0000\"" },
		{ "\x7f", 1, "\"\\u007f\"" },
		{ "\x1b[31m", 5, "\"\\u001b[31m\"" },
		{ "\xc2\x85", 2, "\"\\u0085\"" },
		{ "\xe2\x80\xae", 3, "\"\\u202e\"" },
		{ "\xc0\x80", 2, "\"\\\\xc0\\\\x80\"" },
		{ "\xed\xa0\x80", 3, "\"\\\\xed\\\\xa0\\\\x80\"" },
		{ "\xf4\x90\x80\x80", 4, "\"\\\\xf4\\\\x90\\\\x80\\\\x80\"" },
		{ "\xe6\x97", 2, "\"\\\\xe6\\\\x97\"" },
		{ "\xe6\x97\xa5\xe6\x9c\xac", 6,
		  "\"\xe6\x97\xa5\xe6\x9c\xac\"" },
	};
	struct json j;

	(void)state;
	json_init(&j);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		json_reset(&j);
		json_str(&j, NULL, view_of(cases[i].in, cases[i].len));
		assert_true(view_eq(json_view(&j), view_cstr(cases[i].out)));
	}
	json_fini(&j);
}

/* Whatever goes in, a strict reader takes it and no control byte comes out. */
static void
random_bytes_stay_valid(void **state)
{
	struct json j;
	uint8_t in[64];

	(void)state;
	json_init(&j);
	srand(7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t n = (size_t)(rand() % (int)sizeof(in));
		json_t *root;

		for (size_t i = 0; i < n; i++) {
			in[i] = (uint8_t)rand();
		}
		json_reset(&j);
		json_arr(&j, NULL);
		json_str(&j, NULL, view_of(in, n));
		json_arr_end(&j);
		for (size_t i = 0; i < j.len; i++) {
			assert_true((uint8_t)j.p[i] >= 0x20 && j.p[i] != 0x7f);
		}
		root = json_loadb(j.p, j.len, JSON_ALLOW_NUL, NULL);
		assert_non_null(root);
		json_decref(root);
	}
	json_fini(&j);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_every_kind),
		cmocka_unit_test(hostile_text_is_inert),
		cmocka_unit_test(random_bytes_stay_valid),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
