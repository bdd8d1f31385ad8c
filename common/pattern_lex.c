/* SPDX-License-Identifier: Apache-2.0 */
/* STIX 2.1 section 9: constants in 9.2, object paths in 9.7. */
#include "common/pattern_lex.h"

#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"

#define CHUNK_BYTES 2048

struct pattern_chunk {
	struct pattern_chunk *next;
	size_t used, cap;
	_Alignas(16) uint8_t bytes[];
};

void *
pattern_alloc(struct pattern_reader *r, size_t size)
{
	struct pattern_chunk *c = r->p->chunks;
	size_t need = (size + 15) & ~(size_t)15;
	void *out;

	if (c == NULL || c->cap - c->used < need) {
		size_t cap = MAX(need, (size_t)CHUNK_BYTES);

		c = calloc(1, sizeof(*c) + cap);
		if (c == NULL) {
			if (r->e == ERR_OK) {
				r->e = diag_set(r->d, ERR_NOMEM,
						"no memory for a pattern");
			}
			return NULL;
		}
		c->cap = cap;
		c->next = r->p->chunks;
		r->p->chunks = c;
	}
	out = c->bytes + c->used;
	c->used += need;
	return out;
}

void
pattern_free(struct pattern *p)
{
	struct pattern_chunk *next;

	if (p == NULL) {
		return;
	}
	for (struct pattern_chunk *c = p->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(p);
}

void
pattern_unexpected(struct pattern_reader *r, const char *want)
{
	struct view left = view_sub(r->text, r->at, 30);

	if (r->e != ERR_OK) {
		return;
	}
	if (left.len == 0) {
		r->e = diag_set(r->d, ERR_FORMAT,
				"the pattern ends at byte %zu where %s is "
				"expected",
				r->at, want);
		return;
	}
	r->e = diag_set(r->d, ERR_FORMAT,
			"the pattern does not parse at byte %zu: %s expected "
			"at '%.*s'",
			r->at, want, (int)left.len, left.p);
}

void
pattern_over(struct pattern_reader *r, const char *what, unsigned max)
{
	if (r->e == ERR_OK) {
		r->e = diag_set(r->d, ERR_LIMIT,
				"the pattern has more than %u %s (byte %zu)",
				max, what, r->at);
	}
}

static uint8_t
byte_at(const struct pattern_reader *r, size_t ahead)
{
	return r->at + ahead < r->text.len ? r->text.p[r->at + ahead] : 0;
}

/* A comment between slashes and stars, or to the end of the line. */
static bool
skip_comment(struct pattern_reader *r)
{
	bool line = byte_at(r, 1) == '/';
	size_t i = r->at + 2;

	if (byte_at(r, 0) != '/' || (!line && byte_at(r, 1) != '*')) {
		return false;
	}
	while (i < r->text.len &&
	       !(line ? r->text.p[i] == '\n'
		      : i + 1 < r->text.len && r->text.p[i] == '*' &&
				 r->text.p[i + 1] == '/')) {
		i++;
	}
	if (!line && i >= r->text.len) {
		pattern_unexpected(r, "the end of this comment");
		return false;
	}
	r->at = MIN(i + (line ? 1 : 2), r->text.len);
	return true;
}

static void
skip_blanks(struct pattern_reader *r)
{
	do {
		while (r->at < r->text.len && r->text.p[r->at] != '\0' &&
		       strchr(" \t\r\n\f\v", r->text.p[r->at]) != NULL) {
			r->at++;
		}
	} while (r->e == ERR_OK && skip_comment(r));
}

bool
pattern_at_end(struct pattern_reader *r)
{
	skip_blanks(r);
	return r->at >= r->text.len;
}

bool
pattern_peek_char(struct pattern_reader *r, char c)
{
	return r->e == ERR_OK && !pattern_at_end(r) &&
	       byte_at(r, 0) == (uint8_t)c;
}

bool
pattern_take_char(struct pattern_reader *r, char c)
{
	if (!pattern_peek_char(r, c)) {
		return false;
	}
	r->at++;
	return true;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
begins_name(uint8_t c)
{
	return c == '_' || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

/* Letters, digits and '_'; with 'hyphens' those as well.  May be empty. */
static struct view
name_here(const struct pattern_reader *r, bool hyphens)
{
	size_t n = 0;

	while (begins_name(byte_at(r, n)) ||
	       (n > 0 && (is_digit(byte_at(r, n)) ||
			  (hyphens && byte_at(r, n) == '-')))) {
		n++;
	}
	return view_sub(r->text, r->at, n);
}

bool
pattern_take_word(struct pattern_reader *r, const char *word)
{
	if (r->e != ERR_OK || pattern_at_end(r) ||
	    !view_eq(name_here(r, true), view_cstr(word))) {
		return false;
	}
	r->at += strlen(word);
	return true;
}

void
pattern_want_char(struct pattern_reader *r, char c)
{
	char want[4] = { '\'', c, '\'', '\0' };

	if (!pattern_take_char(r, c)) {
		pattern_unexpected(r, want);
	}
}

void
pattern_want_word(struct pattern_reader *r, const char *word)
{
	if (!pattern_take_word(r, word)) {
		pattern_unexpected(r, word);
	}
}

/* Between quotes; \' and \\ are the only escapes.  The quote stands here. */
static struct view
read_quoted(struct pattern_reader *r)
{
	size_t from = r->at + 1, end = from, n = 0;
	uint8_t *out;

	while (end < r->text.len && r->text.p[end] != '\'') {
		if (r->text.p[end] == '\\' &&
		    (++end >= r->text.len ||
		     (r->text.p[end] != '\'' && r->text.p[end] != '\\'))) {
			r->at = end - 1;
			pattern_unexpected(r, "\\\\ or \\'");
			return VIEW_NONE;
		}
		end++;
	}
	if (end >= r->text.len) {
		pattern_unexpected(r, "the end of this string");
		return VIEW_NONE;
	}
	out = pattern_alloc(r, end - from + 1);
	if (out == NULL) {
		return VIEW_NONE;
	}
	for (size_t i = from; i < end; i++) {
		i += r->text.p[i] == '\\';
		out[n++] = r->text.p[i];
	}
	r->at = end + 1;
	return view_of(out, n);
}

static struct view
copy_name(struct pattern_reader *r, struct view name)
{
	uint8_t *out = pattern_alloc(r, name.len + 1);

	if (out == NULL) {
		return VIEW_NONE;
	}
	memcpy(out, name.p, name.len);
	r->at += name.len;
	return view_of(out, name.len);
}

static void
read_key(struct pattern_reader *r, struct pattern_step *out)
{
	struct view name;

	skip_blanks(r);
	out->kind = PATTERN_KEY;
	if (byte_at(r, 0) == '\'') {
		out->key = read_quoted(r);
		return;
	}
	name = name_here(r, true);
	if (name.len == 0) {
		pattern_unexpected(r, "a property's name");
		return;
	}
	out->key = copy_name(r, name);
}

static void
read_index(struct pattern_reader *r, struct pattern_step *out)
{
	struct pattern_value v;

	if (pattern_take_char(r, '*')) {
		out->kind = PATTERN_ANY;
	} else {
		pattern_read_value(r, &v);
		if (r->e == ERR_OK && v.kind != PATTERN_INTEGER) {
			pattern_unexpected(r, "a list's index before this,");
		}
		out->kind = PATTERN_INDEX;
		out->index = r->e == ERR_OK ? v.integer : 0;
	}
	pattern_want_char(r, ']');
}

void
pattern_read_path(struct pattern_reader *r, struct pattern_path *out)
{
	struct pattern_step steps[PATTERN_MAX_STEPS] = { 0 };
	struct pattern_step *kept;
	struct view type;

	skip_blanks(r);
	type = name_here(r, true);
	if (type.len == 0) {
		pattern_unexpected(r, "an object's type");
		return;
	}
	out->type = copy_name(r, type);
	pattern_want_char(r, ':');
	if (r->e != ERR_OK) {
		return;
	}
	read_key(r, &steps[0]);
	out->n_steps = 1;
	for (;;) {
		bool index = pattern_take_char(r, '[');

		if (r->e != ERR_OK || (!index && !pattern_take_char(r, '.'))) {
			break;
		}
		if (out->n_steps == PATTERN_MAX_STEPS) {
			pattern_over(r, "steps in one object path",
				     PATTERN_MAX_STEPS);
			break;
		}
		if (index) {
			read_index(r, &steps[out->n_steps++]);
		} else {
			read_key(r, &steps[out->n_steps++]);
		}
	}
	kept = pattern_alloc(r, out->n_steps * sizeof(*kept));
	if (kept != NULL) {
		memcpy(kept, steps, out->n_steps * sizeof(*kept));
	}
	out->steps = kept;
}

bool
pattern_read_op(struct pattern_reader *r, enum pattern_op *out)
{
	static const struct {
		const char *text;
		enum pattern_op op;
	} signs[] = {
		{ "==", PATTERN_EQ }, { "=", PATTERN_EQ },
		{ "!=", PATTERN_NE }, { "<>", PATTERN_NE },
		{ ">=", PATTERN_GE }, { "<=", PATTERN_LE },
		{ ">", PATTERN_GT },  { "<", PATTERN_LT },
	};

	skip_blanks(r);
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		size_t n = strlen(signs[i].text);

		if (view_eq(view_sub(r->text, r->at, n),
			    view_cstr(signs[i].text))) {
			*out = signs[i].op;
			r->at += n;
			return true;
		}
	}
	for (int op = PATTERN_IN; op < PATTERN_EXISTS; op++) {
		if (pattern_take_word(r,
				      pattern_op_name((enum pattern_op)op))) {
			*out = (enum pattern_op)op;
			return true;
		}
	}
	return false;
}

/* [+-] digits, or [+-] digits '.' digits; no exponent. */
static void
read_number(struct pattern_reader *r, struct pattern_value *out)
{
	size_t n = byte_at(r, 0) == '-' || byte_at(r, 0) == '+', whole,
	       part = 0;
	char text[64];

	for (whole = 0; is_digit(byte_at(r, n)); n++) {
		whole++;
	}
	if (byte_at(r, n) == '.') {
		for (n++; is_digit(byte_at(r, n)); n++) {
			part++;
		}
	}
	out->kind = part > 0 ? PATTERN_FLOAT : PATTERN_INTEGER;
	if (whole + part == 0 || (part == 0 && byte_at(r, n - 1) == '.') ||
	    n >= sizeof(text)) {
		pattern_unexpected(r, "a value");
		return;
	}
	memcpy(text, r->text.p + r->at, n);
	text[n] = '\0';
	errno = 0;
	out->integer =
		out->kind == PATTERN_INTEGER ? strtoll(text, NULL, 10) : 0;
	if (errno != 0) {
		pattern_unexpected(r, "a number of at most 64 bits");
		return;
	}
	out->real = strtod(text, NULL);
	out->text = copy_name(r, view_sub(r->text, r->at, n));
}

static bool
is_hex(struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		if (ascii_hex(v.p[i]) < 0) {
			return false;
		}
	}
	return v.len % 2 == 0;
}

/* RFC 4648 section 4, padded. */
static bool
is_base64(struct view v)
{
	size_t n = v.len;

	while (n > 0 && v.len - n < 2 && v.p[n - 1] == '=') {
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(v.p[i]) && v.p[i] != '+' && v.p[i] != '/' &&
		    (v.p[i] == '_' || !begins_name(v.p[i]))) {
			return false;
		}
	}
	return v.len % 4 == 0;
}

/* YYYY-MM-DDTHH:MM:SS[.f]Z and nothing else (9.2). */
static bool
is_time(struct view v, uint64_t *us)
{
	return v.len >= 20 && v.p[10] == 'T' && v.p[v.len - 1] == 'Z' &&
	       clock_parse_iso(v, us);
}

/* t'', h'' and b''; the letter stands here, the quote behind it. */
static void
read_typed(struct pattern_reader *r, struct pattern_value *out)
{
	uint8_t kind = byte_at(r, 0);
	size_t at = r->at;
	const char *want = "a timestamp like t'2026-01-02T03:04:05Z'";
	bool good;

	r->at++;
	out->text = read_quoted(r);
	if (r->e != ERR_OK) {
		return;
	}
	if (kind == 't') {
		out->kind = PATTERN_TIME;
		good = is_time(out->text, &out->us);
	} else if (kind == 'h') {
		out->kind = PATTERN_HEX;
		good = is_hex(out->text);
		want = "pairs of hex digits";
	} else {
		out->kind = PATTERN_BINARY;
		good = is_base64(out->text);
		want = "base64";
	}
	if (!good) {
		r->at = at;
		pattern_unexpected(r, want);
	}
}

void
pattern_read_value(struct pattern_reader *r, struct pattern_value *out)
{
	uint8_t c;

	memset(out, 0, sizeof(*out));
	if (r->e != ERR_OK || pattern_at_end(r)) {
		pattern_unexpected(r, "a value");
		return;
	}
	c = byte_at(r, 0);
	if (c == '\'') {
		out->kind = PATTERN_STRING;
		out->text = read_quoted(r);
	} else if ((c == 't' || c == 'h' || c == 'b') &&
		   byte_at(r, 1) == '\'') {
		read_typed(r, out);
	} else if (pattern_take_word(r, "true")) {
		out->kind = PATTERN_BOOL;
		out->integer = 1;
	} else if (pattern_take_word(r, "false")) {
		out->kind = PATTERN_BOOL;
	} else {
		read_number(r, out);
	}
}
