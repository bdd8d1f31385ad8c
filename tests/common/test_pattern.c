/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "common/pattern.h"
#include "common/pattern_tree.h"

static struct diag d;

static struct pattern *
parse(const char *text)
{
	struct pattern *p;
	enum err e;

	d.msg[0] = '\0';
	e = pattern_parse(&p, view_cstr(text), &d);
	if (e != ERR_OK) {
		fail_msg("%s: %s", text, d.msg);
	}
	return p;
}

static void
test_canonical(void **state)
{
	static const struct {
		const char *text, *canon;
	} cases[] = {
		{ "[a:b='c']", "[a:b = 'c']" },
		{ "[ a:b == 'c' AND x-y:z.'k k'[*].w <> 1 ]",
		  "[a:b = 'c' AND x-y:z.'k k'[*].w != 1]" },
		{ "[a:b = 1 OR a:b = 2 AND a:c = 3]",
		  "[a:b = 1 OR (a:b = 2 AND a:c = 3)]" },
		{ "[(a:b = 1 OR a:b = 2) AND NOT EXISTS a:c]",
		  "[(a:b = 1 OR a:b = 2) AND NOT EXISTS a:c]" },
		{ "[a:b NOT IN ('x', 2, true, t'2026-01-02T03:04:05Z', "
		  "h'00ff', b'aGk=', -1.50) OR a:b IN ()]",
		  "[a:b NOT IN ('x', 2, true, t'2026-01-02T03:04:05Z', "
		  "h'00ff', b'aGk=', -1.50) OR a:b IN ()]" },
		{ "[a:b LIKE '%\\'\\\\_' OR a:b MATCHES '^x' OR a:b "
		  "ISSUBSET '10.0.0.0/8' OR a:b NOT ISSUPERSET 'x']",
		  "[a:b LIKE '%\\'\\\\_' OR a:b MATCHES '^x' OR a:b "
		  "ISSUBSET '10.0.0.0/8' OR a:b NOT ISSUPERSET 'x']" },
		{ "[a:b=1]AND[a:b=2]OR[a:b=3]FOLLOWEDBY[a:b=4]",
		  "(([a:b = 1] AND [a:b = 2]) OR [a:b = 3]) FOLLOWEDBY "
		  "[a:b = 4]" },
		{ "([a:b=1] FOLLOWEDBY [a:b=2] REPEATS 5 TIMES) WITHIN 1.5 "
		  "SECONDS START t'2026-01-01T00:00:00Z' STOP "
		  "t'2026-01-02T00:00:00.5Z'",
		  "([a:b = 1] FOLLOWEDBY [a:b = 2] REPEATS 5 TIMES) WITHIN "
		  "1.5 SECONDS START t'2026-01-01T00:00:00Z' STOP "
		  "t'2026-01-02T00:00:00.5Z'" },
		{ "/* one */ [a:b /* two */ = 1] // three", "[a:b = 1]" },
		{ "[a:b[0].c[-1] >= 1.5 AND a:d < t'2026-01-02T03:04:05.25Z']",
		  "[a:b[0].c[-1] >= 1.5 AND a:d < "
		  "t'2026-01-02T03:04:05.25Z']" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pattern *p = parse(cases[i].text), *again;
		char out[1000], twice[1000];
		size_t n = pattern_print(p, out, sizeof(out));

		assert_string_equal(out, cases[i].canon);
		assert_int_equal(n, strlen(out));
		again = parse(out);
		pattern_print(again, twice, sizeof(twice));
		assert_string_equal(out, twice);
		assert_int_equal(again->n_observations, p->n_observations);
		assert_int_equal(again->n_comparisons, p->n_comparisons);
		assert_int_equal(pattern_print(p, twice, 5), n);
		assert_int_equal(strlen(twice), 4);
		pattern_free(p);
		pattern_free(again);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "the pattern ends at byte 0 where '[' is expected" },
		{ "a", "at byte 0: '[' expected at 'a'" },
		{ "[]", "at byte 1: an object's type expected at ']'" },
		{ "[a]", "at byte 2: ':' expected" },
		{ "[a:]", "a property's name expected at ']'" },
		{ "[a:b]", "at byte 4: an operator expected at ']'" },
		{ "[a:b =]", "a value expected at ']'" },
		{ "[a:b = 'x]", "the end of this string expected" },
		{ "[a:b = 'x\\n']", "\\\\ or \\' expected at '\\n" },
		{ "[a:b = 1", "the pattern ends at byte 8 where ']'" },
		{ "[a:b = 1] [a:b = 2]", "AND, OR, FOLLOWEDBY" },
		{ "[a:b = 1] and [a:b = 2]", "AND, OR, FOLLOWEDBY" },
		{ "[a:b LIKE 5]", "a string before this" },
		{ "[a:b < true]", "an order before this" },
		{ "[a:b = t'yesterday']", "a timestamp like" },
		{ "[a:b = h'abc']", "pairs of hex digits" },
		{ "[a:b = b'abc']", "base64" },
		{ "[NOT a:b = 1]", "EXISTS expected" },
		{ "[a:b = 1] WITHIN 0 SECONDS", "seconds above 0" },
		{ "[a:b = 1] WITHIN 5", "SECONDS" },
		{ "[a:b = 1] REPEATS 0 TIMES", "a number of 1 to" },
		{ "[a:b = 1] REPEATS 1.5 TIMES", "a number of 1 to" },
		{ "[a:b = 1] START 'x' STOP 'y'", "a timestamp before" },
		{ "[a:b = 1] START t'2026-01-02T00:00:00Z' STOP "
		  "t'2026-01-02T00:00:00Z'",
		  "a STOP later than its START" },
		{ "[a:b = 99999999999999999999]", "at most 64 bits" },
		{ "[a:b = 1] /* open", "the end of this comment" },
		{ "[a:b[x] = 1]", "a value expected at 'x" },
		{ "[a:b = '\xff']", "no UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pattern *p;

		d.msg[0] = '\0';
		assert_int_equal(
			pattern_parse(&p, view_cstr(cases[i].text), &d),
			ERR_FORMAT);
		assert_null(p);
		if (strstr(d.msg, cases[i].says) == NULL) {
			fail_msg("%s: %s", cases[i].text, d.msg);
		}
	}
}

/* 'n' times 'each', parted by 'by', between 'first' and 'last'. */
static enum err
parse_many(const char *first, const char *each, const char *by,
	   const char *last, unsigned n)
{
	static char text[100000];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s", first);
	struct pattern *p;
	enum err e;

	for (unsigned i = 0; i < n; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					i > 0 ? by : "", each);
	}
	snprintf(text + len, sizeof(text) - len, "%s", last);
	e = pattern_parse(&p, view_cstr(text), &d);
	pattern_free(p);
	return e;
}

static void
test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_many("[", "a:b=1", " AND ", "]", 64), ERR_OK);
	assert_int_equal(parse_many("[", "a:b=1", " OR ", "]", 65), ERR_LIMIT);
	assert_int_equal(parse_many("", "[a:b=1]", " OR ", "", 65), ERR_LIMIT);
	assert_int_equal(parse_many("", "(", "", "[a:b=1]", 33), ERR_LIMIT);
	assert_int_equal(parse_many("[", "(", "", "a:b=1]", 33), ERR_LIMIT);
	assert_int_equal(parse_many("[a:b=1]", " REPEATS 2 TIMES", "", "", 64),
			 ERR_OK);
	assert_int_equal(parse_many("[a:b=1]", " REPEATS 2 TIMES", "", "", 65),
			 ERR_LIMIT);
	assert_int_equal(parse_many("[a:b IN (", "1", ",", ")]", 4096), ERR_OK);
	assert_int_equal(parse_many("[a:b IN (", "1", ",", ")]", 4097),
			 ERR_LIMIT);
	assert_int_equal(parse_many("[a:b", ".c", "", "=1]", 15), ERR_OK);
	assert_int_equal(parse_many("[a:b", ".c", "", "=1]", 16), ERR_LIMIT);
	assert_int_equal(parse_many("[a:b = '", "x", "", "']", 17000),
			 ERR_LIMIT);
}

struct told {
	char text[1000];
	unsigned stop_after;
};

static enum err
on_value(void *arg, enum indicator_kind kind, bool exact, struct view value)
{
	struct told *t = arg;
	size_t n = strlen(t->text);

	assert_false(exact);
	snprintf(t->text + n, sizeof(t->text) - n, "%s=%.*s;",
		 indicator_kind_name(kind), (int)value.len, value.p);
	return t->stop_after > 0 && --t->stop_after == 0 ? ERR_NOMEM : ERR_OK;
}

static enum err
on_unseen(void *arg, const char *why)
{
	struct told *t = arg;
	size_t n = strlen(t->text);

	snprintf(t->text + n, sizeof(t->text) - n, "unseen: %s;", why);
	return ERR_OK;
}

static void
test_values(void **state)
{
	static const struct {
		const char *text, *values; /* NULL: more than values */
	} cases[] = {
		{ "[ipv4-addr:value = '192.0.2.1']", "ip=192.0.2.1;" },
		{ "[ipv4-addr:value ISSUBSET '10.0.0.0/8' OR (ipv6-addr:value "
		  "IN ('2001:db8::1', '2001:db8::2'))] OR "
		  "([domain-name:value = 'a.example'])",
		  "ip=10.0.0.0/8;ip=2001:db8::1;ip=2001:db8::2;"
		  "domain=a.example;" },
		{ "[file:hashes.'SHA-256' = 'aa' OR file:hashes.MD5 = 'bb' OR "
		  "file:hashes.SHA1 = 'cc' OR url:value = 'http://x/']",
		  "file-sha256=aa;file-md5=bb;file-sha1=cc;url=http://x/;" },
		{ "[network-traffic:extensions.'x-tls'.ja3 = 'f' OR "
		  "network-traffic:extensions.'http-request-ext'."
		  "request_header.'User-Agent' = 'evil/1']",
		  "ja3=f;user-agent=evil/1;" },
		{ "[ipv4-addr:value ISSUPERSET '192.0.2.1/32' OR "
		  "ipv6-addr:value ISSUPERSET '2001:db8::1']",
		  "ip=192.0.2.1/32;ip=2001:db8::1;" },
		{ "[domain-name:value != 'a.example']", NULL },
		{ "[domain-name:value NOT = 'a.example']", NULL },
		{ "[domain-name:value LIKE 'a.%']", NULL },
		{ "[domain-name:value = 'a' AND domain-name:value = 'b']",
		  NULL },
		{ "[domain-name:value = 'a'] AND [domain-name:value = 'b']",
		  NULL },
		{ "[domain-name:value = 'a'] REPEATS 2 TIMES", NULL },
		{ "[network-traffic:dst_port = 80]", NULL },
		{ "[email-addr:value = 'a@b']", NULL },
		{ "[domain-name:value = 5]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pattern *p = parse(cases[i].text);
		struct told t = { .text = "" };
		enum err e;
		bool all = pattern_values(p, on_value, &t, &e);

		assert_int_equal(e, ERR_OK);
		assert_int_equal(all, cases[i].values != NULL);
		assert_string_equal(t.text, all ? cases[i].values : "");
		if (all) {
			t = (struct told){ .stop_after = 1 };
			assert_true(pattern_values(p, on_value, &t, &e));
			assert_int_equal(e, ERR_NOMEM);
		}
		pattern_free(p);
	}
}

static void
test_alternatives(void **state)
{
	struct pattern *p = parse("[ipv4-addr:value = '192.0.2.1' OR "
				  "email-addr:value = 'a@b']");
	struct told t = { .text = "" };
	enum err e;

	(void)state;
	assert_false(pattern_values(p, on_value, &t, &e));
	assert_true(pattern_alternatives(p, on_value, on_unseen, &t, &e));
	assert_string_equal(t.text,
			    "ip=192.0.2.1;unseen: email-addr:value is not "
			    "matched by this sensor;");
	pattern_free(p);
}

static void
test_supported(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: supported */
	} cases[] = {
		{ "[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY "
		  "[domain-name:value LIKE '%.example'] WITHIN 60 SECONDS",
		  NULL },
		{ "[network-traffic:src_byte_count > 1000 AND "
		  "network-traffic:protocols[*] = 'tcp']",
		  NULL },
		{ "[network-traffic:is_active = false AND NOT EXISTS "
		  "network-traffic:end]",
		  NULL },
		{ "[email-addr:value = 'a@b']",
		  "email-addr:value is not matched by this sensor" },
		{ "[process:pid = 5 OR domain-name:value = 'x']",
		  "process:pid is not matched" },
		{ "[domain-name:value = 'x' AND ipv4-addr:value = '1.2.3.4']",
		  "different objects" },
		{ "[domain-name:value ISSUBSET 'x']", "for addresses" },
		{ "[domain-name:value ISSUPERSET 'x']", "for addresses" },
		{ "[ipv4-addr:value ISSUPERSET '10.0.0.0/8']",
		  "ISSUPERSET '10.0.0.0/8': a sensor sees single" },
		{ "[ipv4-addr:value ISSUPERSET '10.0.0.1/32' AND "
		  "ipv4-addr:value NOT ISSUPERSET '10.0.0.2']",
		  NULL },
		{ "[ipv4-addr:value = 'x']", "no address or network" },
		{ "[network-traffic:dst_port MATCHES '80']", "no text" },
		{ "[network-traffic:dst_port = '80']", "not a number" },
		{ "[domain-name:value IN ()]", "no value matches" },
		{ "[domain-name:resolves_to_refs[*].value = '192.0.2.1']",
		  "domain-name:resolves_to_refs[*].value is not matched" },
		{ "[network-traffic:protocols[-1] = 'tcp']",
		  "network-traffic:protocols[-1] is not" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pattern *p = parse(cases[i].text);
		enum err e = pattern_supported(p, &d);

		if (cases[i].says == NULL) {
			assert_int_equal(e, ERR_OK);
		} else {
			assert_int_equal(e, ERR_USAGE);
			if (strstr(d.msg, cases[i].says) == NULL) {
				fail_msg("%s: %s", cases[i].text, d.msg);
			}
		}
		pattern_free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_supported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
