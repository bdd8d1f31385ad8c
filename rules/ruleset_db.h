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

/* A rule with its programs. */
struct rule_entry {
	struct rule *rule; /* the set's own, */
	struct rule_prog *progs[2]; /* and its programs */
	const struct rule *read; /* as it was read, in 'part' */
	uint32_t part; /* of the set's parts */
	bool replaced; /* by a newer revision */
};

struct rule_part;

/* A part that the set refers to, and how many of its rules the set has. */
struct part_use {
	struct rule_part *part;
	uint32_t used;
};

/* Where a program that flows may remember stands in this set. */
struct prog_number {
	uint32_t uid, order;
};

/* A line of a threshold file for rules that the set does not have. */
struct unmet_line {
	const struct unmet_line *next;
	const char *file;
	uint64_t gid, sid;
	uint32_t line;
};

struct ruleset {
	struct pool *pool;
	struct arena arena;
	struct rule_env env;
	uint64_t settings; /* hash of those that rules were read with */
	struct part_use *parts;
	uint32_t n_parts, cap_parts;
	struct rule_part *open_part; /* while rules are read */
	uint32_t open_at;
	struct rule_entry *entries;
	uint32_t n_entries, cap_entries;
	const struct rule **rules;
	uint32_t n_rules;
	const struct rule_prog **progs; /* by order of evaluation */
	uint32_t n_progs;
	struct prog_number *by_uid; /* n_progs, ascending */
	uint32_t next_uid; /* never given to a program so far */
	uint32_t serial; /* another one than the set before it has */
	struct rule_groups groups;
	struct ioc_set *iocs; /* NULL: none */
	uint32_t n_armed; /* the last of them: patterns of the list */
	uint64_t armed_changes; /* what the list said when it was taken */
	struct ioc_live *live; /* likewise; outlives the set */
	struct dataset_catalog datasets;
	const struct rule *undivided; /* the first one, or NULL */
	uint64_t needed[2];
	bool needs_stream[2];
	unsigned file_needs; /* enum ruleset_file_need */
	uint32_t match_limit; /* PCRE2's */
	struct ruleset_report report;
	const struct unmet_line *unmet, **unmet_end; /* in order */
	uint32_t cap_problems;
	char digest[65];
};

/* Adds to the report; false when out of memory. */
bool ruleset_problem(struct ruleset *rs, enum problem_kind kind,
		     const char *file, uint32_t line, uint32_t sid,
		     bool skipped, const char *reason);

/*
 * ruleset_shared.c: leaves out the rules that would ask for a dataset that
 * changes in two calls; then says which sets change, and who asks for them.
 */
enum err ruleset_refuse_shared(struct ruleset *rs, const struct ruleset *prev,
			       struct diag *d) MUST_CHECK;
/* The set of the name and type of 'set' that changes in 'rs', or NULL. */
const struct dataset *ruleset_changing_set(const struct ruleset *rs,
					   const struct dataset *set);
void ruleset_settle_shared(struct ruleset *rs);
/* Lets the rules rest that ask for bits of hosts which no rule sets. */
enum err ruleset_rest_shared(struct ruleset *rs, struct diag *d) MUST_CHECK;

/* ruleset_order.c: sorts programs into their order of evaluation. */
enum err ruleset_order(struct ruleset *rs, const struct conf *conf,
		       struct diag *d) MUST_CHECK;

/*
 * ruleset_part.c: rules as read, shared with the set before.  False: out of
 * memory.
 */
/* Points the set's env to a part with room for the next rule. */
bool ruleset_part_room(struct ruleset *rs, const struct conf *conf) MUST_CHECK;
void ruleset_part_close(struct ruleset *rs);
void ruleset_parts_fini(struct ruleset *rs);
/* 'read' lies in the open part. */
bool ruleset_own_read(struct ruleset *rs, const struct rule *read,
		      struct rule_entry *e) MUST_CHECK;
bool ruleset_hash_settings(struct ruleset *rs,
			   const struct conf *conf) MUST_CHECK;

/* The rules of a former set by their text. */
struct former_rules {
	const struct ruleset *prev; /* NULL: nothing may be taken over */
	uint32_t *slots; /* of open addressing: entry + 1 */
	uint32_t mask;
	uint32_t *part_at; /* a part of 'prev' among the new set's */
};

bool former_rules_init(struct former_rules *f, const struct ruleset *prev,
		       uint64_t settings) MUST_CHECK;
void former_rules_fini(struct former_rules *f);
/* Fills 'out' when the former set had a rule of this very text. */
bool former_rules_take(struct former_rules *f, struct ruleset *rs,
		       struct view text, struct rule_entry *out,
		       bool *found) MUST_CHECK;

/* ruleset_heir.c: what a set keeps of the one it replaces (NULL: none), so
 * that the state of flows means in it what it meant before. */
enum err ruleset_inherit_names(struct ruleset *rs, const struct ruleset *prev,
			       struct diag *d) MUST_CHECK;
enum err ruleset_inherit_uids(struct ruleset *rs, const struct ruleset *prev,
			      struct diag *d) MUST_CHECK;

#define ORDER_NONE UINT32_MAX

/* The program's place in 'rs'; ORDER_NONE when the set lacks it. */
static inline uint32_t
ruleset_order_of(const struct ruleset *rs, uint32_t uid)
{
	uint32_t lo = 0, hi = rs->n_progs;

	/* true throughout until a set was replaced */
	if (uid < hi && rs->by_uid[uid].uid == uid) {
		return rs->by_uid[uid].order;
	}
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (rs->by_uid[mid].uid < uid) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < rs->n_progs && rs->by_uid[lo].uid == uid
		       ? rs->by_uid[lo].order
		       : ORDER_NONE;
}

#endif
