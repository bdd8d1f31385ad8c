/* SPDX-License-Identifier: Apache-2.0 */
/* The log's two lines on packets that the kernel drops. */
#include "tests/test.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/drop_report.h"

static char said[4096];

/* What one look writes to the log, on standard error. */
static const char *
look(struct drop_report *r, uint64_t seen, uint64_t dropped, unsigned at_s)
{
	FILE *f = tmpfile();
	int was = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(f);
	assert_true(was >= 0);
	fflush(stderr);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	drop_report(r, seen, dropped, at_s * US_PER_S);
	fflush(stderr);
	assert_true(dup2(was, STDERR_FILENO) >= 0);
	close(was);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	fclose(f);
	return said;
}

static void
test_once_each(void **state)
{
	struct drop_report r = { 0 };

	(void)state;
	log_init("test", LOG_INFO, false);
	assert_string_equal(look(&r, 1000, 0, 1), "");
	assert_non_null(strstr(look(&r, 2000, 30, 2), "30 of the last 1000"));
	assert_string_equal(look(&r, 3000, 50, 3), "");
	assert_string_equal(look(&r, 4000, 50, 20), "");
	/* Again before it was quiet for long: the same loss. */
	assert_string_equal(look(&r, 5000, 60, 30), "");
	assert_string_equal(look(&r, 6000, 60, 59), "");
	assert_non_null(strstr(look(&r, 7000, 60, 60),
			       "60 of 4000 were dropped within 28.0 s"));
	assert_string_equal(look(&r, 8000, 60, 100), "");
	/* The next loss has numbers of its own. */
	assert_non_null(strstr(look(&r, 9000, 61, 101), "1 of the last 1000"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
