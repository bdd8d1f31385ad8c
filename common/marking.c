/* SPDX-License-Identifier: Apache-2.0 */
#include "common/marking.h"

#include <stdio.h>

static const char *const tlp_names[] = { "clear", "green", "amber",
					 "amber+strict", "red" };

const char *
tlp_name(enum tlp t)
{
	return (size_t)t < ARRAY_LEN(tlp_names) ? tlp_names[t] : "red";
}

bool
tlp_read(struct view word, enum tlp *out)
{
	if (word.len > 4 && view_caseeq(view_of(word.p, 4), VIEW_LIT("tlp:"))) {
		word = view_of(word.p + 4, word.len - 4);
	}
	if (view_caseeq(word, VIEW_LIT("white"))) {
		*out = TLP_CLEAR;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(tlp_names); i++) {
		if (view_caseeq(word, view_cstr(tlp_names[i]))) {
			*out = (enum tlp)i;
			return true;
		}
	}
	return false;
}

const char *
tlp_stricter(const char *a, const char *b)
{
	enum tlp x = TLP_RED, y = TLP_RED;

	if (a[0] == '\0' || b[0] == '\0') {
		return a[0] != '\0' ? a : b;
	}
	if (!tlp_read(view_cstr(a), &x)) {
		x = TLP_RED;
	}
	if (!tlp_read(view_cstr(b), &y)) {
		y = TLP_RED;
	}
	return y > x ? b : a;
}

static bool
is_name(struct view v)
{
	if (v.len == 0 || v.len >= MARKING_NAME_CAP) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if (!(c >= '0' && c <= '9') && c != '.' && c != '_' &&
		    c != '-' &&
		    !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) {
			return false;
		}
	}
	return true;
}

enum err
marking_release_to(struct marking *m, struct view name)
{
	char word[MARKING_NAME_CAP];
	unsigned i;

	if (!is_name(name)) {
		return ERR_FORMAT;
	}
	memcpy(word, name.p, name.len);
	word[name.len] = '\0';
	m->limited = true;
	for (i = 0; i < m->n_names && strcmp(m->names[i], word) < 0; i++) {
	}
	if (i < m->n_names && strcmp(m->names[i], word) == 0) {
		return ERR_OK;
	}
	if (m->n_names == MARKING_MAX_NAMES) {
		return ERR_LIMIT;
	}
	memmove(m->names[i + 1], m->names[i],
		(m->n_names - i) * sizeof(m->names[0]));
	memcpy(m->names[i], word, name.len + 1);
	m->n_names++;
	return ERR_OK;
}

bool
marking_names(const struct marking *m, const char *name)
{
	if (!m->limited) {
		return true;
	}
	for (unsigned i = 0; i < m->n_names; i++) {
		if (strcmp(m->names[i], name) == 0) {
			return true;
		}
	}
	return false;
}

void
marking_join(struct marking *m, const struct marking *other)
{
	unsigned kept = 0;

	m->tlp = MAX(m->tlp, other->tlp);
	if (!other->limited) {
		return;
	}
	if (!m->limited) {
		m->limited = true;
		m->n_names = other->n_names;
		memcpy(m->names, other->names, sizeof(m->names));
		return;
	}
	for (unsigned i = 0; i < m->n_names; i++) {
		if (marking_names(other, m->names[i])) {
			memmove(m->names[kept++], m->names[i],
				sizeof(m->names[0]));
		}
	}
	m->n_names = kept;
}

bool
marking_covers(const struct marking *a, const struct marking *b)
{
	if (a->tlp < b->tlp || (b->limited && !a->limited)) {
		return false;
	}
	for (unsigned i = 0; a->limited && i < a->n_names; i++) {
		if (!marking_names(b, a->names[i])) {
			return false;
		}
	}
	return true;
}

const char *
marking_text(const struct marking *m, char out[MARKING_TEXT_CAP])
{
	size_t n = (size_t)snprintf(out, MARKING_TEXT_CAP, "%s%s",
				    tlp_name(m->tlp), m->limited ? "//" : "");

	for (unsigned i = 0; m->limited && i < m->n_names; i++) {
		n += (size_t)snprintf(out + n, MARKING_TEXT_CAP - n, "%s%s",
				      i > 0 ? "," : "", m->names[i]);
	}
	return out;
}

enum err
marking_read(struct marking *m, struct view text, struct diag *d)
{
	size_t n = 0;
	enum err e = ERR_OK;

	*m = MARKING_CLEAR;
	while (n < text.len && text.p[n] != '/') {
		n++;
	}
	if (!tlp_read(view_of(text.p, n), &m->tlp)) {
		return diag_set(d, ERR_FORMAT,
				"marking: no TLP 2.0 label before the names "
				"(clear, green, amber, amber+strict, red)");
	}
	if (n == text.len) {
		return ERR_OK;
	}
	if (text.len - n < 2 || text.p[n + 1] != '/') {
		return diag_set(d, ERR_FORMAT,
				"marking: write LABEL//NAME,NAME, as in "
				"amber//JP,US");
	}
	m->limited = true;
	for (n += 2; e == ERR_OK && n < text.len; n++) {
		size_t from = n;

		while (n < text.len && text.p[n] != ',') {
			n++;
		}
		e = marking_release_to(m, view_of(text.p + from, n - from));
	}
	if (e == ERR_FORMAT) {
		return diag_set(d, e,
				"marking: a name is 1 to %d letters, digits, "
				"'.', '_', '-'",
				MARKING_NAME_CAP - 1);
	}
	return e == ERR_OK ? e
			   : diag_set(d, e, "marking: more than %d names",
				      MARKING_MAX_NAMES);
}
