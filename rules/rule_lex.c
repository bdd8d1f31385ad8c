/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_lex.h"

/* A header word; brackets keep their spaces. */
static bool
header_word(struct view *s, struct view *word)
{
	size_t i, depth = 0;

	*s = text_trim(*s);
	for (i = 0; i < s->len; i++) {
		if (s->p[i] == '[') {
			depth++;
		} else if (s->p[i] == ']' && depth > 0) {
			depth--;
		} else if (depth == 0 && text_is_space(s->p[i])) {
			break;
		}
	}
	*word = view_of(s->p, i);
	*s = view_of(s->p + i, s->len - i);
	return i > 0;
}

static enum err
lex_header(struct view s, struct rule_words *out, struct diag *d)
{
	struct view *words[] = { &out->action, &out->proto, &out->src,
				 &out->sport,  &out->arrow, &out->dst,
				 &out->dport };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!header_word(&s, words[i])) {
			return diag_set(d, ERR_FORMAT,
					"header has %zu of 7 words: write "
					"action proto src port -> dst port",
					i);
		}
	}
	if (text_trim(s).len > 0) {
		return diag_set(d, ERR_FORMAT,
				"too many words before the options: \"%.*s\"",
				TEXT_ARG(text_trim(s)));
	}
	return ERR_OK;
}

/* An option ends at a semicolon that no backslash precedes. */
static size_t
option_end(struct view s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == ';' && (i == 0 || s.p[i - 1] != '\\')) {
			return i;
		}
	}
	return s.len;
}

static enum err
lex_options(struct view s, struct rule_words *out, struct diag *d)
{
	out->n_options = 0;
	for (s = text_trim(s); s.len > 0; s = text_trim(s)) {
		size_t end = option_end(s), colon;
		struct view one = text_trim(view_of(s.p, end));
		struct rule_option *o;

		if (end == s.len) {
			return diag_set(d, ERR_FORMAT,
					"option \"%.*s\" has no ';' behind it",
					TEXT_ARG(one));
		}
		s = view_of(s.p + end + 1, s.len - end - 1);
		if (one.len == 0) {
			continue;
		}
		if (out->n_options == RULE_MAX_OPTIONS) {
			return diag_set(d, ERR_LIMIT, "more than %d options",
					RULE_MAX_OPTIONS);
		}
		o = &out->options[out->n_options++];
		colon = text_find(one, ':');
		o->name = text_trim(view_of(one.p, colon));
		o->has_value = colon < one.len;
		o->value = text_trim(view_sub(one, colon + 1, one.len));
		if (o->name.len == 0) {
			return diag_set(d, ERR_FORMAT,
					"option without a name: \"%.*s\"",
					TEXT_ARG(one));
		}
		if (o->value.len > 0 && o->value.p[0] == '"' &&
		    (o->value.len == 1 ||
		     o->value.p[o->value.len - 1] != '"')) {
			return diag_set(d, ERR_FORMAT,
					"option %.*s has no closing quote: "
					"write ; inside a text as \\;",
					TEXT_ARG(o->name));
		}
	}
	return ERR_OK;
}

enum err
rule_lex(struct view text, struct rule_words *out, struct diag *d)
{
	size_t open;
	enum err e;

	text = text_trim(text);
	if (memchr(text.p, 0, text.len) != NULL) {
		return diag_set(d, ERR_FORMAT, "a NUL byte inside the rule");
	}
	open = text_find(text, '(');
	if (open == text.len || text.p[text.len - 1] != ')') {
		return diag_set(d, ERR_FORMAT,
				"no options: a rule ends in ( ... )");
	}
	e = lex_header(view_of(text.p, open), out, d);
	if (e != ERR_OK) {
		return e;
	}
	return lex_options(view_of(text.p + open + 1, text.len - open - 2), out,
			   d);
}

uint32_t
rule_lex_sid(struct view text)
{
	for (size_t i = 0; i + 4 < text.len; i++) {
		uint64_t n = 0;
		size_t j = i + 4;

		if (memcmp(text.p + i, "sid:", 4) != 0 ||
		    (i > 0 && text.p[i - 1] != ' ' && text.p[i - 1] != ';' &&
		     text.p[i - 1] != '(')) {
			continue;
		}
		while (j < text.len && text_is_space(text.p[j])) {
			j++;
		}
		for (; j < text.len && text.p[j] >= '0' && text.p[j] <= '9' &&
		       n <= UINT32_MAX;
		     j++) {
			n = n * 10 + (uint64_t)(text.p[j] - '0');
		}
		if (n > 0 && n <= UINT32_MAX) {
			return (uint32_t)n;
		}
	}
	return 0;
}
