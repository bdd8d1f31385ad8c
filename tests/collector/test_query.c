/* SPDX-License-Identifier: Apache-2.0 */
/* What analysts type: how it is understood, and where it is wrong. */
#include "tests/test.h"

#include <stdio.h>

#include "collector/query.h"
#include "common/clock.h"

#define NOW_US (UINT64_C(1795300000) * US_PER_S)

static struct query q;

static void
good(const char *text)
{
	struct diag d = { "" };
	unsigned column = 99;

	if (query_parse(&q, view_cstr(text), NOW_US, &column, &d) != ERR_OK) {
		fail_msg("%s: %s", text, d.msg);
	}
	assert_int_equal(column, 0);
}

static void
words_are_fields_texts_and_negations(void **state)
{
	(void)state;
	good("  \"two words\" @sid:2001219 -SITE:Alpha http* @sig:\"a \\\"b\"");
	assert_int_equal(q.n, 5);
	assert_int_equal(q.t[0].field, QUERY_WORD);
	assert_string_equal(q.t[0].text, "two words");
	assert_int_equal(q.t[0].column, 3);
	assert_int_equal(q.t[1].field, QUERY_SID);
	assert_int_equal(q.t[1].lo, 2001219);
	assert_int_equal(q.t[1].hi, 2001219);
	assert_int_equal(q.t[2].field, QUERY_SITE);
	assert_true(q.t[2].negated);
	assert_string_equal(q.t[2].text, "alpha");
	assert_string_equal(q.t[3].text, "http*");
	assert_string_equal(q.t[4].text, "a \"b");
	good("");
	assert_int_equal(q.n, 0);
}

static void
values_are_ranges_networks_times_and_states(void **state)
{
	struct addr a;

	(void)state;
	good("sev:1-2 port:1-1024 ip:10.1.2.3/8 from:-1h to:2026-11-24 "
	     "is:archived dst:2001:db8::1");
	assert_int_equal(q.t[0].lo, 1);
	assert_int_equal(q.t[0].hi, 2);
	assert_int_equal(q.t[1].hi, 1024);
	assert_true(addr_parse(VIEW_LIT("10.0.0.0"), &a));
	assert_true(addr_eq(&a, &q.t[2].first));
	assert_true(addr_parse(VIEW_LIT("10.255.255.255"), &a));
	assert_true(addr_eq(&a, &q.t[2].last));
	assert_int_equal(q.t[3].lo, NOW_US - 3600 * US_PER_S);
	assert_int_equal(q.t[4].lo, UINT64_C(1795478400) * US_PER_S);
	assert_int_equal(q.t[5].lo, QUERY_ARCHIVED);
	assert_true(addr_eq(&q.t[6].first, &q.t[6].last));
	assert_true(query_has(&q, QUERY_DST));
	assert_false(query_has(&q, QUERY_SRC));
}

static void
an_error_names_its_column(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
	} bad[] = {
		{ "sid:x", 5 },
		{ "a b nosuch:1", 5 },
		{ "sid:", 5 },
		{ "a -sid:70000000000", 8 },
		{ "port:65536", 6 },
		{ "port:9-3", 6 },
		{ "ip:10.0.0.0/99", 4 },
		{ "ip:localhost", 4 },
		{ "x \"open", 3 },
		{ "\"a\"b", 4 },
		{ "from:yesterday", 6 },
		{ "is:odd", 4 },
		{ "-", 2 },
		{ "a\x01", 2 },
		{ "http://x", 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct diag d = { "" };
		unsigned column;

		assert_int_equal(query_parse(&q, view_cstr(bad[i].text), NOW_US,
					     &column, &d),
				 ERR_FORMAT);
		if (column != bad[i].column) {
			fail_msg("%s: column %u, %s", bad[i].text, column,
				 d.msg);
		}
	}
}

static void
its_size_is_bounded(void **state)
{
	char text[QUERY_MAX_LEN + 2];
	struct diag d = { "" };
	unsigned column;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(query_parse(&q, view_of(text, QUERY_MAX_LEN), NOW_US,
				     &column, &d),
			 ERR_OK);
	assert_int_equal(query_parse(&q, view_of(text, QUERY_MAX_LEN + 1),
				     NOW_US, &column, &d),
			 ERR_FORMAT);
	for (size_t i = 1; i < sizeof(text); i += 2) {
		text[i] = ' ';
	}
	assert_int_equal(query_parse(&q, view_of(text, 2 * QUERY_MAX_TERMS),
				     NOW_US, &column, &d),
			 ERR_OK);
	assert_int_equal(q.n, QUERY_MAX_TERMS);
	assert_int_equal(query_parse(&q, view_of(text, 2 * QUERY_MAX_TERMS + 1),
				     NOW_US, &column, &d),
			 ERR_FORMAT);
	assert_int_equal(column, 2 * QUERY_MAX_TERMS + 1);
}

static void
stars_are_any_text(void **state)
{
	(void)state;
	good("sig:*ab*c sig:exact");
	assert_true(query_text_matches(&q.t[0], VIEW_LIT("xxABabyC")));
	assert_true(query_text_matches(&q.t[0], VIEW_LIT("abc")));
	assert_false(query_text_matches(&q.t[0], VIEW_LIT("abcd")));
	assert_true(query_text_matches(&q.t[1], VIEW_LIT("Exact")));
	assert_false(query_text_matches(&q.t[1], VIEW_LIT("Exactly")));
	assert_false(query_text_matches(&q.t[1], VIEW_NONE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_fields_texts_and_negations),
		cmocka_unit_test(values_are_ranges_networks_times_and_states),
		cmocka_unit_test(an_error_names_its_column),
		cmocka_unit_test(its_size_is_bounded),
		cmocka_unit_test(stars_are_any_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
