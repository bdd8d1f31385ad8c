/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads the rule sets of the corpus that PICKET_CORPUS names and holds the
 * share that loads above its mark.  PICKET_CORPUS_VERBOSE prints what did not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rules/rule_match.h"
#include "rules/ruleset.h"

static void
load(const char *name, unsigned at_least_permille)
{
	const char *corpus = getenv("PICKET_CORPUS");
	const struct ruleset_report *rep;
	uint64_t start = clock_mono_us();
	struct ruleset *rs;
	struct diag d = { "" };
	char path[512];
	const char *patterns[] = { path };
	uint32_t all;

	if (corpus == NULL) {
		skip();
	}
	snprintf(path, sizeof(path), "%s/rules/%s", corpus, name);
	rs = ruleset_load(NULL, patterns, 1, NULL, 0, &d);
	if (rs == NULL) {
		fail_msg("%s", d.msg);
	}
	rep = ruleset_report(rs);
	all = rep->loaded + rep->failed;
	print_message("%s: %u loaded, %u failed, %u skipped, %.2f s\n", name,
		      rep->loaded, rep->failed, rep->skipped,
		      (double)(clock_mono_us() - start) / US_PER_S);
	if (getenv("PICKET_CORPUS_VERBOSE") != NULL) {
		for (uint32_t i = 0; i < rep->n_problems; i++) {
			print_message("%u sid %u: %s\n", rep->problems[i].line,
				      rep->problems[i].sid,
				      rep->problems[i].reason);
		}
	}
	assert_true((uint64_t)rep->loaded * 1000 >=
		    (uint64_t)all * at_least_permille);
	ruleset_free(rs);
}

static void
test_modern(void **state)
{
	(void)state;
	load("et-modern.rules", 950);
}

static void
test_2017(void **state)
{
	(void)state;
	load("et-2017.rules", 900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modern),
		cmocka_unit_test(test_2017),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
