/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcre_shape.h - what can be told of an expression without running it
 *
 * Which bytes every match holds, and how long a match can be.  Read from the
 * pattern by a reader that knows the common half of PCRE2's syntax and says
 * nothing at all about a pattern with any of the other half in it.
 *
 * Place    above base.h.
 * Threads  pure.
 * Memory   the caller's.
 * Cost     cold; linear in the pattern, and recursion is bounded.
 */
#ifndef RULES_PCRE_SHAPE_H
#define RULES_PCRE_SHAPE_H

#include "common/base.h"

#define PCRE_SHAPE_LITERALS 8
#define PCRE_SHAPE_LITERAL_MAX 64
#define PCRE_SHAPE_ENDLESS UINT32_MAX

struct pcre_shape_literal {
	uint8_t bytes[PCRE_SHAPE_LITERAL_MAX]; /* small letters when nocase */
	uint8_t len;
};

struct pcre_shape {
	uint32_t longest; /* a match, in bytes; or PCRE_SHAPE_ENDLESS */
	bool front; /* every match begins with the first literal */
	uint8_t n_literals;
	struct pcre_shape_literal literals[PCRE_SHAPE_LITERALS];
};

/*
 * 'pattern' without delimiters and flags; 'nocase': PCRE2_CASELESS is set.
 * PCRE2 has accepted it, with no option but DOTALL, MULTILINE, UNGREEDY and
 * DOLLAR_ENDONLY besides.
 */
void pcre_shape_of(struct view pattern, bool nocase, struct pcre_shape *out);

#endif
