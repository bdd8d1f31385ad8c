/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const names[] = {
#define NAME(sym, text) text,
	HTTP_NAME_LIST(NAME)
#undef NAME
};

static uint8_t room[64];

/* 'name' in upper case with a NUL at each place that 'nuls' has a bit for. */
static struct view
altered(const char *name, uint32_t nuls)
{
	size_t n = 0;

	for (size_t i = 0; name[i] != '\0'; i++) {
		if ((nuls >> i & 1) != 0) {
			room[n++] = 0;
		}
		room[n++] = name[i] >= 'a' && name[i] <= 'z'
				    ? (uint8_t)(name[i] - 0x20)
				    : (uint8_t)name[i];
	}
	return view_of(room, n);
}

/* What a token is, whose hash must be that of any name. */
static enum http_name
of_token(struct view v)
{
	uint32_t hash = 0;
	enum http_name known = http_name_of_token(v, &hash);

	assert_int_equal(hash, http_name_hash(v));
	assert_int_equal(known, http_name_known(v));
	return known;
}

/* A name with one character that is another, of all that tokens may have. */
static void
test_near_tokens(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HTTP_NAME_COUNT; i++) {
		size_t len = strlen(names[i]);

		for (size_t at = 0; at < len; at++) {
			for (int c = '!'; c <= '~'; c++) {
				if (strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
					continue;
				}
				memcpy(room, names[i], len);
				room[at] = (uint8_t)c;
				(void)of_token(view_of(room, len));
			}
		}
	}
}

static void
test_each_is_known(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HTTP_NAME_COUNT; i++) {
		struct view v = view_cstr(names[i]);

		assert_int_equal(http_name_known(v), i);
		assert_int_equal(http_name_known(altered(names[i], 0)), i);
		assert_int_equal(http_name_known(altered(names[i], 5)), i);
		assert_int_equal(http_name_hash(altered(names[i], 5)),
				 http_name_hash(v));
		assert_int_equal(of_token(altered(names[i], 0)), i);
		assert_int_equal(of_token(v), i);
		assert_int_equal(of_token(view_sub(v, 0, v.len - 1)),
				 HTTP_NAME_COUNT);
		/* shorter and longer ones are others */
		assert_int_equal(http_name_known(view_sub(v, 0, v.len - 1)),
				 HTTP_NAME_COUNT);
		assert_int_equal(http_name_known(view_sub(v, 1, v.len)),
				 HTTP_NAME_COUNT);
	}
}

static void
test_others_are_not(void **state)
{
	static const char *const others[] = { "",         "x",      "hosts",
					      "Vost",     "hoSk",   "cookie2",
					      "x-cookie", "refarer" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_int_equal(http_name_known(view_cstr(others[i])),
				 HTTP_NAME_COUNT);
	}
}

/* Equal names hash alike, wherever NULs stand and however long they are. */
static void
test_hash_goes_with_equality(void **state)
{
	static const char all[] = "x-a-name-of-25-characters";

	(void)state;
	for (size_t len = 1; len < sizeof(all); len++) {
		char name[sizeof(all)] = "";
		struct view v;

		memcpy(name, all, len);
		v = view_cstr(name);
		for (uint32_t i = 0; i < 25; i++) {
			struct view w = altered(name, UINT32_C(1) << i);

			assert_true(http_name_eq(v, w));
			assert_int_equal(http_name_hash(v), http_name_hash(w));
		}
		name[len / 2] ^= 1;
		assert_false(http_name_eq(view_cstr(name),
					  view_of((const uint8_t *)all, len)));
		assert_int_not_equal(
			http_name_hash(view_cstr(name)),
			http_name_hash(view_of((const uint8_t *)all, len)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_known),
		cmocka_unit_test(test_near_tokens),
		cmocka_unit_test(test_others_are_not),
		cmocka_unit_test(test_hash_goes_with_equality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
