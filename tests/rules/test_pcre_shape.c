/* SPDX-License-Identifier: Apache-2.0 */
/* What pcre_shape says of an expression, against what PCRE2 then matches. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tests/test.h"

#include <stdio.h>

#include "rules/pcre_shape.h"

#define ENDLESS PCRE_SHAPE_ENDLESS

static const struct {
	const char *pattern;
	bool nocase;
	uint32_t longest;
	const char *literals; /* joined by a bar */
} cases[] = {
	{ "abc", false, 3, "abc" },
	{ "^CWD\\s[^\\n]{100}", true, 104, "cwd" },
	{ "^CWD\\s+~", true, ENDLESS, "cwd|~" },
	{ "a.c", false, 3, "a|c" },
	{ "ab?c", false, 3, "a|c" },
	{ "ab+c", false, ENDLESS, "ab|bc" },
	{ "ab{3}c", false, 5, "ab|bc" },
	{ "ab{0,2}c", false, 4, "a|c" },
	{ "ab{2,}?c", false, ENDLESS, "ab|bc" },
	{ "ab|cd", false, 2, "" },
	{ "x(ab|cde)y", false, 5, "x|y" },
	{ "x(?:ab)+y", false, ENDLESS, "x|ab|y" },
	{ "x(?:ab){2}y", false, 6, "x|ab|y" },
	{ "x(ab)?y", false, 4, "x|y" },
	{ "x(a(b|c)d)e", false, 5, "x|a|d|e" },
	{ "x(?=ab)", false, 1, "x" },
	{ "(?<!ab)x", false, 1, "x" },
	{ "(?P<n>ab)\\.\\x41\\x2e\\r\\n", false, 7, "ab|.A.\r\n" },
	{ "(?<n>ab)", false, 2, "ab" },
	{ "[]ab]x[^]\\]]y", false, 4, "x|y" },
	{ "a$b^c\\bd", false, 4, "abcd" },
	{ "a\\Rb", false, 4, "a|b" },
	{ "A\\x4AB", true, 3, "ajb" },
	{ "", false, 0, "" },
	/* not looked into */
	{ "(?i)abc", false, ENDLESS, "" },
	{ "abc\\1", false, ENDLESS, "" },
	{ "(?P<a>x)(?P=a)", false, ENDLESS, "" },
	{ "\\Qa.b\\E", false, ENDLESS, "" },
	{ "a(?>bc)d", false, ENDLESS, "" },
	{ "a(?|b|c)d", false, ENDLESS, "" },
	{ "(?#x)a", false, ENDLESS, "" },
	{ "a\\Kb", false, ENDLESS, "" },
	{ "[[:alpha:]]b", false, ENDLESS, "" },
	{ "[\\c]]b", false, ENDLESS, "" },
	{ "(*FAIL)a", false, ENDLESS, "" },
	{ "a{,2}", false, ENDLESS, "" },
};

static void
test_front(void **state)
{
	static const struct {
		const char *pattern;
		bool nocase, front;
	} of[] = {
		{ "abc", false, true },       { "^ABC", true, true },
		{ "ab?c", false, true },      { "a{2}b", false, true },
		{ "a|b", false, false },      { "(a)b", false, false },
		{ "a?bc", false, false },     { "\\x41b", false, false },
		{ ".abc", false, false },     { "[ab]c", false, false },
		{ "abc(d|e)f", false, true }, { "(?i)abc", false, false },
		{ "^\\s+abc", false, false }, { "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct pcre_shape s;

		pcre_shape_of(view_cstr(of[i].pattern), of[i].nocase, &s);
		if (s.front != of[i].front) {
			print_message("/%s/\n", of[i].pattern);
		}
		assert_int_equal(s.front, of[i].front);
	}
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pcre_shape s;
		char joined[512] = "";
		size_t n = 0;

		pcre_shape_of(view_cstr(cases[i].pattern), cases[i].nocase, &s);
		for (uint8_t k = 0; k < s.n_literals; k++) {
			n += (size_t)snprintf(
				joined + n, sizeof(joined) - n, "%s%.*s",
				k > 0 ? "|" : "", s.literals[k].len,
				(const char *)s.literals[k].bytes);
		}
		if (s.longest != cases[i].longest ||
		    strcmp(joined, cases[i].literals) != 0) {
			print_message("/%s/: %u, %s\n", cases[i].pattern,
				      s.longest, joined);
		}
		assert_int_equal(s.longest, cases[i].longest);
		assert_string_equal(joined, cases[i].literals);
	}
}

static uint32_t
rnd(void)
{
	static uint64_t x = 3;

	x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(x >> 33);
}

/* Pieces that make patterns of every kind, right and wrong. */
static const char *const pieces[] = {
	"a",      "b",     "c",       "A",    "ab",   "bc",  "(",   "(?:",
	")",      ")",     "|",       "*",    "+",    "?",   "{2}", "{1,2}",
	"{0,1}",  "{2,}",  ".",       "[ab]", "[^a]", "^",   "$",   "\\b",
	"\\w",    "\\x61", "\\x{62}", "\\n",  "\\.",  "(?=", "(?!", "(?<=",
	"(?P<n>", "+?",    "\\1",     "(?i)", "[]a]", "{",   "]",   "\\R",
};

static void
build_pattern(char *out, size_t cap)
{
	unsigned n = 1 + rnd() % 9;

	out[0] = '\0';
	for (unsigned i = 0; i < n; i++) {
		const char *p = pieces[rnd() % ARRAY_LEN(pieces)];

		if (strlen(out) + strlen(p) + 1 < cap) {
			strcat(out, p);
		}
	}
}

static bool
holds(struct view match, const struct pcre_shape_literal *l, bool nocase)
{
	for (size_t i = 0; i + l->len <= match.len; i++) {
		size_t k = 0;

		while (k < l->len && (nocase ? ascii_lower(match.p[i + k])
					     : match.p[i + k]) == l->bytes[k]) {
			k++;
		}
		if (k == l->len) {
			return true;
		}
	}
	return false;
}

static unsigned
check_matches(const pcre2_code *code, pcre2_match_data *md,
	      const struct pcre_shape *s, const char *pattern, bool nocase)
{
	unsigned matches = 0;

	for (unsigned i = 0; i < 40; i++) {
		uint8_t text[24];
		size_t len = rnd() % sizeof(text), from = 0;

		for (size_t k = 0; k < len; k++) {
			text[k] = (uint8_t) "aabbccABC\n. \r"[rnd() % 13];
		}
		while (from <= len &&
		       pcre2_match(code, text, len, from, 0, md, NULL) > 0) {
			const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(md);
			struct view m;

			assert_true(ov[0] <= ov[1]);
			m = view_of(text + ov[0], ov[1] - ov[0]);
			matches++;
			if (m.len > s->longest) {
				print_message("/%s/\n", pattern);
			}
			assert_true(m.len <= s->longest);
			for (uint8_t k = 0; k < s->n_literals; k++) {
				bool good = holds(m, &s->literals[k], nocase);

				if (!good) {
					print_message("/%s/\n", pattern);
				}
				assert_true(good);
			}
			from = ov[0] + 1;
		}
	}
	return matches;
}

static void
test_random(void **state)
{
	pcre2_match_data *md = pcre2_match_data_create(16, NULL);
	unsigned matches = 0, told = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t options = rnd() & (PCRE2_DOTALL | PCRE2_MULTILINE |
					    PCRE2_UNGREEDY);
		bool nocase = (rnd() & 1) != 0;
		struct pcre_shape s;
		pcre2_code *code;
		PCRE2_SIZE at;
		char pattern[128];
		int number;

		options |= nocase ? PCRE2_CASELESS : 0;
		build_pattern(pattern, sizeof(pattern));
		pcre_shape_of(view_cstr(pattern), nocase, &s);
		code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				     options, &number, &at, NULL);
		if (code == NULL) {
			continue;
		}
		told += s.longest != ENDLESS || s.n_literals > 0;
		matches += check_matches(code, md, &s, pattern, nocase);
		pcre2_code_free(code);
	}
	pcre2_match_data_free(md);
	assert_true(told > 10000);
	assert_true(matches > 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_front),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
