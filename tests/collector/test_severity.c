/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/severity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/stage.h"

static unsigned
score(unsigned crit, unsigned far, unsigned stages, unsigned sites,
      unsigned owners, unsigned sev, unsigned conf)
{
	struct severity_input in = {
		crit, far, stages, sites, owners, sev, conf
	};
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_falls),
		cmocka_unit_test(levels_as_the_schema_draws_them),
		cmocka_unit_test(one_leads_whatever_the_order),
		cmocka_unit_test(stages_go_one_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
