/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "common/clock.h"

static void
formats_known_times(void **state)
{
	static const struct {
		uint64_t us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000+0000" },
		{ UINT64_C(951782400000001),
		  "2000-02-29T00:00:00.000001+0000" },
		{ UINT64_C(4102444799999999),
		  "2099-12-31T23:59:59.999999+0000" },
		{ UINT64_C(1795373199123456),
		  "2026-11-22T18:46:39.123456+0000" },
	};
	char text[CLOCK_ISO_CAP];
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = clock_iso(cases[i].us, text);

		assert_string_equal(text, cases[i].text);
		assert_int_equal(n, strlen(text));
		assert_true(clock_parse_iso(view_of(text, n), &back));
		assert_int_equal(back, cases[i].us);
	}
}

static void
every_day_round_trips(void **state)
{
	char text[CLOCK_ISO_CAP];
	uint64_t back;

	(void)state;
	for (uint64_t day = 0; day < 60000; day++) {
		uint64_t us = (day * 86400 + 12345) * US_PER_S + 678;
		size_t n = clock_iso(us, text);

		assert_true(clock_parse_iso(view_of(text, n), &back));
		assert_int_equal(back, us);
	}
}

static void
reads_other_forms(void **state)
{
	uint64_t a, b;

	(void)state;
	assert_true(clock_parse_iso(VIEW_LIT("2026-11-22T00:00:00Z"), &a));
	assert_true(clock_parse_iso(VIEW_LIT("2026-11-22T09:00:00+09:00"), &b));
	assert_int_equal(a, b);
	assert_true(clock_parse_iso(VIEW_LIT("2026-11-22"), &b));
	assert_int_equal(a, b);
	assert_true(
		clock_parse_iso(VIEW_LIT("2026-11-21T19:00:00.5-0500"), &b));
	assert_int_equal(a + 500000, b);
}

static void
refuses_what_is_no_time(void **state)
{
	static const char *const bad[] = { "",
					   "2026",
					   "2026-13-01",
					   "2026-00-01",
					   "2026-01-32",
					   "1969-12-31",
					   "2026-01-01T24:00:00Z",
					   "2026-01-01T00:00",
					   "2026-01-01T00:00:00+9",
					   "2026-01-01T00:00:00ZZ",
					   "x026-01-01" };
	uint64_t us;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(clock_parse_iso(view_cstr(bad[i]), &us));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_known_times),
		cmocka_unit_test(every_day_round_trips),
		cmocka_unit_test(reads_other_forms),
		cmocka_unit_test(refuses_what_is_no_time),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
