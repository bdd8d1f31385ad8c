/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_case.h - a rule set from a string, for tests
 *
 * Place    tests only.
 * Threads  one.
 * Memory   the caller frees the set.
 * Cost     a temporary file a set.
 */
#ifndef TESTS_RULE_CASE_H
#define TESTS_RULE_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/ruleset.h"

/* The set that 'text' makes with the settings of 'conf' (or NULL), in place of
 * 'prev' (or NULL). */
static inline struct ruleset *
rules_after(const struct ruleset *prev, const struct conf *conf,
	    const char *text, struct diag *d)
{
	char path[] = "/tmp/picket-rules-XXXXXX";
	const char *patterns[] = { path };
	int fd = mkstemp(path);
	struct ruleset *rs = NULL;
	size_t n = strlen(text);

	if (fd >= 0) {
		if (write(fd, text, n) == (ssize_t)n) {
			rs = prev != NULL ? ruleset_reload(prev, conf, patterns,
							   1, NULL, 0, NULL, d)
					  : ruleset_load(conf, patterns, 1,
							 NULL, 0, d);
		}
		close(fd);
		unlink(path);
	}
	return rs;
}

static inline struct ruleset *
rules_of(const struct conf *conf, const char *text, struct diag *d)
{
	return rules_after(NULL, conf, text, d);
}

#endif
