/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/redact_fold.h"

#include <stdlib.h>

#define NOTHING (-1) /* what is not seen folds to that */

/* One character, UTF-8, and what it folds to. */
struct folded {
	uint8_t bytes[3];
	uint8_t len, last; /* the last byte may be up to 'last' */
	int to;
	uint8_t step; /* 1: the next character folds to the next one */
};

static const struct folded table[] = {
	{ { 0xc2, 0xa0 }, 2, 0xa0, ' ', 0 }, /* no-break space */
	{ { 0xc2, 0xad }, 2, 0xad, NOTHING, 0 }, /* soft hyphen */
	{ { 0xe2, 0x80, 0x80 }, 3, 0x8a, ' ', 0 }, /* U+2000 to U+200A */
	{ { 0xe2, 0x80, 0x8b }, 3, 0x8f, NOTHING, 0 }, /* zero width, marks */
	{ { 0xe2, 0x80, 0x90 }, 3, 0x95, '-', 0 }, /* hyphens and dashes */
	{ { 0xe2, 0x80, 0xa4 }, 3, 0xa4, '.', 0 }, /* one dot leader */
	{ { 0xe2, 0x80, 0xaa }, 3, 0xae, NOTHING, 0 }, /* which way it runs */
	{ { 0xe2, 0x80, 0xaf }, 3, 0xaf, ' ', 0 },
	{ { 0xe2, 0x81, 0xa0 }, 3, 0xa0, NOTHING, 0 }, /* word joiner */
	{ { 0xe2, 0x81, 0xa6 }, 3, 0xa9, NOTHING, 0 },
	{ { 0xe3, 0x80, 0x80 }, 3, 0x80, ' ', 0 }, /* ideographic space */
	{ { 0xe3, 0x80, 0x82 }, 3, 0x82, '.', 0 }, /* its full stop */
	{ { 0xef, 0xbb, 0xbf }, 3, 0xbf, NOTHING, 0 }, /* byte order mark */
	{ { 0xef, 0xbc, 0x81 }, 3, 0xbf, '!', 1 }, /* full width, to '_' */
	{ { 0xef, 0xbd, 0x80 }, 3, 0x9e, '`', 1 }, /* to '~' */
	{ { 0xef, 0xbd, 0xa1 }, 3, 0xa1, '.', 0 }, /* half width full stop */
};

static bool
may_fold(uint8_t c)
{
	return c == '%' || c == '[' || c == '(' || c == '{' || c == 0xc2 ||
	       c == 0xe2 || c == 0xe3 || c == 0xef;
}

/* "[.]", "(:)", "{dot}". */
static size_t
fold_brackets(struct view t, int *to)
{
	uint8_t close = t.p[0] == '(' ? ')' : t.p[0] == '[' ? ']' : '}';

	if (t.len >= 3 && t.p[2] == close && (t.p[1] == '.' || t.p[1] == ':')) {
		*to = t.p[1];
		return 3;
	}
	if (t.len >= 5 && t.p[4] == close &&
	    view_caseeq(view_sub(t, 1, 3), VIEW_LIT("dot"))) {
		*to = '.';
		return 5;
	}
	return 0;
}

static size_t
fold_percent(struct view t, int *to)
{
	int high = t.len >= 3 ? ascii_hex(t.p[1]) : -1;
	int low = t.len >= 3 ? ascii_hex(t.p[2]) : -1;

	*to = high * 16 + low;
	return high >= 2 && high < 8 && low >= 0 && *to < 0x7f ? 3 : 0;
}

/* How many bytes at the beginning of 't' fold to '*to'; 0: they stay. */
static size_t
fold_one(struct view t, int *to)
{
	switch (t.p[0]) {
	case '%':
		return fold_percent(t, to);
	case '[':
	case '(':
	case '{':
		return fold_brackets(t, to);
	default:
		break;
	}
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct folded *e = &table[i];
		size_t n = e->len;

		if (t.len >= n && memcmp(t.p, e->bytes, n - 1) == 0 &&
		    t.p[n - 1] >= e->bytes[n - 1] && t.p[n - 1] <= e->last) {
			*to = e->to;
			*to += e->step * (t.p[n - 1] - e->bytes[n - 1]);
			return n;
		}
	}
	return 0;
}

bool
redact_fold(struct redact_fold *f, struct view in)
{
	size_t n = 0, i = 0;

	*f = (struct redact_fold){ .text = in };
	while (i < in.len && !may_fold(in.p[i])) {
		i++;
	}
	if (i == in.len) {
		return true;
	}
	if (in.len >= UINT32_MAX) {
		return false;
	}
	f->from = malloc((in.len + 1) * sizeof(*f->from));
	f->heap = malloc(in.len);
	if (f->from == NULL || f->heap == NULL) {
		return false;
	}
	for (i = 0; i < in.len;) {
		struct view rest = view_sub(in, i, in.len - i);
		int to = in.p[i];
		size_t took = may_fold(in.p[i]) ? fold_one(rest, &to) : 0;

		if (took == 0) {
			to = in.p[i];
		}
		if (to != NOTHING) {
			f->from[n] = (uint32_t)i;
			f->heap[n++] = (uint8_t)to;
		}
		i += MAX(took, (size_t)1);
	}
	f->from[n] = (uint32_t)in.len;
	f->text = view_of(f->heap, n);
	return true;
}

void
redact_fold_fini(struct redact_fold *f)
{
	free(f->from);
	free(f->heap);
}
