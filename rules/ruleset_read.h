/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruleset_read.h - a set while it is read
 *
 * Place    ruleset's own: included by ruleset.c, ruleset_read.c and
 *          ruleset_finish.c.
 * Threads  one.
 * Memory   the set's arena, and a draft that every rule reuses.
 */
#ifndef RULES_RULESET_READ_H
#define RULES_RULESET_READ_H

#include "rules/ruleset_db.h"

/* While a set is read. */
struct ruleset_reading {
	struct ruleset *rs;
	const struct ruleset *prev; /* NULL: the first */
	const struct conf *conf;
	struct former_rules former;
	struct rule_draft *draft;
	struct name_table keys; /* "gid:sid" to an entry's number */
	uint32_t *entry_of;
	uint32_t cap_entry_of;
	struct pattern_list *armed; /* NULL: none */
	struct diag *d;
	bool examine; /* goes on where a file cannot be read */
};

/*
 * The rules of all files that the patterns name, as entries in load order.
 * What is wrong with a rule is a problem of the report; errors with diag are
 * of files and of memory.
 */
enum err ruleset_read_rules(struct ruleset_reading *l,
			    const char *const *patterns, size_t n) MUST_CHECK;
/* The indicators of these files and the patterns that are armed, sealed; errors
 * as ioc_load_file(). */
enum err ruleset_read_indicators(struct ruleset_reading *l,
				 const char *const *paths, size_t n) MUST_CHECK;

/* Makes what matching asks for of what was read: thresholds, numbers, order,
 * groups, needs and the digest.  Errors with diag. */
enum err ruleset_finish(struct ruleset_reading *l,
			const struct conf *conf) MUST_CHECK;

#endif
