/* SPDX-License-Identifier: Apache-2.0 */
/* Transforms: what happens to a buffer before the tests see it. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/rule_draft.h"
#include "rules/xform_domain.h"

#define MAX_PARTS 16
#define OFFSET_MAX 65535
#define INFLATE_DEFAULT 1024 /* bytes, as Suricata has it */
#define INFLATE_MOST (16 << 20)

/* Some values must stand between double quotes, as Suricata demands. */
static enum err
quoted(struct rule_draft *r, const struct keyword *w, struct view *value)
{
	struct view v = text_trim(*value);

	if (v.len < 2 || v.p[0] != '"' || v.p[v.len - 1] != '"') {
		return diag_set(r->d, ERR_FORMAT,
				"%s: put the value between double quotes",
				w->name);
	}
	*value = view_of(v.p + 1, v.len - 2);
	return ERR_OK;
}

static enum err
xor_key(struct rule_draft *r, const struct keyword *w, struct view hex,
	struct xform *x)
{
	uint8_t key[255];
	size_t n = 0;
	enum err e = quoted(r, w, &hex);

	if (e != ERR_OK) {
		return e;
	}
	for (size_t i = 0; i + 1 < hex.len && n < sizeof(key); i += 2) {
		char two[5] = { '0', 'x', (char)hex.p[i], (char)hex.p[i + 1],
				0 };
		uint64_t byte;

		if (!text_u64(view_cstr(two), &byte)) {
			n = 0;
			break;
		}
		key[n++] = (uint8_t)byte;
	}
	if (n == 0 || hex.len != n * 2) {
		return diag_set(r->d, ERR_FORMAT,
				"xor: the key is 1 to 255 bytes in "
				"hexadecimal");
	}
	x->arg = view_of(draft_copy(r, key, n), n);
	return x->arg.p != NULL ? ERR_OK : ERR_NOMEM;
}

static enum err
slice_args(struct rule_draft *r, struct view value, struct xform *x)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);

	if (n < 1 || n > 2 || !text_i64(parts[0], &x->a) ||
	    (n == 2 && !text_i64(parts[1], &x->b)) || x->a < -OFFSET_MAX ||
	    x->a > OFFSET_MAX || x->b < -OFFSET_MAX || x->b > OFFSET_MAX) {
		return diag_set(r->d, ERR_FORMAT,
				"subslice: write START or START,LENGTH");
	}
	x->has_b = n == 2;
	return ERR_OK;
}

static enum err
base64_args(struct rule_draft *r, struct view value, struct xform *x)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);

	for (unsigned i = 0; i < n; i++) {
		struct view name, v = parts[i];
		uint64_t number;

		text_next_word(&v, &name);
		v = text_trim(v);
		if (text_is(name, "mode") && text_is(v, "rfc4648")) {
			continue;
		}
		if (text_is(name, "mode") && text_is(v, "strict")) {
			x->arg = VIEW_LIT("!");
			continue;
		}
		if (text_is(name, "mode") && text_is(v, "rfc2045")) {
			x->arg = VIEW_LIT("s");
			continue;
		}
		if (!text_u64(v, &number) || number > OFFSET_MAX ||
		    !(text_is(name, "bytes") || text_is(name, "offset"))) {
			return diag_set(r->d, ERR_FORMAT,
					"from_base64: unknown word \"%.*s\"",
					TEXT_ARG(parts[i]));
		}
		if (text_is(name, "offset")) {
			x->a = (int64_t)number;
		} else {
			x->b = (int64_t)number;
			x->has_b = true;
		}
	}
	return ERR_OK;
}

static enum err
inflate_args(struct rule_draft *r, const struct keyword *w, struct view value,
	     struct xform *x)
{
	struct view parts[MAX_PARTS];
	unsigned n = text_split(text_unquote(value), ',', parts, MAX_PARTS);

	x->a = INFLATE_DEFAULT;
	for (unsigned i = 0; i < n; i++) {
		struct view name, v = parts[i];
		uint64_t number;

		text_next_word(&v, &name);
		if (!text_is(name, "max-size") ||
		    !draft_sized(v, INFLATE_MOST, &number) || number == 0) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: write max-size and a number of "
					"bytes from 1 to %d",
					w->name, INFLATE_MOST);
		}
		x->a = (int64_t)number;
	}
	return ERR_OK;
}

static enum err
pcre_arg(struct rule_draft *r, const struct keyword *w, struct view value,
	 struct xform *x)
{
	uint32_t groups = 0;
	enum err e = quoted(r, w, &value);

	if (e == ERR_OK) {
		e = draft_code(r, w, value, 0, &x->code);
	}
	if (e != ERR_OK) {
		return e;
	}
	(void)pcre2_pattern_info(x->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	if (groups != 1) {
		return diag_set(r->d, ERR_FORMAT,
				"pcrexform: the expression has %u groups; one "
				"group, which becomes the buffer, is needed",
				groups);
	}
	x->arg = view_of(draft_copy(r, value.p, value.len), value.len);
	return x->arg.p != NULL ? ERR_OK : ERR_NOMEM;
}

static enum err
xform_args(struct rule_draft *r, const struct keyword *w, struct view value,
	   struct xform *x)
{
	switch (x->type) {
	case XFORM_XOR:
		return xor_key(r, w, value, x);
	case XFORM_SUBSLICE:
		return slice_args(r, value, x);
	case XFORM_FROM_BASE64:
		return base64_args(r, value, x);
	case XFORM_GUNZIP:
	case XFORM_ZLIB:
		return inflate_args(r, w, value, x);
	case XFORM_PCRE:
		return pcre_arg(r, w, value, x);
	case XFORM_DOMAIN:
	case XFORM_TLD:
		return domain_list_exists()
			       ? ERR_OK
			       : diag_set(r->d, ERR_FORMAT,
					  "%s: libpsl has no list of public "
					  "suffixes here",
					  w->name);
	default:
		return ERR_OK;
	}
}

enum err
parse_xform(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_list *l = draft_cur(r);
	struct xform x = { .type = (enum xform_type)w->a };
	enum err e = ERR_OK;

	if (l->word == NULL || l->absent) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: stands behind a sticky buffer", w->name);
	}
	if (l->n_ops > 0) {
		/* what stood before keeps the buffer without it */
		const struct draft_list *from = l;

		e = draft_list_of(r, l->word, true, &r->cur);
		if (e != ERR_OK) {
			return e;
		}
		l = draft_cur(r);
		l->n_xforms = from->n_xforms;
		memcpy(l->xforms, from->xforms, sizeof(l->xforms));
		r->last_op = -1;
	}
	if (l->n_xforms == RULE_MAX_XFORMS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d transforms",
				RULE_MAX_XFORMS);
	}
	e = xform_args(r, w, value, &x);
	if (e == ERR_OK) {
		l->xforms[l->n_xforms++] = x;
	}
	return e;
}
