/* SPDX-License-Identifier: Apache-2.0 */
#include "common/words.h"

#include <stdlib.h>

#include "tests/test.h"

#define MAX_ARGS 16

static void
knows_languages(void **state)
{
	enum lang lang = LANG_EN;

	(void)state;
	assert_true(lang_of("ja_JP.UTF-8", &lang));
	assert_int_equal(lang, LANG_JA);
	assert_true(lang_of("en_GB", &lang));
	assert_int_equal(lang, LANG_EN);
	assert_true(lang_of("ja-JP", &lang));
	assert_int_equal(lang, LANG_JA);
	assert_true(lang_of("C.UTF-8", &lang));
	assert_int_equal(lang, LANG_EN);
	lang = LANG_JA;
	assert_false(lang_of("japanese", &lang));
	assert_false(lang_of("", &lang));
	assert_false(lang_of("j", &lang));
	assert_int_equal(lang, LANG_JA);
	assert_string_equal(lang_name(LANG_JA), "ja");
}

static void
asks_the_environment_in_order(void **state)
{
	(void)state;
	assert_int_equal(setenv("LANG", "ja_JP.UTF-8", 1), 0);
	assert_int_equal(unsetenv("LC_MESSAGES"), 0);
	assert_int_equal(setenv("LC_ALL", "", 1), 0);
	assert_int_equal(lang_of_environment(), LANG_JA);
	assert_int_equal(setenv("LC_MESSAGES", "de_DE", 1), 0);
	assert_int_equal(lang_of_environment(), LANG_EN);
	assert_int_equal(setenv("LC_ALL", "ja", 1), 0);
	assert_int_equal(lang_of_environment(), LANG_JA);
}

static void
finds_every_word(void **state)
{
	size_t n;
	const struct word_pair *p = word_pairs(&n);

	(void)state;
	assert_true(n > 100);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(word(LANG_JA, p[i].english), p[i].japanese);
		assert_ptr_equal(word(LANG_EN, p[i].english), p[i].english);
	}
	assert_string_equal(word(LANG_JA, "no such text"), "no such text");
	assert_string_equal(word(LANG_JA, "high"), "高");
}

/* The conversions of a format by argument: "lu", "s".  False: it has one that
 * no catalogue may have. */
static bool
arguments(const char *s, char out[MAX_ARGS][8], unsigned *n)
{
	unsigned next = 0;

	*n = 0;
	memset(out, 0, MAX_ARGS * 8);
	for (; (s = strchr(s, '%')) != NULL; s++) {
		char *end;
		unsigned long at;
		size_t len = 0;

		if (*++s == '%') {
			continue;
		}
		at = strtoul(s, &end, 10);
		if (end != s && *end == '$') {
			s = end + 1;
		} else {
			at = ++next;
		}
		s += strspn(s, "-+ #0123456789.");
		if (at == 0 || at > MAX_ARGS) {
			return false;
		}
		while (len < 6 && s[len] != '\0' &&
		       strchr("hlzjt", s[len]) != NULL) {
			len++;
		}
		if (s[len] == '\0' || strchr("diouxscfg", s[len]) == NULL) {
			return false;
		}
		memcpy(out[at - 1], s, len + 1);
		s += len;
		*n = MAX(*n, (unsigned)at);
	}
	return true;
}

/* A format that was told other arguments than it takes reads wild memory. */
static void
keeps_the_conversions(void **state)
{
	size_t n;
	const struct word_pair *p = word_pairs(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char a[MAX_ARGS][8], b[MAX_ARGS][8];
		unsigned n_a, n_b;

		if (!arguments(p[i].english, a, &n_a)) {
			continue; /* no format: "100 % of" */
		}
		if (!arguments(p[i].japanese, b, &n_b) || n_a != n_b ||
		    memcmp(a, b, sizeof(a)) != 0) {
			fail_msg("'%s' and '%s' take other arguments",
				 p[i].english, p[i].japanese);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_languages),
		cmocka_unit_test(asks_the_environment_in_order),
		cmocka_unit_test(finds_every_word),
		cmocka_unit_test(keeps_the_conversions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
