/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <jansson.h>
#include <stdio.h>
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

/* Bytes of its own, so that a read past them is seen. */
static uint8_t *
random_bytes(size_t n, bool text)
{
	uint8_t *p = malloc(MAX(n, 1));

	assert_non_null(p);
	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)(text && rand() % 16 != 0 ? 0x20 + rand() % 0x5f
							  : rand());
	}
	return p;
}

static size_t
base64_by_the_book(char *out, const uint8_t *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = 0;

	for (size_t bit = 0; bit < n * 8; bit += 6) {
		unsigned v = 0;

		for (size_t b = bit; b < bit + 6; b++) {
			v = v << 1 |
			    (b < n * 8 ? p[b / 8] >> (7 - b % 8) & 1 : 0);
		}
		out[len++] = set[v];
	}
	while (len % 4 != 0) {
		out[len++] = '=';
	}
	return len;
}

static void
base64_of_every_length(void **state)
{
	char expected[512];
	struct json j;

	(void)state;
	json_init(&j);
	srand(3);
	for (size_t n = 0; n < 300; n++) {
		uint8_t *p = random_bytes(n, false);
		size_t cut = n > 0 ? (size_t)rand() % n : 0, len;

		expected[0] = '"';
		len = base64_by_the_book(expected + 1, p, n) + 2;
		expected[len - 1] = '"';
		json_reset(&j);
		json_base64(&j, NULL, view_of(p, n));
		assert_true(view_eq(json_view(&j), view_of(expected, len)));
		json_reset(&j);
		json_base64_two(&j, NULL, view_of(p, cut),
				view_of(p + cut, n - cut));
		assert_true(view_eq(json_view(&j), view_of(expected, len)));
		free(p);
	}
	json_fini(&j);
}

/* Byte by byte, what a run of them has to give. */
static void
text_of_every_length(void **state)
{
	struct json all, each;

	(void)state;
	json_init(&all);
	json_init(&each);
	srand(4);
	for (size_t n = 0; n < 2000; n++) {
		size_t len = n % 100;
		uint8_t *p = random_bytes(len, true);

		json_reset(&all);
		json_reset(&each);
		json_str_begin(&all, "k");
		json_printable_part(&all, view_of(p, len));
		json_str_end(&all);
		json_str_begin(&each, "k");
		for (size_t i = 0; i < len; i++) {
			bool shown = (p[i] >= 0x20 && p[i] < 0x7f) ||
				     p[i] == '\n' || p[i] == '\r';

			json_str_part(&each, view_of(shown ? (void *)(p + i)
							   : (void *)".",
						     1));
		}
		json_str_end(&each);
		assert_true(view_eq(json_view(&all), json_view(&each)));
		for (size_t i = 0; i < len; i++) {
			p[i] &= 0x7f;
		}
		json_reset(&all);
		json_reset(&each);
		json_str(&all, "k", view_of(p, len));
		json_str_begin(&each, "k");
		for (size_t i = 0; i < len; i++) {
			json_str_part(&each, view_of(p + i, 1));
		}
		json_str_end(&each);
		assert_true(view_eq(json_view(&all), json_view(&each)));
		free(p);
	}
	json_fini(&all);
	json_fini(&each);
}

static void
numbers_of_every_length(void **state)
{
	char expected[32];
	struct json j;

	(void)state;
	json_init(&j);
	for (uint64_t v = 1; v != 0; v *= 3) {
		for (uint64_t d = 0; d < 3; d++) {
			snprintf(expected, sizeof(expected), "%llu",
				 (unsigned long long)(v - d));
			json_reset(&j);
			json_u64(&j, NULL, v - d);
			assert_true(
				view_eq(json_view(&j), view_cstr(expected)));
		}
		if (v > UINT64_MAX / 3) {
			break;
		}
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
		cmocka_unit_test(base64_of_every_length),
		cmocka_unit_test(text_of_every_length),
		cmocka_unit_test(numbers_of_every_length),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
