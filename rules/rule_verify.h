/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_verify.h - does this buffer hold all that the rule asks of it?
 *
 * The tests of a list are tried in order; when a later one that depends on an
 * earlier one fails, the earlier one looks for its next occurrence.  Steps
 * and bytes searched are bounded, because the bytes are an attacker's.
 *
 * Place    above rule_search, rule_xform; below rule_match.
 * Threads  one verifier per worker.
 * Memory   reserved by verifier_init().
 * Cost     the first failing test ends a list.
 */
#ifndef RULES_RULE_VERIFY_H
#define RULES_RULE_VERIFY_H

#include "rules/rule_xform.h"

#define VERIFY_MAX_STEPS 3000
#define VERIFY_MAX_WORK ((uint64_t)4 << 20) /* bytes searched, a list */
#define VERIFY_MATCH_LIMIT 3500
#define PCRE_NOWHERE (-1) /* PCRE2_ERROR_NOMATCH */

struct verifier {
	/* PCRE2's; 'groups' holds RULE_MAX_CAPTURES of them */
	void *match_data, *groups, *context, *unlimited, *jit_stack;
	struct xform_scratch *xforms;
	uint64_t vars[RULE_MAX_VARS];
	/* what the lists noted since the caller emptied these: of a rule that
	 * matches, and of any rule (entropy) */
	struct notes captured, measured;
	struct view value; /* what verify_list() looked at last, transformed */
	/* After a list that did not match: stream offsets between which the
	 * literal of 'dry' was not found; both 0: nobody looked. */
	uint64_t dry_begin, dry_end;
	uint64_t pcre_limit, step_limit; /* times a limit ended a test */
};

/* False when out of memory; fini is safe then. */
bool verifier_init(struct verifier *v, uint32_t match_limit) MUST_CHECK;
void verifier_fini(struct verifier *v);

/* One instance of a buffer. */
struct verify_input {
	struct view data;
	uint64_t offset; /* of data's front in the whole */
	/* What an earlier call left as the verifier's of the same name. */
	uint64_t dry_begin, dry_end;
	size_t beyond; /* > 0: some match must end behind this offset */
};

bool verify_list(struct verifier *v, const struct rule_list *l,
		 const struct verify_input *in);

#endif
