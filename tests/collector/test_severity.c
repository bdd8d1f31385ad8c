/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/severity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/situation.h"
#include "collector/stage.h"
#include "tests/rnd.h"

static unsigned
score(unsigned crit, unsigned far, unsigned stages, unsigned sites,
      unsigned owners, unsigned sev, unsigned conf)
{
	struct severity_input in = { crit,   far, stages, sites,
				     owners, sev, conf,   0 };
	struct severity_factors f;
	unsigned s = severity_score(&in, &f);

	assert_int_equal(s, f.mission + f.stage + f.spread + f.alert +
				    f.indicator);
	assert_true(s <= 100);
	return s;
}

static void
never_falls(void **state)
{
	(void)state;
	for (unsigned crit = 0; crit <= 100; crit += 25) {
		for (unsigned far = 0; far < STAGE_COUNT; far++) {
			for (unsigned sites = 1; sites < 6; sites++) {
				unsigned s =
					score(crit, far, 1, sites, 1, 3, 50);

				assert_true(score(crit, far, 1, sites + 1, 1, 3,
						  50) >= s);
				assert_true(score(crit, far, 1, sites, 2, 3,
						  50) > s);
				assert_true(score(crit, far, 2, sites, 1, 3,
						  50) >= s);
				assert_true(score(crit, far + 1, 1, sites, 1, 3,
						  50) >= s);
				assert_true(score(crit, far, 1, sites, 1, 2,
						  50) > s);
				assert_true(score(crit, far, 1, sites, 1, 3,
						  60) > s);
				assert_true(score(crit + 25, far, 1, sites, 1,
						  3, 50) >= s);
			}
		}
	}
}

/* Each sensor that went blind adds, two at most, and 100 is the end. */
static void
silence_adds(void **state)
{
	static const unsigned adds[] = { 0, 5, 10, 10 };
	struct severity_factors f;

	(void)state;
	for (unsigned crit = 0; crit <= 100; crit += 50) {
		struct severity_input in = {
			crit, STAGE_COUNT - 1, 5, 4, 2, 1, crit, 0
		};
		unsigned without = severity_score(&in, &f);

		for (unsigned n = 0; n < ARRAY_LEN(adds); n++) {
			in.n_silent = n;
			assert_int_equal(severity_score(&in, &f),
					 MIN(without + adds[n], 100u));
			assert_int_equal(f.silence, adds[n]);
		}
	}
}

static void
levels_as_the_schema_draws_them(void **state)
{
	(void)state;
	assert_int_equal(severity_level(0), 0);
	assert_int_equal(severity_level(19), 0);
	assert_int_equal(severity_level(20), 1);
	assert_int_equal(severity_level(35), 2);
	assert_int_equal(severity_level(50), 3);
	assert_int_equal(severity_level(65), 4);
	assert_int_equal(severity_level(80), 5);
	assert_int_equal(severity_level(100), 5);
	assert_string_equal(severity_level_name(5), "emergency");
	assert_int_equal(score(100, 15, 16, 9, 3, 1, 100), 100);
	assert_int_equal(severity_level(score(0, 0, 0, 1, 1, 4, 0)), 0);
}

static void
one_leads_whatever_the_order(void **state)
{
	struct severity_stake s[3] = { { "US", 50, 2, 10 },
				       { "JP", 100, 1, 1 },
				       { "AU", 50, 2, 10 } };

	(void)state;
	severity_order_stakes(s, 3);
	assert_string_equal(s[0].owner, "JP");
	assert_string_equal(s[1].owner, "AU");
	assert_string_equal(s[2].owner, "US");
}

/* Drawn from so few values that most of them tie. */
static void
one_leads_however_they_tie(void **state)
{
	struct severity_stake s[SEVERITY_MAX_OWNERS], first;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = 1 + rnd(SEVERITY_MAX_OWNERS);

		for (unsigned i = 0; i < n; i++) {
			s[i] = (struct severity_stake){ .criticality =
								rnd(2) * 50,
							.n_sites = rnd(2),
							.count = rnd(2) };
			snprintf(s[i].owner, sizeof(s[i].owner), "O%02u", i);
		}
		severity_order_stakes(s, n);
		first = s[0];
		for (unsigned again = 0; again < 4; again++) {
			for (unsigned i = n; i-- > 1;) {
				unsigned k = rnd(i + 1);
				struct severity_stake swap = s[i];

				s[i] = s[k];
				s[k] = swap;
			}
			severity_order_stakes(s, n);
			assert_string_equal(s[0].owner, first.owner);
		}
		for (unsigned i = 1; i < n; i++) {
			assert_true(first.criticality >= s[i].criticality);
			assert_true(first.criticality > s[i].criticality ||
				    first.n_sites >= s[i].n_sites);
		}
	}
}

/* What was found before is the least that there is, factor by factor. */
static void
at_least_as_before(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct severity_factors a = { rnd(31), rnd(26), rnd(21),
					      rnd(16), rnd(11), rnd(11) };
		struct severity_factors b = { rnd(31), rnd(26), rnd(21),
					      rnd(16), rnd(11), rnd(11) };
		struct severity_factors f = a, g = b, none = { 0 };
		unsigned s = severity_at_least(&f, &b);

		assert_true(s >= severity_at_least(&a, &none) && s <= 100);
		assert_int_equal(s, severity_at_least(&g, &a));
		assert_memory_equal(&f, &g, sizeof(f));
	}
	/* The least criticality that a factor can come from gives it again. */
	for (unsigned crit = 0; crit <= 100; crit++) {
		struct severity_input in = { .criticality = crit };
		struct severity_factors f, again;

		severity_score(&in, &f);
		in.criticality = severity_criticality(&f);
		assert_true(in.criticality <= crit);
		severity_score(&in, &again);
		assert_int_equal(again.mission, f.mission);
	}
}

static void
stages_go_one_way(void **state)
{
	struct stage_times t = { { 0 }, { 0 } };

	(void)state;
	assert_int_equal(stage_of(VIEW_LIT("TA0001")), 2);
	assert_int_equal(stage_of(VIEW_LIT("TA9999")), STAGE_NONE);
	assert_int_equal(stage_of(VIEW_LIT("TA00011")), STAGE_NONE);
	assert_int_equal(stage_progress(&t, 0), 0);
	stage_add(&t, 12, 100, 100);
	stage_add(&t, 7, 200, 200);
	stage_add(&t, 2, 300, 300);
	assert_int_equal(stage_progress(&t, 0), 1);
	assert_int_equal(stage_progress(&t, 100), 2);
	stage_add(&t, 7, 400, 400);
	assert_int_equal(stage_progress(&t, 0), 2);
	stage_add(&t, 12, 500, 500);
	assert_int_equal(stage_progress(&t, 0), 3);
	assert_int_equal(stage_mask(&t), 1u << 2 | 1u << 7 | 1u << 12);
}

/* Worked out by hand from the bounds of severity.h. */
static const unsigned by_hand[][9] = {
	/* criticality, furthest stage, stages, sites, owners, severity,
	 * confidence: score, level */
	/* nothing known */
	{ 0, 0, 0, 1, 1, 4, 0, 3, 0 },
	{ 0, 0, 0, 0, 0, 4, 0, 3, 0 },
	/* the alert alone, worst to least; none said counts as least */
	{ 0, 0, 0, 1, 1, 1, 0, 15, 0 },
	{ 0, 0, 0, 1, 1, 2, 0, 10, 0 },
	{ 0, 0, 0, 1, 1, 3, 0, 6, 0 },
	{ 0, 0, 0, 1, 1, 0, 0, 3, 0 },
	{ 0, 0, 0, 1, 1, 9, 0, 3, 0 },
	/* the indicator: a tenth of the confidence */
	{ 0, 0, 0, 1, 1, 4, 9, 3, 0 },
	{ 0, 0, 0, 1, 1, 4, 10, 4, 0 },
	{ 0, 0, 0, 1, 1, 4, 55, 8, 0 },
	{ 0, 0, 0, 1, 1, 4, 100, 13, 0 },
	{ 0, 0, 0, 1, 1, 4, 250, 13, 0 },
	/* the mission: three tenths of the criticality */
	{ 25, 0, 0, 1, 1, 4, 0, 10, 0 },
	{ 50, 0, 0, 1, 1, 4, 0, 18, 0 },
	{ 75, 0, 0, 1, 1, 4, 0, 25, 1 },
	{ 100, 0, 0, 1, 1, 4, 0, 33, 1 },
	{ 33, 0, 0, 1, 1, 4, 0, 12, 0 },
	{ 200, 0, 0, 1, 1, 4, 0, 33, 1 },
	/* the spread: 4 a further site up to 12, 8 for a second owner */
	{ 0, 0, 0, 2, 1, 4, 0, 7, 0 },
	{ 0, 0, 0, 3, 1, 4, 0, 11, 0 },
	{ 0, 0, 0, 4, 1, 4, 0, 15, 0 },
	{ 0, 0, 0, 5, 1, 4, 0, 15, 0 },
	{ 0, 0, 0, 90, 1, 4, 0, 15, 0 },
	{ 0, 0, 0, 1, 2, 4, 0, 11, 0 },
	{ 0, 0, 0, 2, 2, 4, 0, 15, 0 },
	{ 0, 0, 0, 4, 5, 4, 0, 23, 1 },
	/* the stage: half for how far of 16 stages, 2 for each one seen */
	{ 0, 0, 1, 1, 1, 4, 0, 5, 0 },
	{ 0, 2, 1, 1, 1, 4, 0, 7, 0 },
	{ 0, 7, 2, 1, 1, 4, 0, 14, 0 },
	{ 0, 12, 3, 1, 1, 4, 0, 21, 1 },
	{ 0, 15, 1, 1, 1, 4, 0, 20, 1 },
	{ 0, 15, 5, 1, 1, 4, 0, 28, 1 },
	{ 0, 15, 16, 1, 1, 4, 0, 28, 1 },
	{ 0, 40, 1, 1, 1, 4, 0, 20, 1 },
	{ 0, 15, 0, 1, 1, 4, 0, 3, 0 },
	/* levels begin where the schema draws them */
	{ 50, 0, 0, 1, 1, 4, 10, 19, 0 },
	{ 50, 0, 0, 1, 1, 4, 20, 20, 1 },
	{ 100, 0, 0, 1, 1, 4, 10, 34, 1 },
	{ 100, 0, 0, 1, 1, 4, 20, 35, 2 },
	{ 100, 0, 0, 2, 1, 1, 0, 49, 2 },
	{ 100, 0, 0, 2, 1, 1, 10, 50, 3 },
	{ 100, 0, 0, 3, 2, 2, 80, 64, 3 },
	{ 100, 0, 0, 3, 2, 2, 90, 65, 4 },
	{ 100, 0, 0, 4, 2, 1, 100, 75, 4 },
	{ 100, 15, 5, 1, 1, 1, 90, 79, 4 },
	{ 100, 15, 5, 1, 1, 1, 100, 80, 5 },
	{ 100, 15, 5, 4, 2, 1, 0, 90, 5 },
	{ 100, 15, 5, 4, 2, 1, 100, 100, 5 },
};

static void
scores_as_worked_out_by_hand(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(by_hand); i++) {
		const unsigned *r = by_hand[i];
		unsigned s = score(r[0], r[1], r[2], r[3], r[4], r[5], r[6]);

		if (s != r[7] || severity_level(s) != r[8]) {
			fail_msg("row %zu: %u, level %u", i, s,
				 severity_level(s));
		}
	}
}

/* A million incidents, each of which grows by something. */
static void
more_is_never_less(void **state)
{
	static const unsigned most[] = {
		100, STAGE_COUNT - 1, STAGE_COUNT, 12, 4, 4, 100
	};

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		unsigned v[7], k = rnd(7), was, now;

		for (unsigned d = 0; d < 7; d++) {
			v[d] = rnd(most[d] + 1);
		}
		v[5] = MAX(v[5], 1u);
		was = score(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
		/* Severity 1 is the worst. */
		v[k] = k == 5 ? 1 + rnd(v[5]) : v[k] + rnd(20);
		now = score(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
		if (now < was) {
			fail_msg("%u became %u by growth of %u", was, now, k);
		}
	}
}

/* The leader found by a plain search, against the order of the module. */
static void
exactly_one_leads(void **state)
{
	static const unsigned crits[] = { 0, 50, 100 };
	unsigned cases = 0;

	(void)state;
	for (unsigned a = 0; a < 12; a++) {
		for (unsigned b = 0; b < 12; b++) {
			for (unsigned c = 0; c < 2; c++) {
				struct severity_stake s[3] = {
					{ "US", crits[a / 4], 1 + a / 2 % 2,
					  1 + a % 2 },
					{ "JP", crits[b / 4], 1 + b / 2 % 2,
					  1 + b % 2 },
					{ "AU", 50, 2, 2 },
				};
				unsigned n = 2 + c, best = 0, leads = 0;
				uint64_t key[3];

				for (unsigned i = 0; i < n; i++) {
					key[i] = s[i].criticality * 1000000ul +
						 s[i].n_sites * 1000ul +
						 s[i].count;
					if (key[i] > key[best] ||
					    (key[i] == key[best] &&
					     strcmp(s[i].owner, s[best].owner) <
						     0)) {
						best = i;
					}
				}
				char want[SEVERITY_NAME_CAP];

				memcpy(want, s[best].owner, sizeof(want));
				severity_order_stakes(s, n);
				assert_string_equal(s[0].owner, want);
				for (unsigned i = 0; i < n; i++) {
					leads += strcmp(s[i].owner, want) == 0;
				}
				assert_int_equal(leads, 1);
				cases++;
			}
		}
	}
	assert_true(cases >= 200);
}

static void
together_is_never_less(void **state)
{
	(void)state;
	/* By hand: alone, two, three at three sites, and of two owners. */
	assert_int_equal(situation_score(50, 1, 3, 2), 50);
	assert_int_equal(situation_score(50, 2, 1, 1), 55);
	assert_int_equal(situation_score(50, 2, 2, 1), 57);
	assert_int_equal(situation_score(50, 3, 3, 1), 65);
	assert_int_equal(situation_score(50, 3, 3, 2), 70);
	assert_int_equal(situation_score(50, 9, 9, 9), 70);
	assert_int_equal(situation_score(95, 3, 3, 2), 100);
	/* Three at three sites are one level above the worst of them. */
	for (unsigned worst = 20; worst < 80; worst++) {
		assert_int_equal(
			severity_level(situation_score(worst, 3, 3, 1)),
			severity_level(worst) + 1);
	}
	for (unsigned i = 0; i < 100000; i++) {
		unsigned v[4] = { rnd(101), 1 + rnd(5), rnd(5), rnd(4) };
		unsigned was = situation_score(v[0], v[1], v[2], v[3]);

		v[rnd(4)] += rnd(5);
		assert_true(situation_score(v[0], v[1], v[2], v[3]) >= was);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_falls),
		cmocka_unit_test(silence_adds),
		cmocka_unit_test(levels_as_the_schema_draws_them),
		cmocka_unit_test(one_leads_whatever_the_order),
		cmocka_unit_test(one_leads_however_they_tie),
		cmocka_unit_test(at_least_as_before),
		cmocka_unit_test(stages_go_one_way),
		cmocka_unit_test(scores_as_worked_out_by_hand),
		cmocka_unit_test(more_is_never_less),
		cmocka_unit_test(exactly_one_leads),
		cmocka_unit_test(together_is_never_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
