/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <ctype.h>

#include "common/redis_reply.h"

static enum redis_trouble
trouble_of(const char *text)
{
	redisReply r = { .type = REDIS_REPLY_ERROR,
			 .str = (char *)(uintptr_t)text,
			 .len = strlen(text) };

	return redis_reply_trouble(&r);
}

/* What each trouble that has a mend in common needs said. */
static const struct {
	const char *reply;
	enum redis_trouble t;
	const char *words; /* of the mend; NULL: there is none */
} cases[] = {
	{ "OOM command not allowed when used memory > 'maxmemory'.", REDIS_OOM,
	  "maxmemory" },
	{ "READONLY You can't write against a read only replica.",
	  REDIS_READONLY, "redis+sentinel://" },
	{ "LOADING Redis is loading the dataset in memory", REDIS_LOADING,
	  "by itself" },
	{ "BUSY Redis is busy running a script.", REDIS_BUSY, "SCRIPT KILL" },
	{ "CLUSTERDOWN The cluster is down", REDIS_CLUSTERDOWN,
	  "CLUSTER NODES" },
	{ "MASTERDOWN Link with MASTER is down", REDIS_MASTERDOWN,
	  "INFO replication" },
	{ "TRYAGAIN Multiple keys request during rehashing of slot",
	  REDIS_TRYAGAIN, "by itself" },
	{ "MISCONF Redis is configured to save RDB snapshots", REDIS_MISCONF,
	  "disk" },
	{ "NOREPLICAS Not enough good replicas to write.", REDIS_NOREPLICAS,
	  "min-replicas-to-write" },
	{ "NOPERM this user has no permissions", REDIS_NOPERM, "ACL" },
	{ "NOAUTH Authentication required.", REDIS_NOAUTH, "user:password@" },
	{ "WRONGPASS invalid username-password pair", REDIS_WRONGPASS,
	  "ACL LIST" },
	/* These the pool follows by itself. */
	{ "MOVED 7629 127.0.0.1:7001", REDIS_MOVED, NULL },
	{ "ASK 7629 127.0.0.1:7001", REDIS_ASK, NULL },
	{ "ERR unknown command", REDIS_OTHER, NULL },
	/* A word is a whole word. */
	{ "OOMPH", REDIS_OTHER, NULL },
	{ "OO", REDIS_OTHER, NULL },
	{ "", REDIS_OTHER, NULL },
	{ "BUSYGROUP Consumer Group name already exists", REDIS_OTHER, NULL },
};

static void
test_mend(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum redis_trouble t = trouble_of(cases[i].reply);
		const char *mend = redis_trouble_mend(t);

		assert_int_equal(t, cases[i].t);
		if (cases[i].words == NULL) {
			assert_null(mend);
		} else {
			assert_non_null(mend);
			assert_non_null(strstr(mend, cases[i].words));
		}
	}
}

/* They end a line of the log, and follow a colon; names are keys. */
static void
test_form(void **state)
{
	(void)state;
	for (int t = 0; t < REDIS_TROUBLES; t++) {
		const char *mend = redis_trouble_mend((enum redis_trouble)t);
		const char *name = redis_trouble_name((enum redis_trouble)t);

		assert_non_null(name);
		for (const char *c = name; *c != '\0'; c++) {
			assert_true(islower((unsigned char)*c));
		}
		for (int u = 0; u < t; u++) {
			assert_string_not_equal(
				name,
				redis_trouble_name((enum redis_trouble)u));
		}
		if (mend != NULL) {
			assert_true(mend[0] != '\0' && strlen(mend) < 200);
			assert_null(strchr(mend, '\n'));
			assert_true(mend[strlen(mend) - 1] != '.');
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mend),
		cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
