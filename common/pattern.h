/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h - STIX 2.1 patterns: text in, a tree out
 *
 * The whole grammar of section 9 is read: observations joined by AND, OR and
 * FOLLOWEDBY with their qualifiers, comparisons with every operator, object
 * paths and all kinds of literals.  What a sensor can see of it is another
 * question, which pattern_supported() answers.
 *
 * Place    above indicator.h and pattern_tree.h; both programs use it.
 * Threads  a pattern is its maker's; once parsed it is read only.
 * Memory   heap, a small multiple of the text; texts are copied.
 * Cost     one pass over the text; nesting is limited, so is recursion.
 */
#ifndef COMMON_PATTERN_H
#define COMMON_PATTERN_H

#include "common/indicator.h"

#define PATTERN_MAX_COMPARISONS 64
#define PATTERN_MAX_DEPTH 32 /* of parentheses, both kinds together */
#define PATTERN_MAX_QUALIFIERS 64
#define PATTERN_MAX_STEPS 16 /* of one object path */
#define PATTERN_MAX_VALUES 4096 /* of all sets together */
#define PATTERN_MAX_REPEATS 1000000

struct pattern;

/*
 * ERR_FORMAT names the position and what stands there, ERR_LIMIT which bound
 * was passed (the text's is INDICATOR_PATTERN_CAP), ERR_NOMEM.
 */
enum err pattern_parse(struct pattern **out, struct view text,
		       struct diag *d) MUST_CHECK;
/* NULL is fine. */
void pattern_free(struct pattern *p);

/*
 * Writes the one spelling of 'p' with a NUL, as much as fits in 'cap', and
 * returns the whole length.  Read again it gives the same tree.
 */
size_t pattern_print(const struct pattern *p, char *out, size_t cap);

/*
 * Single values joined by OR, if that is all that 'p' says: 'fn' is called for
 * each in order, and its first error ends it and stands in '*e'.  False: 'p'
 * says more than that, or other things, and 'fn' was not called.  'exact' is
 * for domains; it is false, so that subdomains are taken in.
 */
bool pattern_values(const struct pattern *p,
		    enum err (*fn)(void *arg, enum indicator_kind kind,
				   bool exact, struct view value),
		    void *arg, enum err *e) MUST_CHECK;
/*
 * The same for a list with members that no sensor sees: each of those goes to
 * 'unseen' with the reason.  False: no list of values.
 */
bool pattern_alternatives(const struct pattern *p,
			  enum err (*fn)(void *arg, enum indicator_kind kind,
					 bool exact, struct view value),
			  enum err (*unseen)(void *arg, const char *why),
			  void *arg, enum err *e) MUST_CHECK;

/*
 * ERR_USAGE with diag: a sensor cannot judge 'p'; the diag names the object or
 * the operator that it does not see, or why nothing could ever match.
 */
enum err pattern_supported(const struct pattern *p, struct diag *d) MUST_CHECK;

#endif
