/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_lex.h - one rule's text into header words and options
 *
 * Place    above rule_text.
 * Threads  pure.
 * Memory   views into the text.
 * Cost     cold.
 */
#ifndef RULES_RULE_LEX_H
#define RULES_RULE_LEX_H

#include "common/err.h"
#include "rules/rule_text.h"

#define RULE_MAX_OPTIONS 512
#define RULE_MAX_TEXT ((size_t)512 << 10)

struct rule_option {
	struct view name, value; /* trimmed; 'value' may be empty */
	bool has_value;
};

struct rule_words {
	struct view action, proto, src, sport, arrow, dst, dport;
	struct rule_option options[RULE_MAX_OPTIONS];
	uint32_t n_options;
};

/* ERR_FORMAT with diag when 'text' is not shaped like a rule. */
enum err rule_lex(struct view text, struct rule_words *out,
		  struct diag *d) MUST_CHECK;

/* Number behind "sid:", wherever it stands; 0 when there is none. */
uint32_t rule_lex_sid(struct view text);

#endif
