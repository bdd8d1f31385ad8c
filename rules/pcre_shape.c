/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/pcre_shape.h"

#define MOST_DEPTH 40

/* One pass over the pattern. */
struct reader {
	const uint8_t *p, *end;
	bool nocase;
	bool lost; /* something that this reader does not know */
	unsigned depth;
	struct pcre_shape *out;
	struct pcre_shape_literal run; /* the bytes just read, in a row */
};

/* How often the atom before may come. */
struct times {
	uint32_t least, most; /* most: PCRE_SHAPE_ENDLESS */
};

static uint32_t group(struct reader *r);

static uint32_t
plus(uint32_t a, uint32_t b)
{
	uint64_t sum = (uint64_t)a + b;

	return a == PCRE_SHAPE_ENDLESS || b == PCRE_SHAPE_ENDLESS ||
			       sum >= PCRE_SHAPE_ENDLESS
		       ? PCRE_SHAPE_ENDLESS
		       : (uint32_t)sum;
}

static uint32_t
times(uint32_t a, uint32_t n)
{
	uint64_t all = (uint64_t)a * n;

	if (a == 0 || n == 0) {
		return 0;
	}
	return a == PCRE_SHAPE_ENDLESS || n == PCRE_SHAPE_ENDLESS ||
			       all >= PCRE_SHAPE_ENDLESS
		       ? PCRE_SHAPE_ENDLESS
		       : (uint32_t)all;
}

static bool
at_end(const struct reader *r)
{
	return r->p >= r->end;
}

static uint32_t
lose(struct reader *r)
{
	r->lost = true;
	r->p = r->end;
	return PCRE_SHAPE_ENDLESS;
}

/* The bytes in a row end here. */
static void
flush(struct reader *r)
{
	struct pcre_shape *o = r->out;

	if (r->run.len > 0 && o->n_literals < PCRE_SHAPE_LITERALS) {
		o->literals[o->n_literals++] = r->run;
	}
	r->run.len = 0;
}

static void
push(struct reader *r, uint8_t c)
{
	if (r->run.len == PCRE_SHAPE_LITERAL_MAX) {
		flush(r);
	}
	r->run.bytes[r->run.len++] = r->nocase ? ascii_lower(c) : c;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint32_t
number(struct reader *r)
{
	uint32_t n = 0;

	while (!at_end(r) && is_digit(*r->p) && n < 100000) {
		n = n * 10 + (uint32_t)(*r->p++ - '0');
	}
	return n;
}

/* "{2}", "{2,}", "{2,5}"; anything else in braces is not looked into. */
static struct times
braces(struct reader *r)
{
	struct times t;

	r->p++;
	if (at_end(r) || !is_digit(*r->p)) {
		lose(r);
		return (struct times){ 0, PCRE_SHAPE_ENDLESS };
	}
	t.least = t.most = number(r);
	if (!at_end(r) && *r->p == ',') {
		r->p++;
		t.most = !at_end(r) && is_digit(*r->p) ? number(r)
						       : PCRE_SHAPE_ENDLESS;
	}
	if (at_end(r) || *r->p != '}') {
		lose(r);
	} else {
		r->p++;
	}
	return t;
}

static struct times
quantifier(struct reader *r)
{
	struct times t = { 1, 1 };

	if (at_end(r)) {
		return t;
	}
	switch (*r->p) {
	case '*':
		t = (struct times){ 0, PCRE_SHAPE_ENDLESS };
		r->p++;
		break;
	case '+':
		t = (struct times){ 1, PCRE_SHAPE_ENDLESS };
		r->p++;
		break;
	case '?':
		t = (struct times){ 0, 1 };
		r->p++;
		break;
	case '{':
		t = braces(r);
		break;
	default:
		return t;
	}
	/* lazy or possessive */
	if (!at_end(r) && (*r->p == '?' || *r->p == '+')) {
		r->p++;
	}
	return t;
}

/* An atom that is one certain byte. */
static uint32_t
one_byte(struct reader *r, uint8_t c)
{
	struct times t = quantifier(r);

	if (t.least == 0) {
		flush(r);
	} else {
		push(r, c);
	}
	if (t.least > 1 || t.most > 1) {
		/* the last of several stands before what follows */
		flush(r);
		if (t.least > 0) {
			push(r, c);
		}
	}
	return times(1, t.most);
}

/* An atom of one byte, or 'len', that may be several. */
static uint32_t
any_byte(struct reader *r, uint32_t len)
{
	flush(r);
	return times(len, quantifier(r).most);
}

/* "\x41" or "\x{41}", behind the x. */
static uint32_t
hex_byte(struct reader *r)
{
	bool braced = !at_end(r) && *r->p == '{';
	unsigned x = 0, n = 0;

	r->p += braced;
	while (!at_end(r) && ascii_hex(*r->p) >= 0 && n < 2) {
		x = x << 4 | (unsigned)ascii_hex(*r->p++);
		n++;
	}
	if (braced && (n == 0 || at_end(r) || *r->p++ != '}')) {
		return lose(r);
	}
	return one_byte(r, (uint8_t)x);
}

static uint32_t
escape(struct reader *r)
{
	uint8_t c;

	if (++r->p >= r->end) {
		return lose(r);
	}
	c = *r->p++;
	switch (c) {
	case 'x':
		return hex_byte(r);
	case 'n':
		return one_byte(r, '\n');
	case 'r':
		return one_byte(r, '\r');
	case 't':
		return one_byte(r, '\t');
	case 'f':
		return one_byte(r, '\f');
	case 'd':
	case 'D':
	case 'w':
	case 'W':
	case 's':
	case 'S':
	case 'h':
	case 'H':
	case 'v':
	case 'V':
	case 'N':
		return any_byte(r, 1);
	case 'R':
		return any_byte(r, 2);
	case 'b':
	case 'B':
	case 'A':
	case 'z':
	case 'Z':
		return times(0, quantifier(r).most);
	default:
		break;
	}
	if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		return lose(r); /* refers back, or rare */
	}
	return one_byte(r, c);
}

/* "[...]", passed over; its first byte may be a bracket. */
static uint32_t
class_of_bytes(struct reader *r)
{
	const uint8_t *first;

	r->p++;
	if (!at_end(r) && *r->p == '^') {
		r->p++;
	}
	first = r->p;
	while (!at_end(r) && (*r->p != ']' || r->p == first)) {
		if (*r->p == '\\' && r->p + 1 < r->end) {
			if (r->p[1] == 'Q' || r->p[1] == 'E' ||
			    r->p[1] == 'c') {
				return lose(r);
			}
			r->p++;
		} else if (*r->p == '[' && r->p + 1 < r->end &&
			   (r->p[1] == ':' || r->p[1] == '.' ||
			    r->p[1] == '=')) {
			return lose(r); /* "[:alpha:]", or not: rare */
		}
		r->p++;
	}
	if (at_end(r)) {
		return lose(r);
	}
	r->p++;
	return any_byte(r, 1);
}

/* Past "(" and what says which kind of group it is; '*zero': it takes no
 * bytes of the match. */
static void
open_group(struct reader *r, bool *zero)
{
	const uint8_t *p = ++r->p;
	size_t left = (size_t)(r->end - p);

	*zero = false;
	if (left == 0 || *p == '*') {
		lose(r);
		return;
	}
	if (*p != '?') {
		return;
	}
	if (left >= 2 && p[1] == ':') {
		r->p += 2;
		return;
	}
	if (left >= 2 && (p[1] == '=' || p[1] == '!')) {
		*zero = true;
		r->p += 2;
		return;
	}
	if (left >= 3 && p[1] == '<' && (p[2] == '=' || p[2] == '!')) {
		*zero = true;
		r->p += 3;
		return;
	}
	if ((left >= 2 && p[1] == '<') ||
	    (left >= 3 && p[1] == 'P' && p[2] == '<')) {
		while (!at_end(r) && *r->p != '>') {
			r->p++;
		}
		if (!at_end(r)) {
			r->p++;
			return;
		}
	}
	lose(r); /* options, atomic, recursion, conditions, comments */
}

static uint32_t
parenthesis(struct reader *r)
{
	uint8_t before;
	uint32_t len;
	struct times t;
	bool zero;

	flush(r);
	before = r->out->n_literals;
	open_group(r, &zero);
	len = group(r);
	if (at_end(r)) {
		return lose(r); /* the ')' is missing: lost before */
	}
	r->p++;
	t = quantifier(r);
	if (t.least == 0 || zero) {
		r->out->n_literals = before;
	}
	return zero ? 0 : times(len, t.most);
}

static uint32_t
atom(struct reader *r)
{
	uint8_t c = *r->p;

	switch (c) {
	case '\\':
		return escape(r);
	case '[':
		return class_of_bytes(r);
	case '(':
		return parenthesis(r);
	case '.':
		r->p++;
		return any_byte(r, 1);
	case '^':
	case '$':
		r->p++;
		return 0;
	case '*':
	case '+':
	case '?':
	case '{': /* itself, unless digits follow */
		return lose(r);
	default:
		r->p++;
		return one_byte(r, c);
	}
}

/* Alternatives up to ')' or the end; the longest. */
static uint32_t
group(struct reader *r)
{
	uint8_t before = r->out->n_literals;
	uint32_t longest = 0, len = 0;
	bool several = false;

	if (++r->depth > MOST_DEPTH) {
		return lose(r);
	}
	while (!at_end(r) && *r->p != ')') {
		if (*r->p == '|') {
			flush(r);
			several = true;
			longest = MAX(longest, len);
			len = 0;
			r->p++;
		} else {
			len = plus(len, atom(r));
		}
	}
	flush(r);
	if (several) {
		r->out->n_literals = before; /* none is in all of them */
	}
	r->depth--;
	return MAX(longest, len);
}

/* Do all matches begin with the first literal?  So when the text does. */
static bool
is_front(struct view pattern, const struct pcre_shape *s)
{
	const struct pcre_shape_literal *l = &s->literals[0];
	size_t at = pattern.len > 0 && pattern.p[0] == '^';

	if (s->n_literals == 0 || pattern.len - at < l->len) {
		return false;
	}
	for (uint8_t i = 0; i < l->len; i++) {
		uint8_t c = pattern.p[at + i];

		if (strchr("\\[](){}^$.|?*+", c) != NULL ||
		    ascii_lower(c) != ascii_lower(l->bytes[i])) {
			return false;
		}
	}
	return true;
}

void
pcre_shape_of(struct view pattern, bool nocase, struct pcre_shape *out)
{
	struct reader r = { .p = pattern.p,
			    .end = pattern.p + pattern.len,
			    .nocase = nocase,
			    .out = out };

	out->n_literals = 0;
	out->longest = group(&r);
	if (r.lost || !at_end(&r)) {
		out->n_literals = 0;
		out->longest = PCRE_SHAPE_ENDLESS;
	}
	out->front = is_front(pattern, out);
}
