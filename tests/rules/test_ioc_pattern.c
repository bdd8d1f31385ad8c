/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "rules/ioc_pattern_match.h"
#include "rules/ioc_pattern_state.h"
#include "rules/rule_match.h"
#include "tests/cpu_time.h"

static struct diag d;

static struct ioc_set *
set_of(const char *pattern)
{
	const struct ioc_note n = { .type = IOC_PATTERN, .id = "x" };
	struct ioc_set *s = ioc_set_new();

	if (ioc_set_add(s, &n, view_cstr(pattern), &d) != ERR_OK) {
		fail_msg("%s: %s", pattern, d.msg);
	}
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	return s;
}

static void
refused(const char *pattern, const char *why)
{
	const struct ioc_note n = { .type = IOC_PATTERN };
	struct ioc_set *s = ioc_set_new();

	assert_int_equal(ioc_set_add(s, &n, view_cstr(pattern), &d),
			 ERR_FORMAT);
	if (strstr(d.msg, why) == NULL) {
		fail_msg("%s: %s", pattern, d.msg);
	}
	assert_int_equal(ioc_set_count(s), 0);
	ioc_set_free(s);
}

static void
test_refused(void **state)
{
	(void)state;
	refused("[", "an object's type");
	refused("[domain-name:value MATCHES '(?:(?:[a-z]{99}){99}){9}']",
		"more than 32768");
	refused("[process:pid = 5]", "process:pid is not matched");
	refused("[domain-name:value MATCHES '(']", "MATCHES '(': missing");
	refused("[domain-name:value = 'x'] REPEATS 1001 TIMES",
		"1001 observations at once; at most 1000");
	refused("([domain-name:value = 'x'] REPEATS 100 TIMES) REPEATS 100 "
		"TIMES",
		"10000 observations");
}

static bool
like(const char *text, const char *pattern)
{
	uint32_t steps = 1000;

	return ioc_like(view_cstr(text), view_cstr(pattern), &steps);
}

static void
test_like(void **state)
{
	char text[4001], pattern[4001];
	uint32_t steps = IOC_RUN_STEPS;

	(void)state;
	assert_true(like("", ""));
	assert_true(like("", "%"));
	assert_false(like("", "_"));
	assert_true(like("abc", "a%c"));
	assert_true(like("abc", "%%b%"));
	assert_true(like("abcbc", "%bc"));
	assert_false(like("abcb", "%bc"));
	assert_true(like("abc", "___"));
	assert_false(like("abc", "____"));
	assert_true(like("a\xc3\xa9z", "a_z")); /* one character, two bytes */
	assert_true(like("a\xff"
			 "z",
			 "a_z")); /* no UTF-8: one byte */
	assert_false(like("A", "a"));
	/* Each '%' tries again from everywhere: bounded, and then false. */
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i + 1 < sizeof(pattern); i++) {
		pattern[i] = i < 2000 ? (i % 2 != 0 ? 'a' : '%') : 'a';
	}
	pattern[3998] = 'b';
	pattern[sizeof(pattern) - 1] = '\0';
	assert_false(ioc_like(view_cstr(text), view_cstr(pattern), &steps));
}

/* A flow's first packet from 192.0.2.1:4000 to 198.51.100.2:80. */
static struct inspect
packet(struct inspect_flow *f)
{
	struct inspect in = { .kind = INSPECT_PACKET, .flow = f };

	*f = (struct inspect_flow){ .id = 1,
				    .first_packet = true,
				    .first_us = UINT64_C(1700000000000000) };
	in.pkt.ip_version = 4;
	in.pkt.proto = IPP_TCP;
	in.pkt.ts_us = UINT64_C(1700000000000000);
	in.pkt.sport = 4000;
	in.pkt.dport = 80;
	assert_true(addr_parse(VIEW_LIT("192.0.2.1"), &in.pkt.src));
	assert_true(addr_parse(VIEW_LIT("198.51.100.2"), &in.pkt.dst));
	return in;
}

static uint32_t
hits_of(const char *pattern, const struct inspect *in, bool end)
{
	struct ioc_matching *m = ioc_matching_new();
	struct ioc_set *s = set_of(pattern);
	struct rule_hit v[4];
	struct rule_hits hits = { .v = v, .cap = ARRAY_LEN(v) };

	if (end) {
		ioc_pattern_match_end(s, m, in, &hits);
	} else {
		ioc_pattern_match(s, m, in, &hits);
	}
	for (uint32_t i = 0; i < hits.n; i++) {
		assert_int_equal(v[i].rule->sid, IOC_SID_BASE + 11);
		assert_string_equal(v[i].ioc->value, pattern);
	}
	ioc_set_free(s);
	ioc_matching_free(m);
	return hits.n;
}

static void
test_begin(void **state)
{
	static const struct {
		const char *pattern;
		uint32_t hits;
	} cases[] = {
		{ "[ipv4-addr:value = '192.0.2.1' AND ipv4-addr:value LIKE "
		  "'192.%']",
		  1 },
		{ "[ipv4-addr:value = '192.0.2.1' AND ipv4-addr:value = "
		  "'198.51.100.2']", /* no address is both */
		  0 },
		{ "[network-traffic:src_ref.value = '192.0.2.1' AND "
		  "network-traffic:dst_port IN (80, 443) AND "
		  "network-traffic:protocols[1] = 'tcp']",
		  1 },
		{ "[network-traffic:dst_ref.value = '192.0.2.1']", 0 },
		{ "[network-traffic:dst_port NOT IN (443) AND "
		  "network-traffic:dst_port != 443.5]",
		  1 },
		{ "[network-traffic:start > t'2023-11-14T22:13:19.9Z' AND "
		  "network-traffic:start < t'2023-11-14T22:13:20.1Z']",
		  1 },
		{ "[network-traffic:is_active = false]", 0 },
		{ "[network-traffic:src_packets >= 0]", 0 },
		{ "[NOT EXISTS network-traffic:end]", 0 },
		{ "[network-traffic:dst_port = 80] START "
		  "t'2023-01-01T00:00:00Z' STOP t'2023-02-01T00:00:00Z'",
		  0 },
	};
	struct inspect_flow f;
	struct inspect in = packet(&f), back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (hits_of(cases[i].pattern, &in, false) != cases[i].hits) {
			fail_msg("%s", cases[i].pattern);
		}
	}
	/* The same flow, seen from the other side first. */
	back = in;
	back.dir = DIR_TOCLIENT;
	back.pkt.src = in.pkt.dst;
	back.pkt.dst = in.pkt.src;
	back.pkt.sport = 80;
	back.pkt.dport = 4000;
	assert_int_equal(hits_of(cases[2].pattern, &back, false), 1);
	f.first_packet = false;
	assert_int_equal(hits_of(cases[2].pattern, &in, false), 0);
}

static void
test_end(void **state)
{
	struct inspect_flow f;
	struct inspect in = packet(&f);

	(void)state;
	f.bytes[0] = 5000;
	f.pkts[1] = 3;
	f.app = APP_TLS;
	assert_int_equal(hits_of("[network-traffic:src_byte_count > 4999 AND "
				 "network-traffic:dst_packets = 3 AND "
				 "network-traffic:dst_port = 80]",
				 &in, true),
			 1);
	assert_int_equal(
		hits_of("[network-traffic:protocols[*] = 'tls']", &in, true),
		1);
	/* Was told when it began. */
	assert_int_equal(hits_of("[network-traffic:dst_port = 80]", &in, true),
			 0);
	assert_int_equal(
		hits_of("[network-traffic:is_active = false]", &in, true), 1);
}

static void
test_transaction(void **state)
{
	static const struct view headers[] = { VIEW_LIT("Host: a.example"),
					       VIEW_LIT("User-Agent: Evil/1"),
					       VIEW_LIT("X: 1"),
					       VIEW_LIT("X: 2") };
	static const struct view method = VIEW_LIT("GET");
	static const struct view host = VIEW_LIT("a.example");
	static const struct view uri = VIEW_LIT("/p?q=1");
#define HEADER "network-traffic:extensions.'http-request-ext'.request_header."
	struct inspect_flow f;
	struct inspect in = packet(&f);
	const char *agent = "[" HEADER "'User-Agent' = 'Evil/1' AND "
			    "network-traffic:dst_port = 80]";

	(void)state;
	in.kind = INSPECT_TX;
	in.app = APP_HTTP;
	inspect_set(&in, BUF_HTTP_REQ_ONE_HEADER, headers, 4);
	inspect_set(&in, BUF_HTTP_METHOD, &method, 1);
	inspect_set(&in, BUF_HTTP_HOST, &host, 1);
	inspect_set(&in, BUF_HTTP_HOST_RAW, &host, 1);
	inspect_set(&in, BUF_HTTP_URI_RAW, &uri, 1);
	memcpy(in.fresh, in.done, sizeof(in.fresh));
	assert_int_equal(hits_of(agent, &in, false), 1);
	assert_int_equal(hits_of("[" HEADER "x[1] = '2' AND " HEADER
				 "'X'[0] = '1']",
				 &in, false),
			 1);
	assert_int_equal(hits_of("[" HEADER "X[2] = '2']", &in, false), 0);
	assert_int_equal(hits_of("[NOT EXISTS " HEADER "Referer]", &in, false),
			 1);
	assert_int_equal(hits_of("[NOT EXISTS " HEADER "Host]", &in, false), 0);
	assert_int_equal(
		hits_of("[url:value = 'http://a.example/p?q=1']", &in, false),
		1);
	assert_int_equal(
		hits_of("[domain-name:value = 'A.Example.']", &in, false), 1);
	/* In a later call of the same transaction they are no news. */
	memset(in.fresh, 0, sizeof(in.fresh));
	assert_int_equal(hits_of(agent, &in, false), 0);
#undef HEADER
}

static void
test_file(void **state)
{
	static const uint8_t sum[32] = { 0xab, 0xcd };
	struct inspect_flow f;
	struct inspect in = packet(&f);

	(void)state;
	in.kind = INSPECT_TX;
	in.n_files = 1;
	in.files[0] = (struct inspect_file){ .name = VIEW_LIT("a.exe"),
					     .size = 7,
					     .digest = { NULL, NULL, sum } };
	assert_int_equal(hits_of("[file:name = 'a.exe']", &in, false), 0);
	in.files[0].ended = true;
	assert_int_equal(
		hits_of("[file:name = 'a.exe' AND file:size < 8]", &in, false),
		1);
	assert_int_equal(
		hits_of("[file:hashes.'SHA-256' LIKE 'ABCD00%']", &in, false),
		1);
	assert_int_equal(hits_of("[NOT EXISTS file:hashes.MD5]", &in, false),
			 1);
}

static void
test_expressions_are_bounded(void **state)
{
	struct ioc_set *s =
		set_of("[network-traffic:extensions.x.server_name MATCHES "
		       "'^(a+)+$']");
	struct ioc_matching *m = ioc_matching_new();
	uint64_t began = cpu_us();
	struct observed_fact *f;

	(void)state;
	observation_reset(&m->obs, PATTERN_AT_TX, 1);
	f = observation_add(&m->obs, PATTERN_P_SNI,
			    observation_object(&m->obs, OBSERVED_TRAFFIC),
			    true);
	f->text = VIEW_LIT("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
	ioc_pattern_find(ioc_set_patterns(s), &m->run, &m->hits);
	assert_int_equal(m->hits.n, 0);
	assert_int_equal(m->hits.tried, 1);
	assert_int_equal(m->run.limited, 1);
	assert_true(cpu_us() - began < 2000000);
	ioc_matching_free(m);
	ioc_set_free(s);
}

/*
 * What steps back at each place of a long value, below the limit of each: a
 * third of a second apiece if places were not added up.  Others are matched as
 * before, and what takes many steps in one place may.
 */
static void
test_long_values_are_bounded(void **state)
{
	static char text[4097];
	static const char *const patterns[] = { "(?:a{0,140}){2}[bd]",
						"a{0,130}a{0,130}[bd]",
						"(*NO_JIT)(?:a{0,140}){2}[bd]",
						"(?:a|aa)+[bd]" };
	struct ioc_matching *m = ioc_matching_new();
	uint64_t began = cpu_us();

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 2] = 'c';
	for (unsigned i = 0; i < 40; i++) {
		bool ends = i % 5 == 4;
		char pattern[128];
		struct ioc_set *s;

		snprintf(pattern, sizeof(pattern),
			 "[network-traffic:extensions.x.server_name MATCHES "
			 "'%s']",
			 ends ? "^(?:a|b)+c$" : patterns[i % 5]);
		s = set_of(pattern);
		observation_reset(&m->obs, PATTERN_AT_TX, i + 1);
		observation_add(&m->obs, PATTERN_P_SNI,
				observation_object(&m->obs, OBSERVED_TRAFFIC),
				true)
			->text = view_of(text, 2000);
		if (ends) {
			text[1999] = 'c';
		}
		ioc_pattern_find(ioc_set_patterns(s), &m->run, &m->hits);
		assert_int_equal(m->hits.n, ends);
		text[1999] = 'a';
		ioc_set_free(s);
	}
	assert_true(cpu_us() - began < 2000000);
	ioc_matching_free(m);
}

/* Those that are stopped take nothing from the next observation. */
static void
test_stops_are_counted(void **state)
{
	struct ioc_set *s =
		set_of("[network-traffic:extensions.x.server_name MATCHES "
		       "'^(?:a|aa)+[bd]']");
	struct ioc_matching *m = ioc_matching_new();
	static char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	observation_reset(&m->obs, PATTERN_AT_TX, 1);
	for (unsigned i = 0; i < 10; i++) {
		observation_add(&m->obs, PATTERN_P_SNI,
				observation_object(&m->obs, OBSERVED_TRAFFIC),
				true)
			->text = view_of(text, sizeof(text) - i);
	}
	ioc_pattern_find(ioc_set_patterns(s), &m->run, &m->hits);
	assert_int_equal(m->hits.n, 0);
	assert_true(m->run.limited > 0);
	assert_true(m->run.tries_left < IOC_RUN_HARD_TRIES);
	text[299] = 'b';
	observation_reset(&m->obs, PATTERN_AT_TX, 2);
	observation_add(&m->obs, PATTERN_P_SNI,
			observation_object(&m->obs, OBSERVED_TRAFFIC), true)
		->text = view_of(text, sizeof(text));
	ioc_pattern_find(ioc_set_patterns(s), &m->run, &m->hits);
	assert_int_equal(m->hits.n, 1);
	assert_int_equal(m->run.tries_left, IOC_RUN_HARD_TRIES);
	ioc_matching_free(m);
	ioc_set_free(s);
}

/* Applies one observation; its time in seconds. */
static bool
apply(struct ioc_pattern_state *t, const struct ioc_set *s, uint64_t leaves,
      uint64_t second)
{
	return ioc_pattern_state_apply(t, ioc_set_patterns(s)->v[0], leaves,
				       second * US_PER_S);
}

static void
test_repeats(void **state)
{
	struct ioc_set *s =
		set_of("[domain-name:value = 'x'] REPEATS 3 TIMES WITHIN 10 "
		       "SECONDS");
	struct ioc_pattern_state *t = ioc_pattern_state_new(1);

	(void)state;
	assert_false(apply(t, s, 1, 100));
	assert_false(apply(t, s, 1, 105));
	assert_false(apply(t, s, 1, 111)); /* the first is too old */
	assert_true(apply(t, s, 1, 115));
	assert_int_equal(ioc_pattern_state_counters(t).kept, 0);
	assert_false(apply(t, s, 1, 115)); /* those were used up */
	ioc_pattern_state_free(t);
	ioc_set_free(s);
}

static void
test_eviction(void **state)
{
	struct ioc_set *s = set_of("[domain-name:value = 'x'] FOLLOWEDBY "
				   "([domain-name:value = 'y'] AND "
				   "[domain-name:value = 'z'])");
	struct ioc_pattern_state *t = ioc_pattern_state_new(1);

	(void)state;
	assert_false(apply(t, s, 1, 1));
	for (uint64_t i = 0; i < 5000; i++) {
		assert_false(apply(t, s, 2, 10 + i));
	}
	assert_int_equal(ioc_pattern_state_counters(t).kept, IOC_STATE_KEPT);
	assert_int_equal(ioc_pattern_state_counters(t).evicted,
			 5001 - IOC_STATE_KEPT);
	/* A flood of one leaf displaces only itself. */
	assert_true(apply(t, s, 4, 6000));
	assert_int_equal(ioc_pattern_state_counters(t).limited, 0);
	ioc_pattern_state_free(t);
	ioc_set_free(s);
}

static void
test_search_is_bounded(void **state)
{
	struct ioc_set *s =
		set_of("([domain-name:value = 'x'] WITHIN 9 SECONDS AND "
		       "([domain-name:value = 'x'] AND [domain-name:value = "
		       "'y']) REPEATS 20 TIMES) WITHIN 10 SECONDS AND "
		       "[domain-name:value = 'z'] FOLLOWEDBY "
		       "[domain-name:value = 'x']");
	struct ioc_pattern_state *t = ioc_pattern_state_new(1);
	uint64_t began = cpu_us();

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		assert_false(apply(t, s, i % 3 != 0 ? 1 | 2 | 16 : 4, i));
	}
	assert_false(apply(t, s, 8, 1));
	assert_true(ioc_pattern_state_counters(t).limited > 0);
	assert_true(cpu_us() - began < 4000000);
	ioc_pattern_state_free(t);
	ioc_set_free(s);
}

/* A reload keeps what a pattern that stays was waiting for. */
static void
test_move(void **state)
{
	struct ioc_set *s = set_of("[domain-name:value = 'x'] FOLLOWEDBY "
				   "[domain-name:value = 'y']");
	struct ioc_pattern_state *t = ioc_pattern_state_new(1);
	struct ioc_pattern_state *next = ioc_pattern_state_new(1);

	(void)state;
	assert_false(apply(t, s, 1, 1));
	ioc_pattern_state_move(next, 0, t, 0);
	assert_int_equal(ioc_pattern_state_counters(t).kept, 0);
	assert_int_equal(ioc_pattern_state_counters(next).kept, 1);
	assert_true(apply(next, s, 2, 2));
	ioc_pattern_state_free(t);
	ioc_pattern_state_free(next);
	ioc_set_free(s);
}

/* Found by what they name, not tried one by one; what names nothing is. */
static void
test_many(void **state)
{
	const struct ioc_note n = { .type = IOC_PATTERN, .id = "x" };
	struct ioc_set *s = ioc_set_new();
	struct ioc_matching *m = ioc_matching_new();
	struct observed_fact *f;
	char text[200];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(text, sizeof(text),
			 "[domain-name:value = 'h%u.example' AND "
			 "domain-name:value LIKE '%%.example'] FOLLOWEDBY "
			 "[network-traffic:dst_port = %u]",
			 i, 40000 + i / 1000);
		assert_int_equal(ioc_set_add(s, &n, view_cstr(text), &d),
				 ERR_OK);
	}
	for (unsigned i = 0; i <= IOC_PATTERN_CHAIN_MAX; i++) {
		snprintf(text, sizeof(text),
			 "[url:value LIKE '%%%u'] REPEATS 2 TIMES", i);
		assert_int_equal(ioc_set_add(s, &n, view_cstr(text), &d),
				 i < IOC_PATTERN_CHAIN_MAX ? ERR_OK
							   : ERR_FORMAT);
	}
	assert_non_null(strstr(d.msg, "it needs a rarer value"));
	assert_int_equal(ioc_set_seal(s), ERR_OK);
	observation_reset(&m->obs, PATTERN_AT_TX, 1);
	f = observation_add(&m->obs, PATTERN_P_DOMAIN,
			    observation_object(&m->obs, OBSERVED_DOMAIN), true);
	f->text = VIEW_LIT("h777.example");
	ioc_pattern_find(ioc_set_patterns(s), &m->run, &m->hits);
	assert_int_equal(m->hits.n, 1);
	assert_int_equal(m->hits.v[0].prog->number, 777);
	assert_int_equal(m->hits.v[0].leaves, 1);
	assert_true(m->hits.tried <= 2);
	ioc_matching_free(m);
	ioc_set_free(s);
}

#define PAIR(a, b) \
	"[network-traffic:dst_port = " a "] FOLLOWEDBY " \
	"[network-traffic:src_port = " b "]"

/* A set with these patterns, from a list. */
static struct ruleset *
rules_with(const char *a, const char *b)
{
	char path[] = "/tmp/test_ioc_pattern.XXXXXX";
	const char *paths[] = { path };
	int fd = mkstemp(path);
	struct ruleset *rs;
	FILE *f;

	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	assert_non_null(f);
	fprintf(f, "# type: stix\n%s\n%s\n", a, b);
	fclose(f);
	rs = ruleset_load(NULL, NULL, 0, paths, 1, &d);
	if (rs == NULL) {
		fail_msg("%s", d.msg);
	}
	assert_int_equal(ruleset_indicator_count(rs), 2);
	remove(path);
	return rs;
}

/* Offers a flow's first packet; its claims are settled in 's'.  Returns how
 * many of its hits are met. */
static unsigned
offer(const struct ruleset *rs, struct shared_state *s, uint16_t sport,
      uint16_t dport, bool at_once)
{
	struct rule_matcher *m = rule_matcher_new(rs);
	struct rule_hit v[8];
	struct rule_hits hits = { .v = v, .cap = ARRAY_LEN(v) };
	struct rule_flow *flow_state = NULL;
	struct inspect_flow f;
	struct inspect in = packet(&f);
	unsigned met = 0;

	in.flow_state = &flow_state;
	in.pkt.sport = sport;
	in.pkt.dport = dport;
	if (at_once) {
		rule_matcher_settle(m, s);
	}
	rule_match(m, &in, &hits);
	for (uint32_t i = 0; i < hits.n; i++) {
		assert_int_equal(claim_is_made(&v[i].claim), !at_once);
		met += at_once || shared_state_apply(s, &v[i].claim);
	}
	rule_matcher_free(m);
	return met;
}

/* A reload keeps what patterns that stay wait for, whatever their place; and
 * one worker alone settles where it matches. */
static void
test_reload(void **state)
{
	struct ruleset *first = rules_with(PAIR("1", "2"), PAIR("3", "4"));
	struct ruleset *second = rules_with(PAIR("5", "6"), PAIR("1", "2"));
	struct shared_state *s;
	struct shared_next *n;

	(void)state;
	assert_int_equal(shared_state_new(&s, first, NULL, &d), ERR_OK);
	assert_int_equal(offer(first, s, 9, 1, false), 0);
	assert_int_equal(offer(first, s, 9, 3, true), 0);
	assert_int_equal(shared_state_counters(s).patterns_kept, 2);
	assert_int_equal(shared_next_new(&n, s, second, NULL, &d), ERR_OK);
	shared_state_follow(s, n);
	assert_int_equal(shared_state_counters(s).patterns_kept, 1);
	assert_int_equal(offer(second, s, 4, 9, false), 0);
	assert_int_equal(offer(second, s, 6, 9, false), 0);
	assert_int_equal(offer(second, s, 2, 9, true), 1);
	assert_int_equal(offer(second, s, 2, 9, true), 0);
	shared_state_free(s);
	ruleset_free(first);
	ruleset_free(second);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_like),
		cmocka_unit_test(test_begin),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_transaction),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_expressions_are_bounded),
		cmocka_unit_test(test_long_values_are_bounded),
		cmocka_unit_test(test_stops_are_counted),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_search_is_bounded),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
