/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_search.h"

/*
 * Knuth, Morris, Pratt: the bytes are an attacker's, and a search that skips
 * back costs him nothing.
 */
static int64_t
find_nocase(const struct content *c, struct view data, size_t from)
{
	const uint8_t *p = c->bytes;
	size_t k = 0;

	for (size_t i = from; i < data.len; i++) {
		uint8_t b = ascii_lower(data.p[i]);

		while (k > 0 && p[k] != b) {
			k = c->fail[k];
		}
		if (p[k] == b && ++k == c->len) {
			return (int64_t)(i + 1 - c->len);
		}
	}
	return -1;
}

int64_t
rule_find(const struct content *c, bool nocase, struct view data, size_t from)
{
	const uint8_t *at;

	if (from > data.len || data.len - from < c->len) {
		return -1;
	}
	if (nocase) {
		return find_nocase(c, data, from);
	}
	at = memmem(data.p + from, data.len - from, c->bytes, c->len);
	return at != NULL ? at - data.p : -1;
}

bool
rule_find_at(const struct content *c, bool nocase, struct view data, size_t at)
{
	struct view there = view_sub(data, at, c->len);

	if (there.len != c->len) {
		return false;
	}
	return nocase ? view_caseeq(there, view_of(c->bytes, c->len))
		      : memcmp(there.p, c->bytes, c->len) == 0;
}
