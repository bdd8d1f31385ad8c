/* SPDX-License-Identifier: Apache-2.0 */
/* STIX 2.1 (OASIS, 10 June 2021) section 9. */
#include "common/pattern.h"

#include <stdlib.h>

#include "common/pattern_lex.h"
#include "common/utf8.h"

/*
 * Who calls whom: the observations' three levels, brackets, the comparisons'
 * two levels, one test.  Only parentheses go back up, and they are counted.
 */
static const struct pattern_obs *read_followed(struct pattern_reader *r);
static const struct pattern_cmp *read_either(struct pattern_reader *r);

const char *
pattern_op_name(enum pattern_op op)
{
	static const char *const names[] = {
#define OP(sym, text) text,
		PATTERN_OP_LIST(OP)
#undef OP
	};

	return (size_t)op < PATTERN_OPS ? names[op] : "";
}

static bool
go_deeper(struct pattern_reader *r)
{
	if (r->depth == PATTERN_MAX_DEPTH) {
		pattern_over(r, "parentheses within parentheses",
			     PATTERN_MAX_DEPTH);
		return false;
	}
	r->depth++;
	return true;
}

static bool
add_value(struct pattern_reader *r, struct pattern_value *v, unsigned n)
{
	if (r->n_values == PATTERN_MAX_VALUES) {
		pattern_over(r, "values", PATTERN_MAX_VALUES);
		return false;
	}
	r->n_values++;
	pattern_read_value(r, &v[n]);
	return r->e == ERR_OK;
}

static void
keep_values(struct pattern_reader *r, struct pattern_cmp *c,
	    const struct pattern_value *v, unsigned n)
{
	struct pattern_value *kept = pattern_alloc(r, n * sizeof(*v));

	if (kept != NULL && n > 0) {
		memcpy(kept, v, n * sizeof(*v));
	}
	c->values = kept;
	c->n_values = n;
}

/* (value, value ...), which may be empty. */
static void
read_set(struct pattern_reader *r, struct pattern_cmp *c)
{
	struct pattern_value *v = calloc(PATTERN_MAX_VALUES + 1, sizeof(*v));
	unsigned n = 0;

	if (v == NULL) {
		r->e = diag_set(r->d, ERR_NOMEM, "no memory for a pattern");
		return;
	}
	pattern_want_char(r, '(');
	if (r->e == ERR_OK && !pattern_take_char(r, ')')) {
		do {
			if (!add_value(r, v, n)) {
				break;
			}
			n++;
		} while (pattern_take_char(r, ','));
		pattern_want_char(r, ')');
	}
	if (r->e == ERR_OK) {
		keep_values(r, c, v, n);
	}
	free(v);
}

/* 9.6: which kinds of constants an operator takes. */
static void
check_value(struct pattern_reader *r, const struct pattern_cmp *c)
{
	enum pattern_literal k = c->values[0].kind;

	if (c->op >= PATTERN_LIKE && k != PATTERN_STRING) {
		pattern_unexpected(r, "a string before this,");
	} else if (c->op >= PATTERN_GT && c->op <= PATTERN_LE &&
		   k == PATTERN_BOOL) {
		pattern_unexpected(r, "a value that has an order before this,");
	}
}

static void
read_operand(struct pattern_reader *r, struct pattern_cmp *c)
{
	struct pattern_value v;

	c->negated = pattern_take_word(r, "NOT");
	if (!pattern_read_op(r, &c->op)) {
		pattern_unexpected(r, "an operator");
		return;
	}
	if (c->op == PATTERN_IN) {
		read_set(r, c);
		return;
	}
	if (add_value(r, &v, 0)) {
		keep_values(r, c, &v, 1);
	}
	if (r->e == ERR_OK) {
		check_value(r, c);
	}
}

static const struct pattern_cmp *
read_test(struct pattern_reader *r)
{
	struct pattern_cmp *c;
	const struct pattern_cmp *inner;

	if (pattern_take_char(r, '(')) {
		if (!go_deeper(r)) {
			return NULL;
		}
		inner = read_either(r);
		pattern_want_char(r, ')');
		r->depth--;
		return inner;
	}
	if (r->p->n_comparisons == PATTERN_MAX_COMPARISONS) {
		pattern_over(r, "comparisons", PATTERN_MAX_COMPARISONS);
		return NULL;
	}
	r->p->n_comparisons++;
	c = pattern_alloc(r, sizeof(*c));
	if (c == NULL) {
		return NULL;
	}
	c->negated = pattern_take_word(r, "NOT");
	if (pattern_take_word(r, "EXISTS")) {
		c->op = PATTERN_EXISTS;
		pattern_read_path(r, &c->path);
	} else if (c->negated) {
		pattern_unexpected(r, "EXISTS");
	} else {
		pattern_read_path(r, &c->path);
		if (r->e == ERR_OK) {
			read_operand(r, c);
		}
	}
	return c;
}

static const struct pattern_cmp *
join_cmp(struct pattern_reader *r, enum pattern_join join,
	 const struct pattern_cmp *left, const struct pattern_cmp *right)
{
	struct pattern_cmp *c = pattern_alloc(r, sizeof(*c));

	if (c != NULL) {
		*c = (struct pattern_cmp){ .join = join,
					   .left = left,
					   .right = right };
	}
	return c;
}

static const struct pattern_cmp *
read_both(struct pattern_reader *r)
{
	const struct pattern_cmp *c = read_test(r);

	while (r->e == ERR_OK && pattern_take_word(r, "AND")) {
		c = join_cmp(r, PATTERN_BOTH, c, read_test(r));
	}
	return c;
}

static const struct pattern_cmp *
read_either(struct pattern_reader *r)
{
	const struct pattern_cmp *c = read_both(r);

	while (r->e == ERR_OK && pattern_take_word(r, "OR")) {
		c = join_cmp(r, PATTERN_EITHER, c, read_both(r));
	}
	return c;
}

static struct pattern_obs *
new_obs(struct pattern_reader *r, enum pattern_obs_kind kind,
	const struct pattern_obs *left, const struct pattern_obs *right)
{
	struct pattern_obs *o = pattern_alloc(r, sizeof(*o));

	if (o != NULL) {
		*o = (struct pattern_obs){ .kind = kind,
					   .left = left,
					   .right = right };
	}
	return o;
}

static void
read_within(struct pattern_reader *r, struct pattern_obs *o)
{
	struct pattern_value v;

	pattern_read_value(r, &v);
	if (r->e == ERR_OK &&
	    ((v.kind != PATTERN_INTEGER && v.kind != PATTERN_FLOAT) ||
	     v.real <= 0 || v.real > 1e9)) {
		pattern_unexpected(r, "seconds above 0 (to 1000000000) before "
				      "this,");
	}
	o->seconds = v.text;
	o->within_us = r->e == ERR_OK ? (uint64_t)(v.real * 1e6 + 0.5) : 0;
	pattern_want_word(r, "SECONDS");
}

static void
read_repeats(struct pattern_reader *r, struct pattern_obs *o)
{
	struct pattern_value v;

	pattern_read_value(r, &v);
	if (r->e == ERR_OK && (v.kind != PATTERN_INTEGER || v.integer < 1 ||
			       v.integer > PATTERN_MAX_REPEATS)) {
		pattern_unexpected(r, "a number of 1 to 1000000 before this,");
	}
	o->repeats = r->e == ERR_OK ? (uint32_t)v.integer : 0;
	pattern_want_word(r, "TIMES");
}

static uint64_t
read_moment(struct pattern_reader *r, struct view *text)
{
	struct pattern_value v;

	pattern_read_value(r, &v);
	if (r->e == ERR_OK && v.kind != PATTERN_TIME) {
		pattern_unexpected(r, "a timestamp before this,");
	}
	*text = v.text;
	return v.us;
}

static void
read_startstop(struct pattern_reader *r, struct pattern_obs *o)
{
	o->start_us = read_moment(r, &o->start);
	pattern_want_word(r, "STOP");
	o->stop_us = read_moment(r, &o->stop);
	if (r->e == ERR_OK && o->stop_us <= o->start_us) {
		pattern_unexpected(r, "a STOP later than its START before "
				      "this,");
	}
}

static const struct pattern_obs *
read_qualifiers(struct pattern_reader *r, const struct pattern_obs *o)
{
	static const struct {
		const char *word;
		enum pattern_obs_kind kind;
		void (*read)(struct pattern_reader *r, struct pattern_obs *o);
	} known[] = {
		{ "WITHIN", PATTERN_WITHIN, read_within },
		{ "REPEATS", PATTERN_REPEATS, read_repeats },
		{ "START", PATTERN_STARTSTOP, read_startstop },
	};
	size_t i = 0;

	while (i < ARRAY_LEN(known)) {
		struct pattern_obs *q;

		if (r->e != ERR_OK || !pattern_take_word(r, known[i].word)) {
			i++;
			continue;
		}
		if (r->n_qualifiers++ == PATTERN_MAX_QUALIFIERS) {
			pattern_over(r, "qualifiers", PATTERN_MAX_QUALIFIERS);
			return o;
		}
		q = new_obs(r, known[i].kind, o, NULL);
		if (q == NULL) {
			return o;
		}
		known[i].read(r, q);
		o = q;
		i = 0;
	}
	return o;
}

/* [ comparisons ] or ( observations ), and what qualifies it. */
static const struct pattern_obs *
read_observation(struct pattern_reader *r)
{
	const struct pattern_obs *o = NULL;
	struct pattern_obs *leaf;

	if (pattern_take_char(r, '(')) {
		if (!go_deeper(r)) {
			return NULL;
		}
		o = read_followed(r);
		pattern_want_char(r, ')');
		r->depth--;
		return read_qualifiers(r, o);
	}
	if (!pattern_take_char(r, '[')) {
		pattern_unexpected(r, "'['");
		return NULL;
	}
	leaf = new_obs(r, PATTERN_OBSERVATION, NULL, NULL);
	if (leaf != NULL) {
		leaf->number = r->p->n_observations++;
		leaf->cmp = read_either(r);
	}
	pattern_want_char(r, ']');
	return read_qualifiers(r, leaf);
}

static const struct pattern_obs *
read_and(struct pattern_reader *r)
{
	const struct pattern_obs *o = read_observation(r);

	while (r->e == ERR_OK && pattern_take_word(r, "AND")) {
		o = new_obs(r, PATTERN_AND, o, read_observation(r));
	}
	return o;
}

static const struct pattern_obs *
read_or(struct pattern_reader *r)
{
	const struct pattern_obs *o = read_and(r);

	while (r->e == ERR_OK && pattern_take_word(r, "OR")) {
		o = new_obs(r, PATTERN_OR, o, read_and(r));
	}
	return o;
}

static const struct pattern_obs *
read_followed(struct pattern_reader *r)
{
	const struct pattern_obs *o = read_or(r);

	while (r->e == ERR_OK && pattern_take_word(r, "FOLLOWEDBY")) {
		o = new_obs(r, PATTERN_FOLLOWEDBY, o, read_or(r));
	}
	return o;
}

static bool
is_text(struct view v)
{
	for (size_t i = 0, n; i < v.len; i += n) {
		n = utf8_len(v.p + i, v.len - i);
		if (n == 0 || v.p[i] == '\0') {
			return false;
		}
	}
	return true;
}

enum err
pattern_parse(struct pattern **out, struct view text, struct diag *d)
{
	struct pattern_reader r = { .text = text, .d = d };
	struct diag ignored;

	*out = NULL;
	if (d == NULL) {
		r.d = &ignored;
	}
	if (text.len > INDICATOR_PATTERN_CAP) {
		return diag_set(d, ERR_LIMIT,
				"the pattern has %zu bytes; at most %d are "
				"read",
				text.len, INDICATOR_PATTERN_CAP);
	}
	if (!is_text(text)) {
		return diag_set(d, ERR_FORMAT, "the pattern is no UTF-8 text");
	}
	r.p = calloc(1, sizeof(*r.p));
	if (r.p == NULL) {
		return diag_set(d, ERR_NOMEM, "no memory for a pattern");
	}
	r.p->root = read_followed(&r);
	if (r.e == ERR_OK && !pattern_at_end(&r)) {
		pattern_unexpected(&r, "AND, OR, FOLLOWEDBY, a qualifier or "
				       "the end");
	}
	if (r.e != ERR_OK) {
		pattern_free(r.p);
		return r.e;
	}
	*out = r.p;
	return ERR_OK;
}
