/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_text.h - small readers for the words inside a rule
 *
 * Place    above common/.
 * Threads  pure.
 * Memory   views into the caller's text.
 * Cost     cold.
 */
#ifndef RULES_RULE_TEXT_H
#define RULES_RULE_TEXT_H

#include "common/base.h"

static inline bool
text_is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* 0 to 63, RFC 4648 section 4; -1: no digit of base64. */
static inline int
text_base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Without white space at either end. */
struct view text_trim(struct view s);
/* Without one pair of double quotes, if 's' has one. */
struct view text_unquote(struct view s);
bool text_is(struct view s, const char *word); /* ASCII case ignored */

/*
 * Takes the part before the next 'sep' off the front of '*s', trimmed; false
 * when nothing is left.  A final empty part is not reported.
 */
bool text_next(struct view *s, char sep, struct view *part);
/* All parts, 'cap' of them at most. */
unsigned text_split(struct view s, char sep, struct view *parts, unsigned cap);
/* As text_next(), but parts are separated by white space. */
bool text_next_word(struct view *s, struct view *word);

/* Decimal or 0x hexadecimal, the whole of 's'; false when it is not one. */
bool text_u64(struct view s, uint64_t *out) MUST_CHECK;
bool text_i64(struct view s, int64_t *out) MUST_CHECK; /* with a sign */
/* Offset of 'c' in 's', or s.len. */
size_t text_find(struct view s, char c);
bool text_find_str(struct view s, const char *word, size_t *at);

/* For "%.*s". A long text is cut, so that a report stays a line. */
#define TEXT_ARG(v) \
	((int)MIN((v).len, (size_t)120)), \
		((const char *)((v).p != NULL ? (v).p : (const uint8_t *)""))

#endif
