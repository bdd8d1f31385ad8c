/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reputation.h - scores of addresses by category, for the keyword iprep
 *
 * The setting reputation-categories-file names a file of "number,name,words",
 * reputation-files a list of files of "address or network,category,score".
 * Of nested networks the narrowest decides, and of equal ones the last read.
 *
 * A rule's test of a score is worked out while rules load, as the set of
 * addresses that pass it: nothing is left to look up by category at run time.
 *
 * Place    above range_set and rule_file; below rule_parse.
 * Threads  one thread, while rules load.
 * Memory   heap while rules load; sets are the arena's, one for each test
 *          that is spelt differently.
 * Cost     cold.
 */
#ifndef RULES_REPUTATION_H
#define RULES_REPUTATION_H

#include "common/conf.h"
#include "rules/range_set.h"
#include "rules/rule_prog.h"

#define REPUTATION_MAX_CATEGORY 60
#define REPUTATION_MAX_SCORE 127

struct reputation;

/* Told of each line that is passed over; false when out of memory. */
typedef bool reputation_bad_line(void *arg, const char *file, uint32_t line,
				 const char *why);

/*
 * Reads what 'conf' (may be NULL) names.  NULL with diag when a file cannot be
 * read or memory runs out.
 */
struct reputation *reputation_new(const struct conf *conf, struct arena *a,
				  reputation_bad_line *bad, void *arg,
				  struct diag *d);
void reputation_free(struct reputation *r);

/* One line of each kind of file, trimmed: NULL, or why it is refused. */
const char *reputation_category_line(struct reputation *r, struct view line);
const char *reputation_score_line(struct reputation *r, struct view line);

/*
 * The addresses whose score in 'category' compares so.  Addresses without a
 * score are in no such set; see 'absent' of reputation_known().
 */
enum err reputation_set(struct reputation *r, struct view category, enum cmp c,
			uint64_t value, const struct range_set **out,
			struct diag *d) MUST_CHECK;
/* The addresses that have a score in 'category', or, 'absent', all others. */
enum err reputation_known(struct reputation *r, struct view category,
			  bool absent, const struct range_set **out,
			  struct diag *d) MUST_CHECK;

#endif
