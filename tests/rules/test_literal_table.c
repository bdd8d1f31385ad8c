/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that are indicators in disguise: who is looked up, and what it finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/literal_table.h"
#include "rules/rule_match.h"
#include "tests/rnd.h"
#include "tests/rules/rule_case.h"

#define N_KEYS 600

/* Short words over few letters, so that many are ends of each other. */
static size_t
word(uint8_t *out, size_t max)
{
	size_t n = 1 + rnd((uint32_t)max);

	for (size_t i = 0; i < n; i++) {
		out[i] = (uint8_t) "abAB."[rnd(5)];
	}
	return n;
}

static bool
found_has(const struct literal_table *t,
	  const struct literal_slot *const *found, uint32_t n, uint32_t order)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < found[i]->n; k++) {
			if (t->orders[found[i]->first + k] == order) {
				return true;
			}
		}
	}
	return false;
}

/* The obvious way; both sides folded. */
static bool
ends_with(struct view v, struct view key)
{
	return v.len >= key.len &&
	       view_caseeq(view_sub(v, v.len - key.len, v.len), key);
}

static void
test_against_naive(void **state)
{
	static struct rule_prog progs[N_KEYS];
	static uint8_t text[N_KEYS][8];
	const struct rule_prog *v[N_KEYS];
	struct literal_table t;
	uint32_t n = N_KEYS, scans = 0;

	(void)state;
	for (uint32_t i = 0; i < N_KEYS; i++) {
		progs[i].order = i;
		progs[i].fast_form = (uint8_t)rnd(3);
		progs[i].fast_key = view_of(text[i], word(text[i], 8));
		v[i] = &progs[i];
		scans += progs[i].fast_form == FAST_SCAN;
	}
	assert_true(literal_table_build(&t, v, &n));
	assert_int_equal(n, scans);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(v[i]->fast_form, FAST_SCAN);
	}
	assert_true(literal_table_memory(&t) > 0);
	for (unsigned round = 0; round < 3000; round++) {
		const struct literal_slot *found[LITERAL_TABLE_FOUND];
		uint8_t dotted[16] = ".";
		size_t len = word(dotted + 1, 12);
		struct view plain = view_of(dotted + 1, len);
		struct view dot = view_of(dotted, len + 1);
		uint32_t k = literal_table_find(&t, plain, found);

		for (uint32_t i = 0; i < N_KEYS; i++) {
			struct view key = progs[i].fast_key;
			bool want = progs[i].fast_form == FAST_SUFFIX
					    ? ends_with(dot, key)
					    : view_caseeq(dot, key) ||
						      view_caseeq(plain, key);

			if (progs[i].fast_form != FAST_SCAN) {
				assert_int_equal(found_has(&t, found, k, i),
						 want);
			}
		}
	}
	literal_table_fini(&t);
}

static void
test_long_values(void **state)
{
	static uint8_t bytes[4096];
	struct rule_prog p = { .fast_form = FAST_SUFFIX };
	const struct rule_prog *v[] = { &p };
	const struct literal_slot *found[LITERAL_TABLE_FOUND];
	struct literal_table t;
	uint32_t n = 1;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	p.fast_key = view_of(bytes, FAST_KEY_MAX);
	assert_true(literal_table_build(&t, v, &n));
	assert_int_equal(
		literal_table_find(&t, view_of(bytes, sizeof(bytes)), found),
		1);
	assert_int_equal(
		literal_table_find(&t, view_of(bytes, FAST_KEY_MAX - 1), found),
		0);
	assert_int_equal(literal_table_find(&t, VIEW_NONE, found), 0);
	literal_table_fini(&t);
}

/* The form that the one rule of 'text' is found by. */
static int
form(const char *text)
{
	struct diag d = { "" };
	struct ruleset *rs = rules_of(NULL, text, &d);
	int f;

	if (rs == NULL || ruleset_count(rs) != 1) {
		fail_msg("%s: %s", text,
			 rs != NULL ? ruleset_report(rs)->problems[0].reason
				    : d.msg);
		return -1;
	}
	f = ruleset_rule(rs, 0)->prog->fast_form;
	ruleset_free(rs);
	return f;
}

#define DNS(opts) "alert dns any any -> any any (dns.query; " opts " sid:1;)\n"
#define URI(opts) "alert http any any -> any any (http.uri; " opts " sid:1;)\n"

static void
test_forms(void **state)
{
	(void)state;
	assert_int_equal(form(DNS("content:\"a.example\"; bsize:9;")),
			 FAST_WHOLE);
	assert_int_equal(form(DNS("bsize:9; content:\"a.example\"; nocase;")),
			 FAST_WHOLE);
	assert_int_equal(
		form(DNS("content:\"a.example\"; startswith; endswith;")),
		FAST_WHOLE);
	assert_int_equal(form(DNS("content:\"a.example\"; depth:9; "
				  "isdataat:!1,relative;")),
			 FAST_WHOLE);
	assert_int_equal(form(DNS("dotprefix; content:\".a.example\"; "
				  "endswith;")),
			 FAST_SUFFIX);
	assert_int_equal(form(DNS("content:\".a.example\"; "
				  "isdataat:!1,relative;")),
			 FAST_SUFFIX);
	assert_int_equal(form("alert tls any any -> any any (ja3.hash; "
			      "content:\"0123456789abcdef0123456789abcdef\"; "
			      "sid:1;)\n"),
			 FAST_WHOLE);
	/* and those that ask something else */
	assert_int_equal(form(DNS("content:\"a.example\";")), FAST_SCAN);
	assert_int_equal(form(DNS("content:\"a.example\"; bsize:>9;")),
			 FAST_SCAN);
	assert_int_equal(form(DNS("content:\"a.example\"; startswith;")),
			 FAST_SCAN);
	assert_int_equal(form(DNS("content:\"a.example\"; depth:10; "
				  "isdataat:!2,relative;")),
			 FAST_SCAN);
	assert_int_equal(form(URI("content:\"/long/path\"; content:\".php\"; "
				  "endswith;")),
			 FAST_SCAN);
	assert_int_equal(form("alert http any any -> any any (file.data; "
			      "content:\"tail\"; endswith; sid:1;)\n"),
			 FAST_SCAN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_naive),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_forms),
	};

	rnd_state = 7;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
