/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that a content's text means. */
#include "rules/rule_draft.h"

#define CONTENT_MAX 8192

struct unescape {
	uint8_t out[CONTENT_MAX];
	size_t n;
	bool hex, half, escape;
	int high;
};

static const char *
unescape_hex(struct unescape *u, uint8_t c)
{
	int digit = ascii_hex(c);

	if (text_is_space(c)) {
		return NULL;
	}
	if (digit < 0) {
		return "something other than hexadecimal digits between bars";
	}
	if (u->half) {
		u->out[u->n++] = (uint8_t)(u->high << 4 | digit);
	}
	u->high = digit;
	u->half = !u->half;
	return NULL;
}

static const char *
unescape_one(struct unescape *u, uint8_t c)
{
	if (c == '|' && u->escape) {
		return "a backslash before a bar: write |7c|";
	}
	if (c == '|') {
		if (u->half) {
			return "an odd number of hexadecimal digits";
		}
		u->hex = !u->hex;
		return NULL;
	}
	if (u->hex) {
		return unescape_hex(u, c);
	}
	if (u->escape) {
		u->escape = false;
		if (c != ':' && c != ';' && c != '\\' && c != '"') {
			return "a backslash before a character that needs "
			       "none";
		}
	} else if (c == '\\') {
		u->escape = true;
		return NULL;
	} else if (c == '"') {
		return "a quote that needs a backslash";
	}
	u->out[u->n++] = c;
	return NULL;
}

/* "GET |0d 0a|" to bytes in 'u'; the complaint, or NULL. */
static const char *
unescape(struct unescape *u, struct view v)
{
	u->n = 0;
	u->hex = u->half = u->escape = false;
	for (size_t i = 0; i < v.len; i++) {
		const char *wrong;

		if (u->n == sizeof(u->out)) {
			return "more than 8192 bytes";
		}
		wrong = unescape_one(u, v.p[i]);
		if (wrong != NULL) {
			return wrong;
		}
	}
	if (u->hex) {
		return "a bar '|' without its partner";
	}
	if (u->escape) {
		return "a backslash at the end";
	}
	return u->n == 0 ? "no bytes" : NULL;
}

enum err
draft_bytes(struct rule_draft *r, const struct keyword *w, struct view value,
	    bool bare, bool *negated, struct view *out)
{
	static struct unescape u; /* rules are read by one thread */
	const char *wrong;

	*negated = value.len > 0 && value.p[0] == '!';
	if (*negated) {
		value = text_trim(view_of(value.p + 1, value.len - 1));
	}
	if (value.len >= 2 && value.p[0] == '"' &&
	    value.p[value.len - 1] == '"') {
		value = view_of(value.p + 1, value.len - 2);
	} else if (!bare) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: put the bytes between double quotes",
				w->name);
	}
	wrong = unescape(&u, value);
	if (wrong != NULL) {
		return diag_set(r->d, ERR_FORMAT, "%s: %s in \"%.*s\"", w->name,
				wrong, TEXT_ARG(value));
	}
	*out = view_of(draft_copy(r, u.out, u.n), u.n);
	return out->p != NULL ? ERR_OK : ERR_NOMEM;
}
