/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rules/held.h"
#include "rules/threshold.h"

static struct addr
v4(uint32_t host)
{
	uint8_t b[4];

	store_be32(b, host);
	return addr_from_v4(b);
}

static struct rule
rule_with(enum threshold_type type, enum threshold_track track, uint32_t count,
	  uint32_t seconds)
{
	struct rule r = { .gid = 1, .sid = 7, .rev = 1 };
	struct rule_threshold th = {
		.type = type, .track = track, .count = count, .seconds = seconds
	};

	if (type == THRESHOLD_DETECTION) {
		r.detection_filter = th;
	} else {
		r.threshold = th;
	}
	return r;
}

static bool
alerts(struct threshold_table *t, const struct rule *r, uint32_t src,
       uint32_t dst, uint64_t flow, uint64_t second)
{
	struct threshold_key key = { v4(src), v4(dst), flow, 0 };

	return threshold_check(t, r, &key, second * US_PER_S) == THRESHOLD_PASS;
}

/* One match a second from one host: '1' where it alerts. */
static void
expect_seconds(const struct rule *r, const char *want)
{
	struct threshold_table *t = threshold_table_new(16);
	char got[64] = "";

	for (size_t i = 0; i < strlen(want); i++) {
		got[i] = alerts(t, r, 1, 2, 3, 1000 + i) ? '1' : '0';
	}
	assert_string_equal(got, want);
	threshold_table_free(t);
}

static void
test_types(void **state)
{
	struct rule r;

	(void)state;
	r = rule_with(THRESHOLD_NONE, TRACK_BY_SRC, 0, 0);
	expect_seconds(&r, "1111");
	/* The period's last second still belongs to it. */
	r = rule_with(THRESHOLD_LIMIT, TRACK_BY_SRC, 2, 4);
	expect_seconds(&r, "110001100011");
	r = rule_with(THRESHOLD_LIMIT, TRACK_BY_SRC, 0, 60);
	expect_seconds(&r, "1000");
	r = rule_with(THRESHOLD_THRESHOLD, TRACK_BY_SRC, 3, 60);
	expect_seconds(&r, "001001001");
	r = rule_with(THRESHOLD_THRESHOLD, TRACK_BY_SRC, 1, 60);
	expect_seconds(&r, "1111");
	r = rule_with(THRESHOLD_THRESHOLD, TRACK_BY_SRC, 3, 1);
	expect_seconds(&r, "000000");
	r = rule_with(THRESHOLD_BOTH, TRACK_BY_SRC, 3, 5);
	expect_seconds(&r, "001000001000");
	r = rule_with(THRESHOLD_BOTH, TRACK_BY_SRC, 1, 2);
	expect_seconds(&r, "100100");
	r = rule_with(THRESHOLD_DETECTION, TRACK_BY_SRC, 2, 60);
	expect_seconds(&r, "001111");
	r = rule_with(THRESHOLD_DETECTION, TRACK_BY_SRC, 2, 3);
	expect_seconds(&r, "00110011");
}

static void
test_tracks(void **state)
{
	struct threshold_table *t = threshold_table_new(64);
	struct rule r = rule_with(THRESHOLD_LIMIT, TRACK_BY_SRC, 1, 60);

	(void)state;
	assert_true(alerts(t, &r, 1, 2, 3, 0));
	assert_false(alerts(t, &r, 1, 9, 9, 0));
	assert_true(alerts(t, &r, 2, 1, 3, 0));
	r.threshold.track = TRACK_BY_DST;
	assert_true(alerts(t, &r, 1, 2, 3, 0));
	assert_false(alerts(t, &r, 9, 2, 9, 0));
	assert_true(alerts(t, &r, 2, 1, 3, 0));
	r.threshold.track = TRACK_BY_BOTH;
	assert_true(alerts(t, &r, 1, 2, 3, 0));
	assert_false(alerts(t, &r, 2, 1, 9, 0));
	assert_true(alerts(t, &r, 1, 3, 3, 0));
	r.threshold.track = TRACK_BY_FLOW;
	assert_true(alerts(t, &r, 1, 2, 3, 0));
	assert_false(alerts(t, &r, 5, 6, 3, 0));
	assert_true(alerts(t, &r, 1, 2, 4, 0));
	r.threshold.track = TRACK_BY_RULE;
	assert_true(alerts(t, &r, 1, 2, 3, 0));
	assert_false(alerts(t, &r, 5, 6, 7, 0));
	r.sid++;
	assert_true(alerts(t, &r, 5, 6, 7, 0));
	assert_int_equal(threshold_suppressed(t), 5);
	assert_int_equal(threshold_evicted(t), 0);
	threshold_table_free(t);
}

/* The filter counts every match, the limit only what passes the filter. */
static void
test_filter_then_limit(void **state)
{
	struct rule r = rule_with(THRESHOLD_DETECTION, TRACK_BY_SRC, 2, 60);

	(void)state;
	r.threshold = (struct rule_threshold){ .type = THRESHOLD_LIMIT,
					       .track = TRACK_BY_SRC,
					       .count = 1,
					       .seconds = 60 };
	expect_seconds(&r, "00100000");
}

/* At 2, 4, 8, 16 and so on; time does not matter. */
static void
test_backoff(void **state)
{
	struct rule r = rule_with(THRESHOLD_BACKOFF, TRACK_BY_FLOW, 2, 0);

	(void)state;
	r.threshold.multiplier = 2;
	expect_seconds(&r, "01010001000000010000");
	r.threshold.multiplier = 1;
	expect_seconds(&r, "0111111");
	r.threshold.count = 1;
	r.threshold.multiplier = 10;
	expect_seconds(&r, "1000000001000");
	/* As far as a count goes, and not round. */
	r.threshold.multiplier = UINT32_MAX;
	expect_seconds(&r, "1000000000000");
}

static void
test_rate_filter(void **state)
{
	struct rule r = rule_with(THRESHOLD_NONE, TRACK_BY_SRC, 0, 0);

	(void)state;
	r.rate_filter = (struct rule_threshold){ .type = THRESHOLD_RATE,
						 .track = TRACK_BY_SRC,
						 .count = 2,
						 .seconds = 60,
						 .timeout = 3,
						 .silent = true };
	/* Silent from the third on for three seconds, then anew. */
	expect_seconds(&r, "110000110000");
	r.rate_filter.timeout = 0;
	expect_seconds(&r, "110000000000");
	/* Another action than pass changes nothing on a tap. */
	r.rate_filter.silent = false;
	expect_seconds(&r, "111111111111");
	/* Slower than the rate: two a minute may pass for ever. */
	r.rate_filter.silent = true;
	r.rate_filter.seconds = 1;
	expect_seconds(&r, "111111111111");
}

static void
test_causes(void **state)
{
	struct threshold_table *t = threshold_table_new(16);
	struct threshold_key key = { v4(1), v4(2), 3, 0 };
	struct rule r = rule_with(THRESHOLD_LIMIT, TRACK_BY_RULE, 1, 60);

	(void)state;
	assert_int_equal(threshold_check(t, &r, &key, 1), THRESHOLD_PASS);
	assert_int_equal(threshold_check(t, &r, &key, 1), THRESHOLD_BY_LIMIT);
	r = rule_with(THRESHOLD_DETECTION, TRACK_BY_RULE, 1, 60);
	assert_int_equal(threshold_check(t, &r, &key, 1), THRESHOLD_BY_FILTER);
	assert_int_equal(threshold_suppressed(t), 2);
	threshold_table_free(t);
}

static void
test_held(void **state)
{
	struct held *h = held_new();
	struct rule r = { .gid = 1, .sid = 1 };
	const struct held_rule *worst[2];
	struct held_rule *news;

	(void)state;
	assert_null(held_news(h, &r));
	for (uint32_t sid = 1; sid <= 1000; sid++) {
		r.sid = sid;
		held_add(h, &r, HELD_THRESHOLD);
	}
	held_add(h, &r, HELD_SUPPRESS);
	r.sid = 7;
	held_add(h, &r, HELD_SUPPRESS);
	held_add(h, &r, HELD_SUPPRESS);
	assert_int_equal(held_rules(h), 1000);
	assert_int_equal(held_total(h, HELD_THRESHOLD), 1000);
	assert_int_equal(held_total(h, HELD_SUPPRESS), 3);
	assert_int_equal(held_worst(h, worst, 2), 2);
	assert_int_equal(worst[0]->sid, 7);
	assert_int_equal(worst[1]->sid, 1000);
	news = held_news(h, &r);
	assert_non_null(news);
	assert_int_equal(news->fresh[HELD_SUPPRESS], 2);
	held_told(news);
	assert_null(held_news(h, &r));
	assert_int_equal(worst[0]->total, 3);
	r.sid = 1001;
	assert_null(held_news(h, &r));
	held_free(h);
}

static void
test_time_running_back(void **state)
{
	struct threshold_table *t = threshold_table_new(4);
	struct rule r = rule_with(THRESHOLD_LIMIT, TRACK_BY_SRC, 1, 10);

	(void)state;
	assert_true(alerts(t, &r, 1, 2, 3, 100));
	assert_false(alerts(t, &r, 1, 2, 3, 50));
	assert_false(alerts(t, &r, 1, 2, 3, 110));
	assert_true(alerts(t, &r, 1, 2, 3, 111));
	threshold_table_free(t);
}

static void
test_eviction(void **state)
{
	struct threshold_table *t = threshold_table_new(3);
	struct rule r = rule_with(THRESHOLD_LIMIT, TRACK_BY_SRC, 1, 10);

	(void)state;
	assert_null(threshold_table_new(0));
	assert_true(alerts(t, &r, 1, 0, 0, 0));
	assert_true(alerts(t, &r, 2, 0, 0, 0));
	assert_true(alerts(t, &r, 3, 0, 0, 0));
	assert_false(alerts(t, &r, 1, 0, 0, 1));
	assert_true(alerts(t, &r, 4, 0, 0, 1)); /* replaces 2 */
	assert_int_equal(threshold_evicted(t), 1);
	assert_false(alerts(t, &r, 1, 0, 0, 2));
	assert_false(alerts(t, &r, 3, 0, 0, 2));
	assert_true(alerts(t, &r, 2, 0, 0, 2));
	assert_int_equal(threshold_evicted(t), 2);
	/* An entry whose period is over loses nothing. */
	assert_true(alerts(t, &r, 5, 0, 0, 1000));
	assert_int_equal(threshold_evicted(t), 2);
	threshold_table_free(t);
}

#define MODEL_MAX 50
#define MODEL_HOSTS 200

/* The same matches against a plain array searched from end to end. */
struct model {
	uint32_t host[MODEL_MAX], count[MODEL_MAX];
	uint64_t start[MODEL_MAX], used[MODEL_MAX];
	uint32_t n;
};

static bool
model_alerts(struct model *m, uint32_t host, uint64_t second, uint64_t now)
{
	uint32_t i = 0;

	while (i < m->n && m->host[i] != host) {
		i++;
	}
	if (i == m->n && m->n < MODEL_MAX) {
		m->n++;
		m->host[i] = 0;
	} else if (i == m->n) {
		i = 0;
		for (uint32_t k = 1; k < m->n; k++) {
			i = m->used[k] < m->used[i] ? k : i;
		}
	}
	if (m->host[i] != host || second > m->start[i] + 30) {
		m->host[i] = host;
		m->start[i] = second;
		m->count[i] = 0;
	}
	m->used[i] = now;
	return ++m->count[i] <= 2;
}

static void
test_against_model(void **state)
{
	struct threshold_table *t = threshold_table_new(MODEL_MAX);
	struct rule r = rule_with(THRESHOLD_LIMIT, TRACK_BY_SRC, 2, 30);
	static struct model m;
	uint64_t x = 1;

	(void)state;
	for (uint64_t i = 1; i < 100000; i++) {
		uint32_t host;

		x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
		host = 1 + (uint32_t)(x >> 33) % MODEL_HOSTS;
		if ((x >> 40) % 2 == 0) {
			host = 1 + host % 20;
		}
		assert_int_equal(alerts(t, &r, host, 0, 0, i / 10),
				 model_alerts(&m, host, i / 10, i));
	}
	assert_true(threshold_evicted(t) > 0);
	threshold_table_free(t);
}

/* A posture lets more through, or less, at once; filters stay as they are. */
static void
test_percent(void **state)
{
	static const struct {
		enum threshold_type type;
		unsigned count, percent;
		const char *want;
	} cases[] = {
		{ THRESHOLD_LIMIT, 2, 100, "11000000" },
		{ THRESHOLD_LIMIT, 2, 200, "11110000" },
		{ THRESHOLD_LIMIT, 2, 1, "10000000" },
		{ THRESHOLD_THRESHOLD, 4, 100, "00010001" },
		{ THRESHOLD_THRESHOLD, 4, 200, "01010101" },
		{ THRESHOLD_THRESHOLD, 4, 10000, "11111111" },
		{ THRESHOLD_THRESHOLD, 4, 50, "00000001" },
		{ THRESHOLD_BOTH, 4, 200, "01000000" },
		{ THRESHOLD_DETECTION, 2, 1000, "00111111" },
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct threshold_table *t = threshold_table_new(16);
		struct rule r = rule_with(cases[c].type, TRACK_BY_SRC,
					  cases[c].count, 60);
		char got[16] = "";

		threshold_set_percent(t, cases[c].percent);
		for (size_t i = 0; i < strlen(cases[c].want); i++) {
			got[i] = alerts(t, &r, 1, 2, 3, 1000 + i) ? '1' : '0';
		}
		assert_string_equal(got, cases[c].want);
		threshold_table_free(t);
	}
}

/* What an exercise had uses up nothing of what is real. */
static void
test_lanes(void **state)
{
	struct threshold_table *t = threshold_table_new(16);
	struct rule r = rule_with(THRESHOLD_LIMIT, TRACK_BY_DST, 1, 60);
	struct threshold_key real = { v4(1), v4(2), 3, 0 },
			     played = { v4(9), v4(2), 4, 1 };

	(void)state;
	assert_int_equal(threshold_check(t, &r, &played, 1000 * US_PER_S),
			 THRESHOLD_PASS);
	assert_int_equal(threshold_check(t, &r, &played, 1001 * US_PER_S),
			 THRESHOLD_BY_LIMIT);
	assert_int_equal(threshold_check(t, &r, &real, 1002 * US_PER_S),
			 THRESHOLD_PASS);
	assert_int_equal(threshold_check(t, &r, &real, 1003 * US_PER_S),
			 THRESHOLD_BY_LIMIT);
	threshold_table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_tracks),
		cmocka_unit_test(test_filter_then_limit),
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_rate_filter),
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_time_running_back),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_against_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
