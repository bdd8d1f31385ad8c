/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked before a list's tests: it says no, and only when they would. */
#include "tests/test.h"

#include "rules/rule_match.h"
#include "rules/rule_state.h"
#include "tests/rules/rule_case.h"

struct scene {
	struct ruleset *rs;
	struct rule_matcher *m;
	struct pool *pool;
	struct inspect in;
	struct inspect_flow flow;
	struct rule_flow *flow_state;
	struct rule_tx *tx_state;
	struct view views[BUF_COUNT];
	struct rule_hit hits[8];
	struct rule_hits out;
};

static void
scene_open(struct scene *s, const char *rules)
{
	static const uint8_t client[4] = { 192, 168, 1, 5 };
	static const uint8_t server[4] = { 198, 51, 100, 7 };
	struct diag d = { "" };

	memset(s, 0, sizeof(*s));
	s->rs = rules_of(NULL, rules, &d);
	assert_non_null(s->rs);
	assert_int_equal(ruleset_report(s->rs)->n_problems, 0);
	s->m = rule_matcher_new(s->rs);
	s->pool = pool_new((size_t)1 << 20);
	assert_non_null(s->m);
	assert_non_null(s->pool);
	s->out = (struct rule_hits){ .v = s->hits, .cap = 8 };
	s->flow = (struct inspect_flow){ .id = 1,
					 .established = true,
					 .is_tcp = true,
					 .app = APP_HTTP,
					 .pkts = { 3, 3 } };
	s->in.flow = &s->flow;
	s->in.app = APP_HTTP;
	s->in.pkt.src = addr_from_v4(client);
	s->in.pkt.dst = addr_from_v4(server);
	s->in.pkt.sport = 40000;
	s->in.pkt.dport = 80;
	s->in.pkt.ip_version = 4;
	s->in.pkt.proto = IPP_TCP;
	s->in.flow_state = &s->flow_state;
	s->in.tx_state = &s->tx_state;
	s->in.pool = s->pool;
}

static void
scene_close(struct scene *s)
{
	rule_flow_free(s->flow_state, s->pool);
	rule_tx_free(s->tx_state, s->pool);
	rule_matcher_free(s->m);
	ruleset_free(s->rs);
	pool_free(s->pool);
}

static void
forget(struct scene *s)
{
	memset(s->in.buf, 0, sizeof(s->in.buf));
	memset(s->in.done, 0, sizeof(s->in.done));
	memset(s->in.fresh, 0, sizeof(s->in.fresh));
}

static void
give(struct scene *s, enum inspect_buf b, struct view v)
{
	s->views[b] = v;
	inspect_set(&s->in, b, &s->views[b], 1);
	s->in.fresh[b / 64] |= UINT64_C(1) << (b % 64);
}

static uint32_t
call(struct scene *s, enum inspect_kind kind)
{
	s->in.kind = kind;
	s->out.n = 0;
	rule_match(s->m, &s->in, &s->out);
	return s->out.n;
}

/* The window 'text', of which 'seen' bytes came before; does a rule on the
 * stream speak? */
static bool
window(struct scene *s, const char *text, uint32_t seen)
{
	forget(s);
	give(s, BUF_STREAM, view_cstr(text));
	s->in.stream_seen = seen;
	return call(s, INSPECT_STREAM) > 0;
}

struct window_case {
	const char *options;
	const char *text;
	bool holds; /* once its last byte has come, and not before */
};

static const struct window_case window_cases[] = {
	{ "content:\"CWD\"; isdataat:4,relative; pcre:\"/^CWD\\s[^\\n]{4}/m\";",
	  "CWD ab\nCWD abcd", true },
	{ "content:\"CWD\"; isdataat:2,relative; content:\"x\"; distance:0;",
	  "xCWD 12 x", true },
	{ "content:\"ab\"; content:\"cd\"; distance:0;", "cdab..cd", true },
	{ "content:\"ab\"; content:\"cd\"; distance:0;", "cd..ab", false },
	{ "content:\"AB\"; nocase; content:\"cd\";", "cd.....aB", true },
	{ "content:\"ab\"; pcre:\"/a.*z/\";", "ab..Z..z", true },
	{ "content:\"ab\"; pcre:\"/b..Y/i\";", "ab..y", true },
	{ "content:\"ab\"; pcre:\"/b..Y/\";", "ab..y", false },
	{ "content:\"ab\"; pcre:\"/q|b..c/\";", "abxxc", true },
	{ "content:\"ab\"; pcre:\"/(?=.*qq)ab/\";", "ab.qq", false },
	{ "content:\"ab\"; content:!\"zz\"; content:\"cd\"; distance:1;",
	  "ab.cd", true },
	{ "content:\"cd\"; content:\"ab\"; offset:1; depth:3;", "xxabcd",
	  true },
	{ "content:\"cd\"; content:\"ab\"; offset:1; depth:2;", "xxabcd",
	  false },
};

static void
test_windows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(window_cases); i++) {
		const struct window_case *c = &window_cases[i];
		uint32_t most = (uint32_t)strlen(c->text) - 1;
		char rule[512], part[64];
		struct scene s;
		bool early, late;

		snprintf(rule, sizeof(rule),
			 "alert tcp any any -> any any (flow:only_stream; %s "
			 "sid:1;)\n",
			 c->options);
		snprintf(part, sizeof(part), "%.*s", (int)most, c->text);
		scene_open(&s, rule);
		early = window(&s, part, 0);
		late = window(&s, c->text, most);
		if (early || late != c->holds) {
			print_message("%s on \"%s\"\n", c->options, c->text);
		}
		assert_false(early);
		assert_int_equal(late, c->holds);
		scene_close(&s);
		/* all at once, as a new flow */
		scene_open(&s, rule);
		assert_true(window(&s, c->text, 0) || !c->holds);
		scene_close(&s);
	}
}

static uint32_t
uri_and_raw(struct scene *s, const char *uri, const char *raw)
{
	forget(s);
	if (uri != NULL) {
		give(s, BUF_HTTP_URI, view_cstr(uri));
	}
	if (raw != NULL) {
		give(s, BUF_STREAM, view_cstr(raw));
	}
	return call(s, INSPECT_TX);
}

/* A final buffer that says no: the rule does not wait for raw bytes. */
static void
test_settled(void **state)
{
	static const char rule[] =
		"alert http any any -> any any (flow:to_server; "
		"content:\"raw\"; http.uri; bsize:5; sid:1;)\n";
	uint64_t tried;
	struct scene s;

	(void)state;
	scene_open(&s, rule);
	assert_int_equal(uri_and_raw(&s, "/long/uri", "."), 0);
	tried = rule_matcher_stats(s.m)->candidates;
	assert_true(tried > 0);
	s.in.fresh[0] = s.in.fresh[1] = 0;
	assert_int_equal(call(&s, INSPECT_TX), 0);
	assert_int_equal(rule_matcher_stats(s.m)->candidates, tried);
	scene_close(&s);
	/* one that says yes does */
	scene_open(&s, rule);
	assert_int_equal(uri_and_raw(&s, "/fiv5", "."), 0);
	give(&s, BUF_STREAM, view_cstr("..raw"));
	s.in.fresh[0] = s.in.fresh[1] = 0;
	assert_int_equal(call(&s, INSPECT_TX), 1);
	scene_close(&s);
}

/* Transformed once for all rules of a call, and anew in the next. */
static void
test_transforms(void **state)
{
	static const char rules[] =
		"alert http any any -> any any (http.uri; to_md5; "
		"content:\"|900150983cd24fb0d6963f7d28e17f72|\"; sid:1;)\n"
		"alert http any any -> any any (http.uri; to_md5; "
		"content:\"|90 01|\"; startswith; sid:2;)\n"
		"alert http any any -> any any (http.uri; to_sha1; "
		"content:\"|a9 99 3e 36|\"; startswith; sid:3;)\n"
		"alert http any any -> any any (http.uri; xor:\"20\"; "
		"content:\"ABC\"; sid:4;)\n"
		"alert http any any -> any any (http.uri; xor:\"21\"; "
		"content:\"ABC\"; sid:5;)\n"
		"alert http any any -> any any (http.uri; to_md5; "
		"content:\"|90 01|\"; startswith; sid:6;)\n";
	char uri[] = "abc";
	struct scene s;

	(void)state;
	scene_open(&s, rules);
	assert_int_equal(uri_and_raw(&s, uri, NULL), 5);
	scene_close(&s);
	/* other bytes at the same address */
	scene_open(&s, rules);
	memcpy(uri, "xyz", 3);
	assert_int_equal(uri_and_raw(&s, uri, NULL), 0);
	memcpy(uri, "abc", 3);
	rule_tx_free(s.tx_state, s.pool);
	s.tx_state = NULL;
	assert_int_equal(uri_and_raw(&s, uri, NULL), 5);
	scene_close(&s);
}

/* What was searched in vain is not searched again, and nothing is missed: not
 * what lies across the seam, not behind bytes that have left the window. */
static void
test_dry_stream(void **state)
{
	static const struct {
		const char *text;
		uint32_t seen;
		uint64_t offset;
		bool holds;
	} steps[] = {
		{ "..ab", 0, 0, false },
		{ "..ab..abz", 4, 0, false },
		{ "..ab..abzab", 9, 0, false },
		{ "ab..abzab", 9, 2, false },
		{ "ab..abzabzq", 9, 2, false },
		{ "ab..abzabzqab", 11, 2, false },
		{ "ab..abzabzqabzq", 13, 2, false },
		{ "ab..abzabzqabzqx", 15, 2, true },
	};
	struct scene s;

	(void)state;
	scene_open(&s, "alert tcp any any -> any any (flow:only_stream; "
		       "content:\"ab\"; fast_pattern; content:\"zqx\"; "
		       "sid:1;)\n");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		s.in.stream_offset = steps[i].offset;
		assert_int_equal(window(&s, steps[i].text, steps[i].seen),
				 steps[i].holds);
	}
	assert_non_null(s.flow_state->dries);
	scene_close(&s);
}

#define AB_AND(word) \
	"alert tcp any any -> any any (flow:only_stream; content:\"ab\"; " \
	"fast_pattern; content:\"" word "\"; sid:1;)\n"

/* The same rule with another literal: that the former set's was not there says
 * nothing of it. */
static void
test_dry_reload(void **state)
{
	struct diag d = { "" };
	struct rule_matcher *m, *former;
	struct ruleset *rs;
	struct scene s;

	(void)state;
	scene_open(&s, AB_AND("zqx"));
	assert_false(window(&s, "ab.zqy.", 0));
	assert_false(window(&s, "ab.zqy.ab", 7));
	assert_non_null(s.flow_state->dries);
	rs = rules_after(s.rs, NULL, AB_AND("zqy"), &d);
	assert_non_null(rs);
	m = rule_matcher_new(rs);
	assert_non_null(m);
	former = s.m;
	s.m = m;
	rule_matcher_follow(s.m, former);
	rule_matcher_free(former);
	ruleset_free(s.rs);
	s.rs = rs;
	assert_true(window(&s, "ab.zqy.abab", 9));
	scene_close(&s);
}

static void
test_dry_tx(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "alert http any any -> any any (content:\"ab\"; "
		       "content:\"zqx\"; http.uri; content:\"abc\"; "
		       "sid:1;)\n");
	assert_int_equal(uri_and_raw(&s, "abc", "ab."), 0);
	for (unsigned i = 0; i < 2; i++) {
		forget(&s);
		give(&s, BUF_HTTP_URI, view_cstr("abc"));
		give(&s, BUF_STREAM, view_cstr(i == 0 ? "ab.z" : "ab.zq"));
		assert_int_equal(call(&s, INSPECT_TX), 0);
	}
	assert_non_null(s.tx_state->dries);
	assert_int_equal(uri_and_raw(&s, "abc", "ab.zqx"), 1);
	scene_close(&s);
}

/* Once it is known to be another, the rule does not wait for raw bytes. */
static void
test_version(void **state)
{
	struct scene s;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		bool same = i == 1;

		scene_open(&s, "alert tls any any -> any any (flow:to_server; "
			       "tls.version:1.2; content:\"ab\"; sid:1;)\n");
		s.in.app = s.flow.app = APP_TLS;
		s.in.num_set = 1u << NUM_TLS_VERSION;
		s.in.num[NUM_TLS_VERSION] = same ? 0x0303 : 0x0301;
		assert_int_equal(uri_and_raw(&s, NULL, "a"), 0);
		assert_int_equal(s.tx_state != NULL ? s.tx_state->pending.n : 0,
				 same);
		assert_int_equal(uri_and_raw(&s, NULL, "ab"), same);
		scene_close(&s);
	}
}

#define TEN "0123456789"

/* A buffer that is too short is not searched; one that is not, is. */
static void
test_least(void **state)
{
	static const struct {
		const char *options, *uri;
		bool holds;
	} of[] = {
		{ "content:\"ab\"; content:\"c\"; distance:3;", "ab...c",
		  true },
		{ "content:\"ab\"; content:\"c\"; distance:3;", "ab..c",
		  false },
		{ "content:\"cd\"; content:\"ab\"; distance:-4;", "abcd",
		  true },
		{ "content:\"ab\"; isdataat:3,relative;", "ab...", true },
		{ "content:\"ab\"; isdataat:3,relative;", "ab..", false },
		{ "content:\"ab\"; isdataat:!3,relative;", "ab..", true },
		{ "content:\"ab\"; isdataat:4;", "ab...", true },
		{ "content:\"ab\"; content:!\"cdefgh\"; distance:9;", "ab",
		  true },
		{ "content:\"ab\"; pcre:\"/^c{3}/R\";", "abccc", true },
		{ "content:\"ab\"; pcre:\"/^c{3}/R\";", "abcc", false },
		{ "content:\"ab\"; pcre:!\"/^c{3}/R\";", "ab", true },
		{ "content:\"ab\"; offset:3; content:\"c\";", "c..ab", true },
		{ "content:\"ab\"; byte_jump:1,0,relative,string,dec; "
		  "content:\"c\"; distance:-4;",
		  "cab0", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		struct scene s;
		char rule[512];
		bool holds;

		snprintf(rule, sizeof(rule),
			 "alert http any any -> any any (http.uri; %s "
			 "sid:1;)\n",
			 of[i].options);
		scene_open(&s, rule);
		holds = uri_and_raw(&s, of[i].uri, NULL) == 1;
		if (holds != of[i].holds) {
			print_message("%s on %s\n", of[i].options, of[i].uri);
		}
		assert_int_equal(holds, of[i].holds);
		scene_close(&s);
	}
}

/* Rules that begin alike do not make one another candidates. */
static void
test_long_literals(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "alert http any any -> any any (http.uri; "
		       "content:\"" TEN TEN TEN TEN "abc\"; sid:1;)\n"
		       "alert http any any -> any any (http.uri; "
		       "content:\"" TEN TEN TEN TEN "abd\"; sid:2;)\n");
	assert_int_equal(uri_and_raw(&s, TEN TEN TEN TEN "abd", NULL), 1);
	assert_int_equal(s.hits[0].rule->sid, 2);
	assert_int_equal(rule_matcher_stats(s.m)->candidates, 1);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_transforms),
		cmocka_unit_test(test_dry_stream),
		cmocka_unit_test(test_dry_reload),
		cmocka_unit_test(test_dry_tx),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_long_literals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
