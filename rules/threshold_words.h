/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threshold_words.h - "type limit, track by_src, count 1, seconds 60"
 *
 * The words that a rule's threshold and a line of the threshold file share.
 *
 * Place    above rule.h and rule_text; below rule_parse_state, threshold_file.
 * Threads  pure.
 * Memory   none.
 * Cost     cold.
 */
#ifndef RULES_THRESHOLD_WORDS_H
#define RULES_THRESHOLD_WORDS_H

#include "rules/rule.h"
#include "rules/rule_text.h"

/* A threshold while it is read: what has been said so far. */
struct threshold_words {
	struct rule_threshold t;
	bool track, seconds, timeout, action;
};

/*
 * Takes one "name value".  False when it is no such word, or the value is not
 * one.  't.type' begins as THRESHOLD_DETECTION or THRESHOLD_RATE where the
 * keyword says it, else as THRESHOLD_NONE.
 */
bool threshold_word(struct threshold_words *w, struct view name,
		    struct view value) MUST_CHECK;
/* What is still missing or does not go together; NULL when all is there. */
const char *threshold_lacks(const struct threshold_words *w);

#endif
