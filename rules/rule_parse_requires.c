/* SPDX-License-Identifier: Apache-2.0 */
/* requires: the version, keywords and features that a rule counts on. */
#include "rules/rule_draft.h"

/* The version whose rules "requires" may count on. */
static const unsigned our_version[3] = { 8, 0, 7 };

/* What "requires:feature" may ask for, by Suricata's names. */
static const char *const our_features[] = { "geoip", "ja3", "ja4" };

static bool
version_of(struct view v, unsigned out[3])
{
	struct view part;
	uint64_t n;

	memset(out, 0, 3 * sizeof(out[0]));
	for (unsigned i = 0; i < 3 && text_next(&v, '.', &part); i++) {
		part.len = text_find(part, '-');
		if (!text_u64(part, &n) || n > 1000) {
			return false;
		}
		out[i] = (unsigned)n;
	}
	return v.len == 0;
}

static int
version_cmp(const unsigned a[3], const unsigned b[3])
{
	for (unsigned i = 0; i < 3; i++) {
		if (a[i] != b[i]) {
			return a[i] < b[i] ? -1 : 1;
		}
	}
	return 0;
}

/* ">= 7.0.3 < 8": 1 met, 0 not met, -1 not understood */
static int
version_range(struct view v)
{
	bool met = true, any = false;
	struct view sign, number;
	unsigned wanted[3];

	while (text_next_word(&v, &sign)) {
		size_t n = 0;
		int c;

		while (n < sign.len && n < 2 &&
		       (sign.p[n] == '<' || sign.p[n] == '>' ||
			sign.p[n] == '=')) {
			n++;
		}
		number = view_sub(sign, n, sign.len);
		sign.len = n;
		if (n == 0 ||
		    (number.len == 0 && !text_next_word(&v, &number)) ||
		    !version_of(number, wanted)) {
			return -1;
		}
		c = version_cmp(our_version, wanted);
		any = true;
		met = met && (text_is(sign, ">=")   ? c >= 0
			      : text_is(sign, "<=") ? c <= 0
			      : text_is(sign, "<")  ? c < 0
			      : text_is(sign, ">")  ? c > 0
						    : c == 0);
	}
	return any ? met : -1;
}

static bool
has_feature(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(our_features); i++) {
		if (text_is(name, our_features[i])) {
			return true;
		}
	}
	return false;
}

enum err
parse_requires(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct view part, name, range;
	const struct keyword *known;

	value = text_unquote(value);
	while (text_next(&value, ',', &part)) {
		bool met = false;
		int one;

		text_next_word(&part, &name);
		if (text_is(name, "version")) {
			while (text_next(&part, '|', &range)) {
				one = version_range(range);
				if (one < 0) {
					return diag_set(
						r->d, ERR_FORMAT,
						"%s: version \"%.*s\" is not "
						"understood: write >= 7.0.3",
						w->name, TEXT_ARG(range));
				}
				met = met || one > 0;
			}
		} else if (text_is(name, "keyword")) {
			known = keyword_find(text_trim(part));
			met = known != NULL && known->shape != KW_REFUSED;
		} else if (text_is(name, "feature")) {
			met = has_feature(text_trim(part));
		}
		if (!met && !r->skip) {
			r->skip = true;
			diag_set(r->d, ERR_OK, "requires %.*s %.*s",
				 TEXT_ARG(name), TEXT_ARG(text_trim(part)));
		}
	}
	return ERR_OK;
}
