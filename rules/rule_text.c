/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_text.h"

struct view
text_trim(struct view s)
{
	while (s.len > 0 && text_is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && text_is_space(s.p[s.len - 1])) {
		s.len--;
	}
	return s;
}

struct view
text_unquote(struct view s)
{
	s = text_trim(s);
	if (s.len >= 2 && s.p[0] == '"' && s.p[s.len - 1] == '"') {
		return view_of(s.p + 1, s.len - 2);
	}
	return s;
}

bool
text_is(struct view s, const char *word)
{
	return view_caseeq(s, view_cstr(word));
}

size_t
text_find(struct view s, char c)
{
	const uint8_t *at = s.len > 0 ? memchr(s.p, c, s.len) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.len;
}

bool
text_find_str(struct view s, const char *word, size_t *at)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.len; i++) {
		if (memcmp(s.p + i, word, n) == 0) {
			*at = i;
			return true;
		}
	}
	return false;
}

bool
text_next(struct view *s, char sep, struct view *part)
{
	size_t at;

	if (s->len == 0) {
		return false;
	}
	at = text_find(*s, sep);
	*part = text_trim(view_of(s->p, at));
	*s = at < s->len ? view_of(s->p + at + 1, s->len - at - 1) : VIEW_NONE;
	return true;
}

unsigned
text_split(struct view s, char sep, struct view *parts, unsigned cap)
{
	unsigned n = 0;

	while (n < cap && text_next(&s, sep, &parts[n])) {
		n++;
	}
	return n;
}

bool
text_next_word(struct view *s, struct view *word)
{
	size_t n = 0;

	*s = text_trim(*s);
	while (n < s->len && !text_is_space(s->p[n])) {
		n++;
	}
	*word = view_of(s->p, n);
	*s = view_of(s->p + n, s->len - n);
	return n > 0;
}

bool
text_u64(struct view s, uint64_t *out)
{
	unsigned base = 10;
	uint64_t n = 0;

	if (s.len > 2 && s.p[0] == '0' && ascii_lower(s.p[1]) == 'x') {
		base = 16;
		s = view_of(s.p + 2, s.len - 2);
	}
	if (s.len == 0) {
		return false;
	}
	for (size_t i = 0; i < s.len; i++) {
		unsigned d = (unsigned)ascii_hex(s.p[i]);

		if (d >= base || __builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, d, &n)) {
			return false;
		}
	}
	*out = n;
	return true;
}

bool
text_i64(struct view s, int64_t *out)
{
	bool minus = s.len > 0 && s.p[0] == '-';
	uint64_t n;

	if (s.len > 0 && (s.p[0] == '-' || s.p[0] == '+')) {
		s = view_of(s.p + 1, s.len - 1);
	}
	if (!text_u64(s, &n) || n > INT64_MAX) {
		return false;
	}
	*out = minus ? -(int64_t)n : (int64_t)n;
	return true;
}
