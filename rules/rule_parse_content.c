/* SPDX-License-Identifier: Apache-2.0 */
/* content and all that places it. */
#include <stdio.h>

#include "rules/rule_draft.h"

#define PLACE_MAX (1 << 20) /* distance, within */
#define OFFSET_MAX 65535 /* offset, depth */

/* Whether some output of the transform can hold the bytes. */
static bool
xform_allows(enum xform_type t, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.p[i];

		if ((t == XFORM_LOWERCASE && c >= 'A' && c <= 'Z') ||
		    (t == XFORM_UPPERCASE && c >= 'a' && c <= 'z') ||
		    (t == XFORM_STRIP_WHITESPACE && text_is_space(c)) ||
		    (t == XFORM_COMPRESS_WHITESPACE && i > 0 &&
		     text_is_space(c) && text_is_space(v.p[i - 1]))) {
			return false;
		}
	}
	return true;
}

static enum err
check_xforms(struct rule_draft *r, const struct keyword *w, struct view bytes)
{
	const struct draft_list *l = draft_cur(r);

	for (uint8_t i = 0; i < l->n_xforms; i++) {
		if (!xform_allows(l->xforms[i].type, bytes)) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: the transform of %s takes out "
					"what this content looks for",
					w->name, l->word->name);
		}
	}
	return ERR_OK;
}

static enum err
new_content(struct rule_draft *r, const struct keyword *w, struct view value,
	    bool bare)
{
	struct view bytes = VIEW_NONE;
	struct draft_op *o;
	bool negated;
	enum err e = draft_bytes(r, w, value, bare, &negated, &bytes);

	if (e == ERR_OK) {
		e = check_xforms(r, w, bytes);
	}
	if (e != ERR_OK) {
		return e;
	}
	o = draft_add_op(r, OP_CONTENT);
	if (o == NULL) {
		return ERR_LIMIT;
	}
	o->op.flags = negated ? OPF_NEGATED : 0;
	o->op.content.len = (uint16_t)bytes.len;
	o->op.content.bytes = bytes.p;
	o->op.content.offset.var = o->op.content.depth.var =
		o->op.content.distance.var = o->op.content.within.var = -1;
	r->last_list = r->cur;
	r->last_op = draft_cur(r)->n_ops - 1;
	return ERR_OK;
}

enum err
parse_content(struct rule_draft *r, const struct keyword *w, struct view value)
{
	uint8_t at, before = r->cur;
	enum err e;

	if (w->shape == KW_CONTENT) {
		return new_content(r, w, value, false);
	}
	/* uricontent and its kind: content in a buffer of their own */
	if (w->shape == KW_URICONTENT && r->cur != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: a sticky buffer is set; write content, or "
				"pkt_data before it",
				w->name);
	}
	e = draft_list_of(r, w, (w->flags & KWF_MULTI) != 0, &at);
	if (e != ERR_OK) {
		return e;
	}
	r->cur = at;
	e = new_content(r, w, value, w->shape != KW_URICONTENT);
	if (e == ERR_OK && (w->a == BUF_FILE_NAME || w->a == BUF_FILE_MAGIC)) {
		e = parse_nocase(r, w, VIEW_NONE); /* both are of any case */
	}
	r->cur = before;
	return e;
}

enum err
parse_nocase(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_op *o = draft_content(r, w);
	struct content *c;
	uint8_t *bytes;

	(void)value;
	if (o == NULL) {
		return ERR_FORMAT;
	}
	if ((o->op.flags & OPF_NOCASE) != 0) {
		return diag_set(r->d, ERR_FORMAT, "%s: stands twice", w->name);
	}
	c = &o->op.content;
	bytes = draft_copy(r, c->bytes, c->len);
	if (bytes == NULL) {
		return ERR_NOMEM;
	}
	for (uint16_t i = 0; i < c->len; i++) {
		bytes[i] = ascii_lower(bytes[i]);
	}
	c->bytes = bytes;
	o->op.flags |= OPF_NOCASE;
	return ERR_OK;
}

/* fileext:[!]"pdf": the name ends in ".pdf", in any case. */
enum err
parse_file_ext(struct rule_draft *r, const struct keyword *w, struct view value)
{
	bool negated = value.len > 0 && value.p[0] == '!';
	struct view ext = text_unquote(
		negated ? text_trim(view_sub(value, 1, value.len)) : value);
	char text[64];
	uint8_t at, before = r->cur;
	enum err e;
	int n;

	if (ext.len == 0 || ext.len > 40) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: write 1 to 40 characters", w->name);
	}
	n = snprintf(text, sizeof(text), "%s\".%.*s\"", negated ? "!" : "",
		     TEXT_ARG(ext));
	e = draft_list_of(r, w, false, &at);
	if (e != ERR_OK) {
		return e;
	}
	r->cur = at;
	e = new_content(r, w, view_of(text, (size_t)n), false);
	if (e == ERR_OK) {
		e = parse_nocase(r, w, VIEW_NONE);
	}
	if (e == ERR_OK) {
		e = parse_endswith(r, w, VIEW_NONE);
	}
	r->cur = before;
	return e;
}

enum err
parse_rawbytes(struct rule_draft *r, const struct keyword *w, struct view value)
{
	(void)value; /* payload is always raw here */
	if (draft_content(r, w) == NULL) {
		return ERR_FORMAT;
	}
	if (r->last_list != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: means the payload, not another buffer",
				w->name);
	}
	return ERR_OK;
}

#define ABSOLUTE (OPF_OFFSET | OPF_DEPTH | OPF_STARTSWITH)
#define RELATIVE (OPF_DISTANCE | OPF_WITHIN)

static enum err
mixed(struct rule_draft *r, const struct keyword *w)
{
	return diag_set(r->d, ERR_FORMAT,
			"%s: a content is placed either by offset and depth "
			"(or startswith) or by distance and within, and by "
			"each once",
			w->name);
}

enum err
parse_startswith(struct rule_draft *r, const struct keyword *w,
		 struct view value)
{
	struct draft_op *o = draft_content(r, w);

	(void)value;
	if (o == NULL) {
		return ERR_FORMAT;
	}
	if ((o->op.flags & (ABSOLUTE | RELATIVE)) != 0) {
		return mixed(r, w);
	}
	o->op.flags |= OPF_STARTSWITH | OPF_DEPTH;
	o->op.content.depth.n = o->op.content.len;
	return ERR_OK;
}

enum err
parse_endswith(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_op *o = draft_content(r, w);

	(void)value;
	if (o == NULL) {
		return ERR_FORMAT;
	}
	o->op.flags |= OPF_ENDSWITH;
	return ERR_OK;
}

/* fast_pattern:only takes a content out of the order of the others. */
static enum err
check_only(struct rule_draft *r, const struct keyword *w, uint16_t flag)
{
	const struct draft_list *l = &r->lists[r->last_list];
	bool before = false;

	for (int i = 0; i < r->last_op && (flag & RELATIVE) != 0; i++) {
		if (l->ops[i].op.type == OP_CONTENT) {
			before = l->ops[i].fast_only;
		}
	}
	if (!before && !l->ops[r->last_op].fast_only) {
		return ERR_OK;
	}
	return diag_set(r->d, ERR_FORMAT,
			"%s: not with or behind a content that is "
			"fast_pattern:only",
			w->name);
}

/* offset, depth, distance, within */
enum err
parse_place(struct rule_draft *r, const struct keyword *w, struct view value)
{
	struct draft_op *o = draft_content(r, w);
	struct operand *out = NULL;
	uint16_t flag = 0;
	bool may_minus = false, spans = false;
	uint8_t before = r->cur;
	enum err e;

	if (o == NULL) {
		return ERR_FORMAT;
	}
	switch (w->shape) {
	case KW_OFFSET:
		out = &o->op.content.offset;
		flag = OPF_OFFSET;
		break;
	case KW_DEPTH:
		out = &o->op.content.depth;
		flag = OPF_DEPTH;
		spans = true;
		break;
	case KW_DISTANCE:
		out = &o->op.content.distance;
		flag = OPF_DISTANCE;
		may_minus = true;
		break;
	default:
		out = &o->op.content.within;
		flag = OPF_WITHIN;
		spans = true;
		break;
	}
	if ((o->op.flags & flag) != 0 || (o->op.flags & OPF_STARTSWITH) != 0 ||
	    ((flag & ABSOLUTE) != 0 && (o->op.flags & RELATIVE) != 0) ||
	    ((flag & RELATIVE) != 0 && (o->op.flags & ABSOLUTE) != 0)) {
		return mixed(r, w);
	}
	e = check_only(r, w, flag);
	if (e != ERR_OK) {
		return e;
	}
	r->cur = (uint8_t)r->last_list; /* whose variables it may name */
	e = draft_operand(r, w->name, text_unquote(value),
			  may_minus ? -PLACE_MAX : 0,
			  (flag & ABSOLUTE) != 0 ? OFFSET_MAX : PLACE_MAX, out);
	r->cur = before;
	if (e != ERR_OK) {
		return e;
	}
	if (spans && out->var < 0 && out->n < o->op.content.len) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: %lld is less than the %u bytes of the "
				"content, so it can never match",
				w->name, (long long)out->n, o->op.content.len);
	}
	o->op.flags |= flag | ((flag & RELATIVE) != 0 ? OPF_RELATIVE : 0);
	return ERR_OK;
}

enum err
parse_fast_pattern(struct rule_draft *r, const struct keyword *w,
		   struct view value)
{
	struct draft_op *o = draft_content(r, w);
	struct view a;
	uint64_t off, len;

	if (o == NULL) {
		return ERR_FORMAT;
	}
	for (uint8_t i = 0; i < r->n_lists; i++) {
		for (uint16_t k = 0; k < r->lists[i].n_ops; k++) {
			if (r->lists[i].ops[k].fast) {
				return diag_set(r->d, ERR_FORMAT,
						"fast_pattern: one is enough");
			}
		}
	}
	if ((o->op.flags & OPF_NEGATED) != 0 &&
	    (o->op.flags & (ABSOLUTE | RELATIVE | OPF_ENDSWITH)) != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"fast_pattern: not on a negated content that "
				"is placed");
	}
	o->fast = true;
	value = text_trim(value);
	if (value.len == 0) {
		return ERR_OK;
	}
	if (text_is(value, "only")) {
		if ((o->op.flags & (ABSOLUTE | RELATIVE | OPF_NEGATED)) != 0) {
			return diag_set(r->d, ERR_FORMAT,
					"fast_pattern:only: not on a content "
					"that is negated or placed");
		}
		o->fast_only = true;
		return ERR_OK;
	}
	if (!text_next(&value, ',', &a) || !text_u64(a, &off) ||
	    !text_u64(text_trim(value), &len) || len == 0 || off + len < off ||
	    off + len > o->op.content.len) {
		return diag_set(r->d, ERR_FORMAT,
				"fast_pattern: write OFFSET,LENGTH inside the "
				"%u bytes of the content",
				o->op.content.len);
	}
	o->has_chop = true;
	o->chop_offset = (uint16_t)off;
	o->chop_len = (uint16_t)len;
	return ERR_OK;
}
