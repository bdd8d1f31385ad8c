/* SPDX-License-Identifier: Apache-2.0 */
#include "common/json_stream.h"

#include <errno.h>
#include <stdlib.h>

/* A value on its way past: what is open, and what is kept of it. */
struct passing {
	struct json_stream *s;
	uint64_t depth;
	uint64_t kinds; /* bit per level, the outermost lowest: 1 is an array */
	bool string, escaped;
	size_t from; /* what is not yet kept of the block begins here */
	size_t max; /* 0: nothing is kept */
	uint64_t seen;
};

void
json_stream_init(struct json_stream *s, struct block_read *in)
{
	*s = (struct json_stream){ .in = in };
}

void
json_stream_fini(struct json_stream *s)
{
	free(s->raw);
	s->raw = NULL;
}

void
json_stream_seek(struct json_stream *s, uint64_t offset)
{
	s->e = ERR_OK;
	s->why = NULL;
	block_read_seek(s->in, offset);
}

static bool
fail(struct json_stream *s, enum err e, const char *why)
{
	if (s->e == ERR_OK) {
		s->e = e;
		s->why = why;
	}
	return false;
}

/* Nothing more where more had to come. */
static bool
fail_at_end(struct json_stream *s)
{
	return s->in->error != 0
		       ? fail(s, ERR_IO, "it cannot be read")
		       : fail(s, ERR_TRUNCATED, "it ends within a value");
}

static bool
is_space(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int
json_stream_peek(struct json_stream *s)
{
	int c;

	if (s->e != ERR_OK) {
		return -1;
	}
	while ((c = block_read_peek(s->in)) >= 0 && is_space(c)) {
		s->in->at++;
	}
	return c;
}

bool
json_stream_enter(struct json_stream *s, char bracket)
{
	if (json_stream_peek(s) != bracket) {
		return false;
	}
	s->in->at++;
	return true;
}

/* To the next element before 'close'; sees to the commas. */
static bool
step(struct json_stream *s, uint64_t *n, int close)
{
	int c = json_stream_peek(s);

	if (c == close) {
		s->in->at++;
		return false;
	}
	if (*n > 0 && c == ',') {
		s->in->at++;
		c = json_stream_peek(s);
		if (c == close) {
			return fail(s, ERR_FORMAT, "a comma before the end");
		}
	} else if (*n > 0 && c >= 0) {
		return fail(s, ERR_FORMAT, "a comma or an end expected");
	}
	if (c < 0) {
		return fail_at_end(s);
	}
	++*n;
	return true;
}

bool
json_stream_item(struct json_stream *s, uint64_t *n)
{
	return step(s, n, ']');
}

/* Keeps the bytes of the block from p->from up to where it stands. */
static bool
keep(struct passing *p)
{
	struct json_stream *s = p->s;
	size_t n = MIN(s->in->at - p->from, p->max - s->raw_len);

	if (s->raw_len + n > s->raw_cap) {
		size_t want = MIN(p->max, MAX(s->raw_cap * 2, s->raw_len + n));
		uint8_t *bigger = realloc(s->raw, want);

		if (bigger == NULL) {
			return fail(s, ERR_NOMEM, "out of memory");
		}
		s->raw = bigger;
		s->raw_cap = want;
	}
	if (n > 0) {
		memcpy(s->raw + s->raw_len, s->in->p + p->from, n);
		s->raw_len += n;
	}
	return true;
}

/* Past the rest of a string in this block; true once it is over. */
static bool
pass_string(struct passing *p, const uint8_t *b, size_t len, size_t *at)
{
	size_t i = *at;

	if (p->escaped && i < len) {
		p->escaped = false;
		i++;
	}
	while (i < len && b[i] != '"') {
		if (b[i] == '\\') {
			if (++i == len) {
				p->escaped = true;
				break;
			}
		}
		i++;
	}
	*at = MIN(i, len);
	if (*at == len) {
		return false;
	}
	++*at;
	p->string = false;
	return true;
}

static void
open_level(struct passing *p, bool array)
{
	if (p->depth < 64) {
		p->kinds &= ~(UINT64_C(1) << p->depth);
		p->kinds |= (uint64_t)array << p->depth;
	}
	p->depth++;
}

/* False: the bracket is of the other kind.  Only the outer 64 are known. */
static bool
close_level(struct passing *p, bool array)
{
	p->depth--;
	return p->depth >= 64 || (p->kinds >> p->depth & 1) == array;
}

/*
 * Past what this block has of a value; true once the value is over.  A bare
 * word (number, true, null) is over at what cannot be a part of it.
 */
static bool
pass_block(struct passing *p)
{
	struct block_read *in = p->s->in;
	const uint8_t *b = in->p;
	size_t len = in->len, i = in->at;

	while (i < len) {
		uint8_t c = b[i];

		if (p->string) {
			if (!pass_string(p, b, len, &i)) {
				break;
			}
			if (p->depth == 0) {
				in->at = i;
				return true;
			}
			continue;
		}
		if (c == '"') {
			p->string = true;
		} else if (c == '{' || c == '[') {
			open_level(p, c == '[');
		} else if (c == '}' || c == ']') {
			if (p->depth == 0) { /* behind a bare word */
				in->at = i;
				return true;
			}
			if (!close_level(p, c == ']')) {
				fail(p->s, ERR_FORMAT, "a bracket too many");
			}
			if (p->depth == 0 || p->s->e != ERR_OK) {
				in->at = i + 1;
				return true;
			}
		} else if (p->depth == 0 && (c == ',' || is_space(c))) {
			in->at = i;
			return true;
		}
		i++;
	}
	in->at = len;
	return false;
}

static bool
pass(struct json_stream *s, size_t max, struct view *out, bool *whole)
{
	struct passing p = { .s = s, .max = max };
	int first = json_stream_peek(s);
	bool word = first >= 0 && strchr("{[\"", first) == NULL;
	uint64_t start = block_read_offset(s->in);
	bool over;

	if (first < 0 || strchr(",:]}", first) != NULL) {
		return s->e == ERR_OK && first >= 0
			       ? fail(s, ERR_FORMAT, "a value expected")
			       : fail_at_end(s);
	}
	s->raw_len = 0;
	p.from = s->in->at;
	for (;;) {
		over = pass_block(&p);
		if (over || (max > 0 && !keep(&p))) {
			break;
		}
		if (!block_read_more(s->in)) {
			over = word && s->in->error == 0;
			p.from = s->in->at; /* all of it is kept */
			break;
		}
		p.from = 0;
	}
	if (s->e != ERR_OK || !over) {
		return s->e != ERR_OK ? false : fail_at_end(s);
	}
	*whole = block_read_offset(s->in) - start <= max;
	if (s->raw_len == 0) {
		*out = view_of(s->in->p + p.from, MIN(s->in->at - p.from, max));
		return true;
	}
	if (!keep(&p)) {
		return false;
	}
	*out = view_of(s->raw, s->raw_len);
	return true;
}

void
json_stream_skip(struct json_stream *s)
{
	struct view v;
	bool whole;

	if (!pass(s, 0, &v, &whole)) {
		return; /* told by json_stream_error() */
	}
}

bool
json_stream_take(struct json_stream *s, size_t max, struct view *out,
		 bool *whole)
{
	return pass(s, max, out, whole);
}

bool
json_stream_member(struct json_stream *s, uint64_t *n,
		   char name[JSON_STREAM_NAME_CAP])
{
	struct view v;
	bool whole;

	if (!step(s, n, '}')) {
		return false;
	}
	if (json_stream_peek(s) != '"') {
		return fail(s, ERR_FORMAT, "a name expected");
	}
	if (!pass(s, JSON_STREAM_NAME_CAP + 1, &v, &whole)) {
		return false;
	}
	name[0] = '\0';
	if (whole && v.len >= 2) {
		memcpy(name, v.p + 1, v.len - 2);
		name[v.len - 2] = '\0';
	}
	if (json_stream_peek(s) != ':') {
		return fail(s, ERR_FORMAT, "a colon expected");
	}
	s->in->at++;
	if (json_stream_peek(s) < 0) {
		return fail_at_end(s);
	}
	return true;
}

struct view
json_stream_text(struct view start, struct view want)
{
	struct block_read in;
	struct json_stream s;
	struct view found = VIEW_NONE, v;
	char name[JSON_STREAM_NAME_CAP];
	uint64_t n = 0;
	bool whole;

	block_read_memory(&in, start);
	json_stream_init(&s, &in);
	if (!json_stream_enter(&s, '{')) {
		return VIEW_NONE;
	}
	while (found.p == NULL && json_stream_member(&s, &n, name)) {
		int first = json_stream_peek(&s);

		if (json_stream_take(&s, start.len, &v, &whole) && whole &&
		    first == '"' && view_eq(view_cstr(name), want)) {
			found = view_sub(v, 1, v.len - 2);
		}
	}
	json_stream_fini(&s);
	return found;
}

enum err
json_stream_error(struct json_stream *s, const char *file, struct diag *d)
{
	uint64_t at = block_read_offset(s->in), line = 1;
	enum err e = s->e;

	if (e == ERR_OK) {
		return ERR_OK;
	}
	if (e == ERR_IO) {
		return diag_set(d, e, "%s: %s", file, strerror(s->in->error));
	}
	block_read_seek(s->in, 0);
	while (block_read_peek(s->in) >= 0 && block_read_offset(s->in) < at) {
		line += s->in->p[s->in->at] == '\n';
		s->in->at++;
	}
	return diag_set(d, e, "%s:%llu: JSON, byte %llu: %s", file,
			(unsigned long long)line, (unsigned long long)at,
			s->why);
}
