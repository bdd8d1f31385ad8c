/* SPDX-License-Identifier: Apache-2.0 */
/* Heads at once against the same line by line. */
#include "sensor/app_http_plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sensor/app_http_line.h"
#include "tests/rnd.h"

/* What is there at once must be what http_cut() gives, by either rule. */
static void
compare(struct view v, const struct http_plain *h, bool any_cr)
{
	struct http_cutter c = { .any_cr = any_cr };
	struct http_line l;

	for (uint32_t i = 0; i < h->n; i++) {
		struct view line = http_plain_line(v, h, i);

		assert_true(http_cut(&c, v, false, &l));
		assert_false(l.empty);
		assert_ptr_equal(l.text.p, line.p);
		assert_int_equal(l.text.len, line.len);
	}
	assert_true(http_cut(&c, v, false, &l));
	assert_true(l.empty);
	assert_int_equal(c.at, h->len);
}

/* A copy of its own size, so that reading beyond it is seen. */
static bool
check(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct view v = view_of(copy, len);
	struct http_plain h;
	bool plain;

	assert_non_null(copy);
	if (len > 0) {
		memcpy(copy, bytes, len);
	}
	plain = http_plain_lines(v, &h);
	if (plain) {
		compare(v, &h, false);
		compare(v, &h, true);
	}
	free(copy);
	return plain;
}

static bool
check_text(const char *s)
{
	return check((const uint8_t *)s, strlen(s));
}

static void
test_kinds(void **state)
{
	(void)state;
	assert_true(check_text("\r\n"));
	assert_true(check_text("A: b\r\n\r\n"));
	assert_true(check_text("A: b\r\nno colon\r\n\r\nbody\nof any \rkind"));
	assert_false(check_text(""));
	assert_false(check_text("\n"));
	assert_false(check_text("A: b\r\n"));
	assert_false(check_text("A: b\r\n\r"));
	assert_false(check_text("A: b\n\r\n"));
	assert_false(check_text("A: b\r\n\n"));
	assert_false(check_text("A: \rb\r\n\r\n"));
	assert_false(check_text("A: b\r\r\n\r\n"));
	assert_false(check_text("A: b\r\n c\r\n\r\n"));
	assert_false(check_text("\tA: b\r\n\r\n"));
}

/* Line ends at each place of a block, and odd ones at each other. */
static void
test_every_place(void **state)
{
	uint8_t room[200];

	(void)state;
	for (size_t len = 1; len < 180; len++) {
		memset(room, 'x', sizeof(room));
		memcpy(room + len, "\r\n\r\n", 4);
		assert_true(check(room, len + 4));
		assert_true(check(room, sizeof(room)));
		for (size_t cut = 0; cut < len + 4; cut++) {
			assert_false(check(room, cut));
		}
		for (size_t at = 0; at < len; at++) {
			room[at] = '\r';
			assert_false(check(room, len + 4));
			room[at] = '\n';
			assert_false(check(room, len + 4));
			room[at] = 'x';
		}
	}
}

static void
test_many_lines(void **state)
{
	uint8_t room[(HTTP_PLAIN_LINES + 2) * 4];

	(void)state;
	for (size_t n = HTTP_PLAIN_LINES - 1; n <= HTTP_PLAIN_LINES + 1; n++) {
		for (size_t i = 0; i < n; i++) {
			memcpy(room + i * 4, "ab\r\n", 4);
		}
		memcpy(room + n * 4, "\r\n", 2);
		assert_int_equal(check(room, n * 4 + 2), n <= HTTP_PLAIN_LINES);
	}
}

static void
test_random(void **state)
{
	static const char *const parts[] = { "\r\n", "\r\n", "\r\n", "a:",
					     "bcd",  "\r",   "\n",   " ",
					     "\t",   "xyz",  "" };
	uint32_t n_plain = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		uint8_t room[256];
		size_t len = 0;
		uint32_t odd = rnd(3) == 0 ? ARRAY_LEN(parts) : 5;

		while (len < sizeof(room) - 8 && rnd(40) > 0) {
			uint32_t k = rnd(odd);
			size_t n = strlen(parts[k]);

			memcpy(room + len, parts[k], n);
			len += n;
			if (k == ARRAY_LEN(parts) - 1) {
				room[len++] = 0;
			}
		}
		n_plain += check(room, len);
	}
	assert_true(n_plain > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_every_place),
		cmocka_unit_test(test_many_lines),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
