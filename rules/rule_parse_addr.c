/* SPDX-License-Identifier: Apache-2.0 */
/* iprep, geoip: what is known of a packet's addresses. */
#include <stdlib.h>

#include "rules/rule_draft.h"

enum side { SIDE_ANY, SIDE_SRC, SIDE_DST, SIDE_BOTH };

static bool
read_side(struct view v, enum side *side)
{
	static const char *const sides[] = { "any", "src", "dst", "both" };

	for (size_t i = 0; i < ARRAY_LEN(sides); i++) {
		if (text_is(v, sides[i])) {
			*side = (enum side)i;
			return true;
		}
	}
	return false;
}

/* '*a' becomes what is in both; NULL is every address. */
static enum err
narrow(struct rule_draft *r, const struct range_set **a,
       const struct range_set *b)
{
	struct range_list x = { NULL, 0, 0 }, y = { NULL, 0, 0 },
			  not_y = { NULL, 0, 0 }, out = { NULL, 0, 0 };
	bool good;

	if (*a == NULL) {
		*a = b;
		return ERR_OK;
	}
	/* a and b is a less all that is not b */
	good = range_list_add(&x, 0, RANGE_MAX) && range_list_add_set(&y, b) &&
	       range_list_subtract(&x, &y, &not_y);
	x.n = 0;
	good = good && range_list_add_set(&x, *a) &&
	       range_list_subtract(&x, &not_y, &out);
	if (good) {
		*a = range_list_seal(&out, r->env->arena);
		good = *a != NULL;
	}
	range_list_fini(&x);
	range_list_fini(&y);
	range_list_fini(&not_y);
	range_list_fini(&out);
	return good ? ERR_OK : draft_nomem(r);
}

/*
 * One side, or both, narrow the header's own addresses, so that the rule is
 * found and asked as any rule on addresses is.  "any", and a rule for both
 * ways, leave a test behind.
 */
static enum err
ask_addresses(struct rule_draft *r, enum side side, const struct range_set *set)
{
	struct rule_prog *p = &r->prog;
	struct test t = { .fact = FACT_ADDR,
			  .arg = side,
			  .a = (uint64_t)(uintptr_t)set };
	enum err e = ERR_OK;

	if (side == SIDE_ANY || p->both_ways) {
		return draft_add_test(r, &t);
	}
	if (side == SIDE_SRC || side == SIDE_BOTH) {
		e = narrow(r, &p->src, set);
	}
	if (e == ERR_OK && (side == SIDE_DST || side == SIDE_BOTH)) {
		e = narrow(r, &p->dst, set);
	}
	return e;
}

/* SIDE,CATEGORY,SIGN,SCORE or SIDE,CATEGORY,isset|isnotset */
enum err
parse_iprep(struct rule_draft *r, const struct keyword *w, struct view value)
{
	static const struct {
		const char *sign;
		enum cmp c;
	} signs[] = { { "<", CMP_LT },  { "<=", CMP_LE }, { ">", CMP_GT },
		      { ">=", CMP_GE }, { "=", CMP_EQ },  { "==", CMP_EQ },
		      { "!=", CMP_NE } };
	struct view who = VIEW_NONE, category = VIEW_NONE, sign = VIEW_NONE;
	const struct range_set *set = NULL;
	enum side side;
	uint64_t score;
	enum err e;

	value = text_unquote(value);
	text_next(&value, ',', &who);
	text_next(&value, ',', &category);
	text_next(&value, ',', &sign);
	value = text_trim(value);
	if (!read_side(who, &side) || category.len == 0 || sign.len == 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write any|src|dst|both,CATEGORY,SIGN,"
				"SCORE",
				w->name);
	}
	if (text_is(sign, "isset") || text_is(sign, "isnotset")) {
		if (value.len > 0) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: %.*s has no score", w->name,
					TEXT_ARG(sign));
		}
		e = reputation_known(r->env->reputation, category,
				     text_is(sign, "isnotset"), &set, r->d);
		return e == ERR_OK ? ask_addresses(r, side, set) : e;
	}
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		if (!text_is(sign, signs[i].sign)) {
			continue;
		}
		if (!text_u64(value, &score) || score > REPUTATION_MAX_SCORE) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: the score is a number from 0 to "
					"%d",
					w->name, REPUTATION_MAX_SCORE);
		}
		e = reputation_set(r->env->reputation, category, signs[i].c,
				   score, &set, r->d);
		return e == ERR_OK ? ask_addresses(r, side, set) : e;
	}
	return diag_set(r->d, ERR_FORMAT, "%s: unknown sign \"%.*s\"", w->name,
			TEXT_ARG(sign));
}

static int
by_name(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

/* [SIDE,]COUNTRY,... or [SIDE,]!COUNTRY,... */
enum err
parse_geoip(struct rule_draft *r, const struct keyword *w, struct view value)
{
	char countries[GEO_MAX_COUNTRIES][3];
	const struct range_set *set = NULL;
	enum side side = SIDE_ANY;
	bool negated = false;
	struct view part;
	size_t n = 0;
	enum err e;

	value = text_unquote(value);
	for (unsigned i = 0; text_next(&value, ',', &part); i++) {
		bool not_this;

		if (i == 0 && read_side(part, &side)) {
			continue;
		}
		not_this = part.len > 0 && part.p[0] == '!';
		if (not_this) {
			part = text_trim(view_sub(part, 1, part.len));
		}
		if (part.len != 2 || n == GEO_MAX_COUNTRIES) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: \"%.*s\": write any|src|dst|both "
					"and countries of two letters",
					w->name, TEXT_ARG(part));
		}
		if (n > 0 && not_this && !negated) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: '!' stands before the first "
					"country and means them all",
					w->name);
		}
		negated = negated || not_this;
		for (size_t k = 0; k < 2; k++) {
			char c = (char)ascii_lower(part.p[k]);

			if (c < 'a' || c > 'z') {
				return diag_set(r->d, ERR_FORMAT,
						"%s: \"%.*s\" is no country",
						w->name, TEXT_ARG(part));
			}
			countries[n][k] = (char)(c - 'a' + 'A');
		}
		countries[n++][2] = '\0';
	}
	if (n == 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: names no country",
				w->name);
	}
	qsort(countries, n, sizeof(countries[0]), by_name);
	e = geo_set(r->env->geo, (const char(*)[3])countries, n, negated, &set,
		    r->d);
	return e == ERR_OK ? ask_addresses(r, side, set) : e;
}
