/* SPDX-License-Identifier: Apache-2.0 */
#include "common/indicator_terms.h"

#include <ctype.h>
#include <stdio.h>

#define PATH_CAP 160

struct parser {
	struct view left;
	struct diag *d;
	void (*fn)(void *arg, const struct indicator_term *term);
	void *arg;
	char path[PATH_CAP]; /* object path, quotes taken off */
	char op[16];
	struct indicator_term term;
};

static void
skip_blanks(struct parser *p)
{
	while (p->left.len > 0 && isspace(p->left.p[0])) {
		p->left = view_sub(p->left, 1, p->left.len);
	}
}

static enum err
unexpected(struct parser *p, const char *want)
{
	return diag_set(p->d, ERR_FORMAT,
			"the pattern does not parse: %s expected at '%.*s'",
			want, (int)MIN(p->left.len, 30), p->left.p);
}

static bool
take_char(struct parser *p, char c)
{
	skip_blanks(p);
	if (p->left.len == 0 || p->left.p[0] != (uint8_t)c) {
		return false;
	}
	p->left = view_sub(p->left, 1, p->left.len);
	return true;
}

/* A word of capitals: OR, AND, FOLLOWEDBY, ISSUBSET ...; empty when none. */
static struct view
peek_word(struct parser *p)
{
	size_t n = 0;

	skip_blanks(p);
	while (n < p->left.len && isupper(p->left.p[n])) {
		n++;
	}
	return view_of(p->left.p, n);
}

static bool
take_word(struct parser *p, const char *word)
{
	if (!view_eq(peek_word(p), view_cstr(word))) {
		return false;
	}
	p->left = view_sub(p->left, strlen(word), p->left.len);
	return true;
}

static enum err
refuse_word(struct parser *p, const char *want)
{
	struct view word = peek_word(p);

	if (word.len == 0) {
		return unexpected(p, want);
	}
	return diag_set(p->d, ERR_FORMAT,
			"%.*s is not supported in patterns; only values "
			"joined by OR are",
			(int)MIN(word.len, 20), word.p);
}

/* STIX 2.1, 9.7: type:path, whose components may be quoted. */
static enum err
take_path(struct parser *p)
{
	size_t n = 0, i = 0;
	bool quoted = false;

	skip_blanks(p);
	for (; i < p->left.len; i++) {
		uint8_t c = p->left.p[i];

		if (c == '\'') {
			quoted = !quoted;
			continue;
		}
		if (!quoted && !isalnum(c) && strchr("-_.:[]*", c) == NULL) {
			break;
		}
		if (!quoted && c == ']' && memchr(p->path, '[', n) == NULL) {
			break;
		}
		if (c < ' ' || n + 1 >= sizeof(p->path)) {
			return unexpected(p, "a shorter object path");
		}
		p->path[n++] = (char)c;
	}
	p->path[n] = '\0';
	if (quoted || n == 0 || memchr(p->path, ':', n) == NULL) {
		return unexpected(p, "an object path");
	}
	p->left = view_sub(p->left, i, p->left.len);
	return ERR_OK;
}

static enum err
take_op(struct parser *p)
{
	struct view word;
	size_t n = 0;

	skip_blanks(p);
	while (n < p->left.len && strchr("=!<>", p->left.p[n]) != NULL &&
	       p->left.p[n] != '\0') {
		n++;
	}
	word = n > 0 ? view_of(p->left.p, n) : peek_word(p);
	if (word.len == 0 || word.len >= sizeof(p->op)) {
		return unexpected(p, "an operator");
	}
	memcpy(p->op, word.p, word.len);
	p->op[word.len] = '\0';
	p->left = view_sub(p->left, word.len, p->left.len);
	if (strcmp(p->op, "==") == 0) {
		p->op[1] = '\0';
	}
	if (strcmp(p->op, "=") != 0 && strcmp(p->op, "IN") != 0 &&
	    strcmp(p->op, "ISSUBSET") != 0) {
		return diag_set(p->d, ERR_FORMAT,
				"operator %s is not supported; =, IN and "
				"ISSUBSET are",
				p->op);
	}
	return ERR_OK;
}

/* A string literal, or any other, which '*is_string' tells apart. */
static enum err
take_value(struct parser *p, bool *is_string)
{
	struct indicator_term *t = &p->term;
	size_t i = 1;

	skip_blanks(p);
	t->len = 0;
	*is_string = p->left.len > 0 && p->left.p[0] == '\'';
	if (!*is_string) {
		for (i = 0; i < p->left.len &&
			    (isalnum(p->left.p[i]) || p->left.p[i] == '.' ||
			     p->left.p[i] == '-');) {
			i++;
		}
		if (i == 0 || (i < p->left.len && p->left.p[i] == '\'')) {
			return unexpected(p, "a string");
		}
		p->left = view_sub(p->left, i, p->left.len);
		return ERR_OK;
	}
	for (;; i++) {
		if (i < p->left.len && p->left.p[i] == '\'') {
			break;
		}
		i += i < p->left.len && p->left.p[i] == '\\';
		if (i >= p->left.len) {
			return unexpected(p, "the end of a string");
		}
		if (t->len + 1 >= sizeof(t->value)) {
			return unexpected(p, "a shorter string");
		}
		t->value[t->len++] = (char)p->left.p[i];
	}
	t->value[t->len] = '\0';
	p->left = view_sub(p->left, i + 1, p->left.len);
	return ERR_OK;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool
begins_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* What the sensor matches the path against; leaves a refusal if nothing. */
static void
classify(struct parser *p, bool is_string)
{
	static const struct {
		const char *path;
		enum indicator_kind kind;
	} known[] = {
		{ "ipv4-addr:value", INDICATOR_IP },
		{ "ipv6-addr:value", INDICATOR_IP },
		{ "domain-name:value", INDICATOR_DOMAIN },
		{ "url:value", INDICATOR_URL },
		{ "x509-certificate:hashes.SHA-1", INDICATOR_CERT_SHA1 },
		{ "x509-certificate:hashes.SHA-256", INDICATOR_CERT_SHA256 },
	};
	struct indicator_term *t = &p->term;

	t->kind = INDICATOR_KINDS;
	t->refusal[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(p->path, known[i].path) == 0) {
			t->kind = known[i].kind;
		}
	}
	if (begins_with(p->path, "network-traffic:extensions.") &&
	    ends_with(p->path, ".ja3")) {
		t->kind = INDICATOR_JA3;
	}
	if (begins_with(p->path, "file:hashes")) {
		snprintf(t->refusal, sizeof(t->refusal),
			 "%s: no file hashing yet", p->path);
	} else if (t->kind == INDICATOR_KINDS) {
		snprintf(t->refusal, sizeof(t->refusal),
			 "%s is not matched by this sensor", p->path);
	} else if (strcmp(p->op, "ISSUBSET") == 0 && t->kind != INDICATOR_IP) {
		snprintf(t->refusal, sizeof(t->refusal),
			 "ISSUBSET with %s; it is for addresses", p->path);
	} else if (!is_string) {
		snprintf(t->refusal, sizeof(t->refusal),
			 "%s is compared with what is not a string", p->path);
	}
}

static enum err
one_value(struct parser *p)
{
	bool is_string;
	enum err e = take_value(p, &is_string);

	if (e == ERR_OK && p->fn != NULL) {
		classify(p, is_string);
		p->fn(p->arg, &p->term);
	}
	return e;
}

/* path op value, or path IN (value, value ...) */
static enum err
comparison(struct parser *p)
{
	enum err e;

	if (take_char(p, '(')) {
		return diag_set(p->d, ERR_FORMAT,
				"parentheses are not supported in patterns");
	}
	e = take_path(p);
	if (e == ERR_OK) {
		e = take_op(p);
	}
	if (e != ERR_OK || strcmp(p->op, "IN") != 0) {
		return e == ERR_OK ? one_value(p) : e;
	}
	if (!take_char(p, '(')) {
		return unexpected(p, "'('");
	}
	do {
		e = one_value(p);
		if (e != ERR_OK) {
			return e;
		}
	} while (take_char(p, ','));
	return take_char(p, ')') ? ERR_OK : unexpected(p, "')'");
}

static enum err
observation(struct parser *p)
{
	if (take_char(p, '(')) {
		return diag_set(p->d, ERR_FORMAT,
				"parentheses are not supported in patterns");
	}
	if (!take_char(p, '[')) {
		return unexpected(p, "'['");
	}
	do {
		enum err e = comparison(p);

		if (e != ERR_OK) {
			return e;
		}
	} while (take_word(p, "OR"));
	return take_char(p, ']') ? ERR_OK : refuse_word(p, "']'");
}

static enum err
parse(struct parser *p)
{
	do {
		enum err e = observation(p);

		if (e != ERR_OK) {
			return e;
		}
	} while (take_word(p, "OR"));
	skip_blanks(p);
	return p->left.len == 0 ? ERR_OK : refuse_word(p, "the end");
}

enum err
indicator_terms_each(struct view pattern,
		     void (*fn)(void *arg, const struct indicator_term *term),
		     void *arg, struct diag *d)
{
	struct parser check = { .left = pattern, .d = d };
	struct parser tell = { .left = pattern, .d = d, .fn = fn, .arg = arg };
	enum err e = parse(&check);

	return e == ERR_OK ? parse(&tell) : e;
}
