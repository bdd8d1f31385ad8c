/* SPDX-License-Identifier: Apache-2.0 */
/* Every keyword of the table has a case that holds and one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/keyword.h"
#include "tests/rules/address_lists.h"
#include "tests/rules/keyword_case.h"
#include "tests/rules/rule_case.h"

static struct address_lists lists;

static int
begin(void **state)
{
	(void)state;
	return address_lists_begin(&lists) ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	address_lists_end(&lists);
	return 0;
}

static const char *
buffer_name(int buf)
{
	static const char *const names[] = {
#define BUF(sym, text) [BUF_##sym] = text,
		INSPECT_BUF_LIST(BUF)
#undef BUF
	};

	return names[buf];
}

static bool
is_buffer(const struct keyword *w)
{
	if ((w->flags & KWF_ADDR) != 0) {
		return false; /* its bytes are not free */
	}
	return w->shape == KW_BUFFER || w->shape == KW_MODIFIER ||
	       w->shape == KW_TEXT_IN;
}

/* Buffers are alike: "abc" is in them or not. */
static void
check_buffer(const struct keyword *w)
{
	const char *app = app_proto_name((enum app_proto)w->app);
	int buf = w->a != KW_NONE ? w->a : w->b;
	unsigned dir = w->a != KW_NONE ? DIR_TOSERVER : DIR_TOCLIENT;
	unsigned proto = (w->flags & KWF_UDP) != 0     ? IPP_UDP
			 : (w->flags & KWF_ICMP4) != 0 ? IPP_ICMP
			 : (w->flags & KWF_ICMP6) != 0 ? IPP_ICMPV6
						       : IPP_TCP;
	char rule[256], input[256];

	snprintf(rule, sizeof(rule), "alert %s any any -> any any (",
		 app != NULL                    ? app
		 : (w->flags & KWF_PACKET) != 0 ? "ip"
						: "tcp");
	if (w->shape == KW_BUFFER) {
		strcat(rule, w->name);
		strcat(rule, "; content:\"abc\"; sid:1;)\n");
	} else if (w->shape == KW_MODIFIER) {
		strcat(rule, "content:\"abc\"; ");
		strcat(rule, w->name);
		strcat(rule, "; sid:1;)\n");
	} else {
		strcat(rule, w->name);
		strcat(rule, ":\"abc\"; sid:1;)\n");
	}
	for (unsigned i = 0; i < 2; i++) {
		snprintf(input, sizeof(input),
			 "proto=%u;version=%u;dir=%u;app=%s;%s=x%sx", proto,
			 (w->flags & KWF_V6) != 0 ? 6 : 4, dir,
			 app != NULL ? app : "http", buffer_name(buf),
			 /* serials are capitals, whatever the rule says */
			 buf == BUF_TLS_CERT_SERIAL ? (i == 0 ? "ABC" : "ABD")
			 : i == 0                   ? "abc"
						    : "abd");
		if (keyword_case_matches(lists.conf, rule, input) != (i == 0)) {
			fail_msg("%s against %s", rule, input);
		}
	}
}

static void
test_buffers(void **state)
{
	const struct keyword *w;

	(void)state;
	for (size_t i = 0; (w = keyword_at(i)) != NULL; i++) {
		if (is_buffer(w)) {
			check_buffer(w);
		}
	}
}

static bool
loads(const char *rules)
{
	struct diag d = { "" };
	struct ruleset *rs = rules_of(lists.conf, rules, &d);
	bool good = rs != NULL && ruleset_report(rs)->failed == 0 &&
		    ruleset_report(rs)->loaded > 0;

	ruleset_free(rs);
	return good;
}

static void
test_cases(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < n_keyword_cases; i++) {
		const struct keyword_case *c = &keyword_cases[i];

		if (c->yes == NULL && !loads(c->rules)) {
			print_error("must load: %s", c->rules);
			wrong++;
		}
		if (c->yes != NULL &&
		    !keyword_case_matches(lists.conf, c->rules, c->yes)) {
			print_error("must match %s: %s", c->yes, c->rules);
			wrong++;
		}
		if (c->no != NULL &&
		    keyword_case_matches(lists.conf, c->rules, c->no)) {
			print_error("must not match %s: %s", c->no, c->rules);
			wrong++;
		}
		if (c->bad != NULL && loads(c->bad)) {
			print_error("must be refused: %s", c->bad);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

static bool
has_cases(const struct keyword *w)
{
	for (size_t i = 0; i < n_keyword_cases; i++) {
		const struct keyword_case *c = &keyword_cases[i];

		if (strcmp(c->keyword, w->name) == 0) {
			return c->no != NULL || c->bad != NULL;
		}
	}
	return false;
}

/* A keyword without a row is a keyword that nobody knows to work. */
static void
test_complete(void **state)
{
	const struct keyword *w;
	unsigned missing = 0;

	(void)state;
	for (size_t i = 0; (w = keyword_at(i)) != NULL; i++) {
		if (w->shape != KW_REFUSED && !is_buffer(w) && !has_cases(w)) {
			print_error("no case for keyword %s\n", w->name);
			missing++;
		}
	}
	for (size_t i = 0; i < n_keyword_cases; i++) {
		if (keyword_find(view_cstr(keyword_cases[i].keyword)) == NULL) {
			print_error("a case for %s, which is no keyword\n",
				    keyword_cases[i].keyword);
			missing++;
		}
	}
	assert_int_equal(missing, 0);
}

/* What is known and not done is refused, and says why. */
static void
test_refused(void **state)
{
	const struct keyword *w;

	(void)state;
	for (size_t i = 0; (w = keyword_at(i)) != NULL; i++) {
		char rule[256];

		if (w->shape != KW_REFUSED) {
			continue;
		}
		assert_non_null(w->note);
		snprintf(rule, sizeof(rule),
			 "alert tcp any any -> any any (%s:1; sid:1;)\n",
			 w->name);
		if (loads(rule)) {
			fail_msg("must be refused: %s", rule);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
