/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_search.h"

#include <limits.h>

#include "rules/byte_gram.h"
#include "rules/rule_search_path.h"

/* A search may compare this often in vain before it is thought hostile. */
#define BUDGET_LEAST 1024
#define BUDGET_A_PLACE 2
#define RAREST 18 /* of byte_gram_byte(), in half bits */

static find_fn *fast; /* set before main(); NULL: the portable way */

static find_fn *
best_of(enum find_path path)
{
	find_fn *f = find_best_x86(path);

	return f != NULL ? f : find_best_arm(path);
}

bool
rule_find_use(enum find_path path)
{
	find_fn *f = best_of(path);

	if (f == NULL && path != FIND_PORTABLE) {
		return false;
	}
	fast = f;
	return true;
}

/* The widest that there is; before main(), so that no thread sees a change. */
__attribute__((constructor)) static void
choose_path(void)
{
	for (unsigned i = 0; i < FIND_PATHS; i++) {
		(void)rule_find_use((enum find_path)i);
	}
}

const char *
rule_find_name(enum find_path path)
{
	static const char *const names[FIND_PATHS] = {
		"portable", "sse2", "avx2", "avx512bw", "neon",
	};

	return names[path];
}

/* How often a byte comes in traffic: 16 times a logarithm to base 2. */
static int
rank_of(uint8_t b, bool nocase)
{
	return 8 * (RAREST - (int)byte_gram_byte(b, nocase)) + 3;
}

/*
 * The rarest byte of 'c'; when 'first' is one of its places, the best other
 * one.  What is alike, and what is near, comes together; so a different byte
 * is better, and one far away.
 */
static uint16_t
rarest(const struct content *c, bool nocase, uint16_t first)
{
	uint16_t best = 0;
	int least = INT_MAX;

	for (uint16_t i = 0; i < c->len; i++) {
		int cost = 4 * rank_of(c->bytes[i], nocase);
		int away = i > first ? i - first : first - i;

		if (first < c->len) {
			cost += c->bytes[i] == c->bytes[first] ? 32 : 0;
			cost -= MIN(away, 15);
		}
		if (i != first && cost < least) {
			best = i;
			least = cost;
		}
	}
	return c->len > 1 ? best : 0;
}

int
rule_find_rank(const struct content *c, bool nocase)
{
	return c->len == 0 ? 2 * UINT8_MAX
			   : rank_of(c->rare[0], nocase) +
				     (c->len > 1 ? rank_of(c->rare[1], nocase)
						 : UINT8_MAX) -
				     MIN(c->len, 32);
}

void
rule_find_prepare(struct content *c, bool nocase)
{
	if (c->len == 0) {
		return;
	}
	c->rare_at[0] = rarest(c, nocase, c->len);
	c->rare_at[1] = rarest(c, nocase, c->rare_at[0]);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t b = c->bytes[c->rare_at[i]];

		c->rare[i] = b;
		c->rare_fold[i] = nocase && b >= 'a' && b <= 'z' ? 0x20 : 0;
	}
}

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

/* Linear whatever the bytes; memmem() is that for long contents, and short
 * ones bound what a place may cost. */
static int64_t
find_linear(const struct content *c, bool nocase, struct view data, size_t from)
{
	const uint8_t *at;

	if (nocase) {
		return find_nocase(c, data, from);
	}
	at = memmem(data.p + from, data.len - from, c->bytes, c->len);
	return at != NULL ? at - data.p : -1;
}

bool
find_equal(const struct content *c, bool nocase, const uint8_t *p)
{
	if (!nocase) {
		return memcmp(p, c->bytes, c->len) == 0;
	}
	for (uint16_t i = 0; i < c->len; i++) {
		if (ascii_lower(p[i]) != c->bytes[i]) {
			return false;
		}
	}
	return true;
}

int64_t
rule_find(const struct content *c, bool nocase, struct view data, size_t from)
{
	struct find_job j = { .c = c, .nocase = nocase };
	size_t at;

	if (from > data.len || data.len - from < c->len) {
		return -1;
	}
	if (fast == NULL || c->len == 0) {
		return find_linear(c, nocase, data, from);
	}
	j.p = data.p + from;
	j.n = data.len - from - c->len + 1;
	j.budget = BUDGET_LEAST + (int64_t)(BUDGET_A_PLACE * j.n);
	at = fast(&j);
	if (j.budget < 0) {
		return find_linear(c, nocase, data, from + at);
	}
	return at < j.n ? (int64_t)(from + at) : -1;
}

bool
rule_find_at(const struct content *c, bool nocase, struct view data, size_t at)
{
	return at <= data.len && data.len - at >= c->len &&
	       find_equal(c, nocase, data.p + at);
}
