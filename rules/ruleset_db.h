/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruleset_db.h - the inside of a ruleset
 *
 * Internal: included by ruleset*.c and rule_match.c only.
 *
 * Place    above rule_group and ioc_set; below ruleset and rule_match.
 * Threads  as ruleset.h.
 * Memory   as ruleset.h.
 * Cost     plain data.
 */
#ifndef RULES_RULESET_DB_H
#define RULES_RULESET_DB_H

#include "rules/ioc_set.h"
#include "rules/rule_compile.h"
#include "rules/rule_group.h"
#include "rules/ruleset.h"

/* A rule with its programs, while sets are put together. */
struct rule_entry {
	struct rule *rule;
	struct rule_prog *progs[2];
	bool replaced; /* by a newer revision */
};

struct ruleset {
	uint64_t id; /* unlike any other set's in this process */
	struct pool *pool;
	struct arena arena;
	struct rule_env env;
	struct rule_entry *entries;
	uint32_t n_entries, cap_entries;
	const struct rule **rules;
	uint32_t n_rules;
	const struct rule_prog **progs; /* by order of evaluation */
	uint32_t n_progs;
	struct rule_groups groups;
	struct ioc_set *iocs; /* NULL: none */
	struct dataset_catalog datasets;
	const struct rule *undivided; /* the first one, or NULL */
	uint64_t needed[2];
	bool needs_stream[2];
	unsigned file_needs; /* enum ruleset_file_need */
	uint32_t match_limit; /* PCRE2's */
	struct ruleset_report report;
	uint32_t cap_problems;
	char digest[65];
};

/* Adds to the report; false when out of memory. */
bool ruleset_problem(struct ruleset *rs, const char *file, uint32_t line,
		     uint32_t sid, bool skipped, const char *reason);

/*
 * ruleset_shared.c: leaves out the rules that would ask for a dataset that
 * changes in two calls; then says which sets change, and who asks for them.
 */
enum err ruleset_refuse_shared(struct ruleset *rs, struct diag *d) MUST_CHECK;
void ruleset_settle_shared(struct ruleset *rs);
/* Lets the rules rest that ask for bits of hosts which no rule sets. */
enum err ruleset_rest_shared(struct ruleset *rs, struct diag *d) MUST_CHECK;

/* ruleset_order.c: sorts programs into their order of evaluation. */
enum err ruleset_order(struct ruleset *rs, const struct conf *conf,
		       struct diag *d) MUST_CHECK;

#endif
