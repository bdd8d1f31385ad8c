/* SPDX-License-Identifier: Apache-2.0 */
/* Objects and properties as in STIX 2.1 section 6. */
#include "common/pattern_object.h"

static const struct pattern_property_row rows[] = {
#define P(sym, object, path, type, at) \
	{ object, path, PATTERN_T_##type, PATTERN_AT_##at },
	PATTERN_PROPERTY_LIST(P)
#undef P
};

const struct pattern_property_row *
pattern_property_row(enum pattern_property p)
{
	return &rows[p];
}

/* Lists are written without hyphens too: "SHA256". */
static bool
same_key(struct view want, struct view key)
{
	size_t k = 0;

	if (want.len > 4 && memcmp(want.p, "SHA-", 4) == 0) {
		for (size_t i = 0; i < want.len; i++) {
			if (want.p[i] == '-' &&
			    (k >= key.len || key.p[k] != '-')) {
				continue;
			}
			if (k >= key.len ||
			    ascii_lower(key.p[k]) != ascii_lower(want.p[i])) {
				return false;
			}
			k++;
		}
		return k == key.len;
	}
	return view_eq(want, key);
}

static bool
row_is(const struct pattern_property_row *row, const struct pattern_path *path,
       unsigned n_keys, struct view *header)
{
	struct view left = view_cstr(row->path);
	unsigned i = 0;

	if (!view_eq(path->type, view_cstr(row->object))) {
		return false;
	}
	for (; left.len > 0; i++) {
		const uint8_t *dot = memchr(left.p, '.', left.len);
		size_t n = dot != NULL ? (size_t)(dot - left.p) : left.len;
		struct view want = view_of(left.p, n);

		if (i >= n_keys) {
			return false;
		}
		if (view_eq(want, VIEW_LIT("*"))) {
			*header = path->steps[i].key;
		} else if (!same_key(want, path->steps[i].key)) {
			return false;
		}
		left = view_sub(left, n + 1, left.len);
	}
	return i == n_keys;
}

bool
pattern_property_find(const struct pattern_path *path,
		      enum pattern_property *out, struct view *header,
		      int64_t *index)
{
	unsigned n = path->n_steps;

	*index = -1;
	if (path->steps[n - 1].kind != PATTERN_KEY) {
		*index = path->steps[n - 1].kind == PATTERN_INDEX
				 ? path->steps[n - 1].index
				 : -1;
		n--;
	}
	for (unsigned i = 0; i < n; i++) {
		if (path->steps[i].kind != PATTERN_KEY) {
			return false;
		}
	}
	for (int p = 0; p < PATTERN_PROPERTIES; p++) {
		*header = VIEW_NONE;
		if (!row_is(&rows[p], path, n, header)) {
			continue;
		}
		*out = (enum pattern_property)p;
		if (p != PATTERN_P_HEADER) {
			*header = VIEW_NONE;
		}
		/* Lists are these two; and no list counts from its end. */
		return n == path->n_steps ||
		       ((p == PATTERN_P_HEADER || p == PATTERN_P_PROTOCOLS) &&
			path->steps[n].index >= 0);
	}
	return false;
}

bool
pattern_comparable(enum pattern_type type, enum pattern_literal literal)
{
	switch (type) {
	case PATTERN_T_TEXT:
	case PATTERN_T_LOWER:
	case PATTERN_T_ADDR:
		return literal == PATTERN_STRING;
	case PATTERN_T_INTEGER:
		return literal == PATTERN_INTEGER || literal == PATTERN_FLOAT;
	case PATTERN_T_BOOL:
		return literal == PATTERN_BOOL;
	case PATTERN_T_TIME:
		return literal == PATTERN_TIME;
	}
	return false;
}
