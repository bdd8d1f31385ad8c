/* SPDX-License-Identifier: Apache-2.0 */
/* Values as their lists write them, beside keys that have no case. */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/spelling.h"

static bool
note(struct spellings *s, const char *site, const char *key,
     enum indicator_kind kind, const char *value)
{
	return spellings_note(s, site, key, kind, true, view_cstr(value));
}

static void
test_of_a_key(void **state)
{
	struct spellings *s = spellings_new();
	const struct spelling *i;

	(void)state;
	assert_non_null(s);
	assert_null(spellings_of(s, "h.example/a"));
	assert_true(note(s, "a", "h.example/a", INDICATOR_URL, "h.example/A"));
	assert_true(note(s, "b", "h.example/a", INDICATOR_URL, "h.example/A"));
	assert_true(note(s, "b", "h.example/a", INDICATOR_URL, "h.example/a"));
	assert_true(note(s, "b", "h.example/a", INDICATOR_USER_AGENT,
			 "h.example/A"));
	i = spellings_of(s, "h.example/a");
	assert_string_equal(i->value, "h.example/A");
	assert_int_equal(i->kind, INDICATOR_URL);
	i = i->next;
	assert_string_equal(i->value, "h.example/a");
	i = i->next;
	assert_int_equal(i->kind, INDICATOR_USER_AGENT);
	assert_null(i->next);
	assert_null(spellings_of(s, "h.example/A"));
	spellings_reset(s);
	assert_null(spellings_of(s, "h.example/a"));
	spellings_free(s);
}

/* What one list has with its subdomains and another without has them. */
static void
test_exact(void **state)
{
	struct spellings *s = spellings_new();
	const struct view v = VIEW_LIT("evil.example");

	(void)state;
	assert_true(spellings_note(s, "a", "evil.example", INDICATOR_DOMAIN,
				   true, v));
	assert_true(spellings_of(s, "evil.example")->exact);
	assert_true(spellings_note(s, "a", "evil.example", INDICATOR_DOMAIN,
				   false, v));
	assert_false(spellings_of(s, "evil.example")->exact);
	assert_true(spellings_note(s, "a", "evil.example", INDICATOR_DOMAIN,
				   true, v));
	assert_false(spellings_of(s, "evil.example")->exact);
	assert_null(spellings_of(s, "evil.example")->next);
	assert_false(spellings_note(s, "a", "x", INDICATOR_DOMAIN, true,
				    view_of("a\0b", 3)));
	assert_false(
		spellings_note(s, "a", "x", INDICATOR_DOMAIN, true, VIEW_NONE));
	spellings_free(s);
}

/* A site that names too much is not kept; others are. */
static void
test_share(void **state)
{
	struct spellings *s = spellings_new();
	static char longest[INDICATOR_PATTERN_CAP];
	char key[32];
	unsigned kept = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * SPELLING_SITE; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		kept += note(s, "a", key, INDICATOR_USER_AGENT, key);
	}
	assert_int_equal(kept, SPELLING_SITE);
	assert_true(note(s, "b", "k0", INDICATOR_USER_AGENT, "K0"));
	kept = 0;
	for (unsigned i = 0; i < 2 * SPELLING_ALIKE; i++) {
		snprintf(key, sizeof(key), "value %u", i);
		kept += note(s, "c", "k", INDICATOR_USER_AGENT, key);
	}
	assert_int_equal(kept, SPELLING_ALIKE);
	assert_true(note(s, "d", "k", INDICATOR_USER_AGENT, "K"));
	kept = 0;
	memset(longest, 'x', sizeof(longest) - 1);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(longest, sizeof(longest), "%04u", i);
		longest[4] = 'x';
		snprintf(key, sizeof(key), "p%u", i);
		kept += note(s, "e", key, INDICATOR_PATTERN, longest);
	}
	assert_in_range(kept, 1, SPELLING_SITE_BYTES / sizeof(longest));
	assert_true(note(s, "f", "p0", INDICATOR_PATTERN, "[x]"));
	spellings_reset(s);
	assert_true(note(s, "a", "k999", INDICATOR_USER_AGENT, "k999"));
	spellings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_key),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
