/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ruleset.h - rule files in, one immutable set out
 *
 * Place    above rule_parse, rule_compile, ioc_load; below rule_match.
 * Threads  built by one thread; then shared read only by all workers.
 * Memory   one owner; ruleset_free() once no worker uses it.
 * Cost     cold.
 */
#ifndef RULES_RULESET_H
#define RULES_RULESET_H

#include "common/conf.h"
#include "rules/rule.h"

struct ioc_set;
struct pattern_list;
struct ruleset;

/* What a refused line belongs to. */
enum problem_kind {
	PROBLEM_RULE,
	PROBLEM_THRESHOLD,
	PROBLEM_REPUTATION,
	PROBLEM_INDICATOR,
	PROBLEM_FILE, /* a whole file of rules that cannot be read */
};

/* One line that was not taken. */
struct rule_problem {
	enum problem_kind kind;
	char *file;
	uint32_t line, sid; /* sid 0: not known */
	uint32_t column; /* in the rule's text, from 1; 0: not known */
	char *reason; /* what, and often the mend */
	char keyword[40]; /* that was not understood; may be empty */
	char mend[96]; /* what to do, unless 'reason' says it */
	char technique[16]; /* ATT&CK, of the rule's metadata; may be empty */
	bool skipped; /* switched off on purpose ("requires"), not wrong */
};

struct ruleset_report {
	uint32_t loaded, failed, skipped; /* rules */
	uint32_t unread; /* files; of ruleset_examine() alone */
	uint32_t refused; /* lines of threshold and reputation files */
	struct rule_problem *problems;
	uint32_t n_problems;
};

/*
 * Reads rule files ('patterns' are globs) with the variables, classification
 * and threshold files that 'conf' names, and indicator files.  A rule that
 * cannot be honoured in full is not loaded, and is in the report.  Fails
 * (NULL, with diag) only when a file cannot be read or memory runs out.
 */
struct ruleset *ruleset_load(const struct conf *conf,
			     const char *const *patterns, size_t n_patterns,
			     const char *const *indicators, size_t n_indicators,
			     struct diag *d) MUST_CHECK;
/*
 * The same beside 'prev', the set that is in use now.  State that flows,
 * transactions and thresholds have gathered under 'prev' keeps its meaning
 * under the new set: flowbits and variables by name, rules by gid, sid and
 * revision.  Neither 'prev' nor what it points to is changed.  The patterns
 * that 'armed' (or NULL) has now are looked for as well; one that cannot be is
 * refused there.
 */
struct ruleset *ruleset_reload(const struct ruleset *prev,
			       const struct conf *conf,
			       const char *const *patterns, size_t n_patterns,
			       const char *const *indicators,
			       size_t n_indicators, struct pattern_list *armed,
			       struct diag *d) MUST_CHECK;
/*
 * As ruleset_load(), for a report alone: a file of rules that cannot be read is a
 * problem of the report, and the others are read.  Such a set is not to be
 * used; ruleset_admit() says so.
 */
struct ruleset *ruleset_examine(const struct conf *conf,
				const char *const *patterns, size_t n_patterns,
				const char *const *indicators,
				size_t n_indicators, struct diag *d) MUST_CHECK;
void ruleset_free(struct ruleset *rs);

const struct ruleset_report *ruleset_report(const struct ruleset *rs);

/* How a set differs from the one before it, by gid and sid. */
struct ruleset_diff {
	uint32_t added, removed, changed; /* changed: another text */
};
enum err ruleset_compare(const struct ruleset *prev, const struct ruleset *next,
			 struct ruleset_diff *out) MUST_CHECK;

uint32_t ruleset_count(const struct ruleset *rs);
const struct rule *ruleset_rule(const struct ruleset *rs, uint32_t index);
/* Hex SHA-256 over all loaded rule texts and indicators, 64 characters. */
const char *ruleset_digest(const struct ruleset *rs);
struct ioc_live;
/*
 * Indicators that come and go are looked for as well; 'live' outlives the set.
 * With 'files' digests of all files are made for it.
 * Before there is a matcher of it.
 */
void ruleset_arm(struct ruleset *rs, struct ioc_live *live, bool files);
bool ruleset_armed(const struct ruleset *rs);
/* Of files, as the digest is. */
uint32_t ruleset_indicator_count(const struct ruleset *rs);
/* Patterns of the list that no file has; '*changes': of which moment. */
uint32_t ruleset_armed_patterns(const struct ruleset *rs, uint64_t *changes);
/* Sealed; NULL: none were asked for. */
const struct ioc_set *ruleset_indicators(const struct ruleset *rs);
/* The files of its datasets; 'load' or 'save' is NULL where there is none. */
void ruleset_dataset_files(const struct ruleset *rs,
			   void (*fn)(void *arg, const char *load,
				      const char *save),
			   void *arg);

/*
 * The first rule that tests state shared between flows and changes its own
 * flow, or NULL.  Such a rule cannot be decided in two places, so that its
 * set is for one worker only.
 */
const struct rule *ruleset_undivided(const struct ruleset *rs);

/* Bit per enum inspect_buf: what any loaded rule or indicator looks at. */
const uint64_t *ruleset_needed(const struct ruleset *rs);
/*
 * Bit per enum app_proto: whose transactions rules and indicators look at, so
 * that the others need no parser.
 */
uint64_t ruleset_parsers(const struct ruleset *rs);
/* Whether any rule tags packets. */
bool ruleset_tags(const struct ruleset *rs);
/*
 * A rule that tags hosts, or NULL: hosts talk through several workers, so that
 * such a rule is exact with one worker only.
 */
const struct rule *ruleset_host_tag(const struct ruleset *rs);
/* What rules ask of files beyond name, size and bytes. */
enum ruleset_file_need {
	RULES_NEED_MD5 = 1,
	RULES_NEED_SHA1 = 2,
	RULES_NEED_SHA256 = 4,
	RULES_NEED_MAGIC = 8,
	RULES_NEED_STORE = 16,
};
unsigned ruleset_file_needs(const struct ruleset *rs);
/* Bits of enum pattern_moment at which STIX patterns want to be asked. */
unsigned ruleset_pattern_moments(const struct ruleset *rs);
/* Whether any rule matches on raw stream bytes, by direction. */
bool ruleset_needs_stream(const struct ruleset *rs, enum inspect_dir dir);

#endif
