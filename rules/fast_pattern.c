/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/fast_pattern.h"

#include "rules/byte_gram.h"

/* Bytes of a literal that the prefilter sees: in the stream, where as many of
 * a segment are searched again with the next, and in a buffer that is whole. */
#define FAST_MAX 40
#define FAST_MAX_TX 128
#define SHORT 4 /* bytes: shorter ones are common */

/*
 * How the literal must be changed to be found in the buffer before its
 * transforms; false when they leave no literal to look for.
 */
static bool
literal_before_xforms(const struct draft_list *l, struct view *bytes,
		      bool *nocase)
{
	for (int i = l->n_xforms - 1; i >= 0; i--) {
		switch (l->xforms[i].type) {
		case XFORM_DOTPREFIX:
			if (bytes->len > 1 && bytes->p[0] == '.') {
				*bytes = view_sub(*bytes, 1, bytes->len);
			} else if (bytes->len == 1 && bytes->p[0] == '.') {
				return false;
			}
			break;
		case XFORM_LOWERCASE:
		case XFORM_UPPERCASE:
			*nocase = true;
			break;
		case XFORM_SUBSLICE:
		case XFORM_DOMAIN:
		case XFORM_TLD:
		case XFORM_PCRE:
			break; /* a part of what was there */
		default:
			return false;
		}
	}
	return bytes->len > 0;
}

/*
 * Higher is better: what a literal is tried for is its rarest piece; that it
 * is longer than that makes it rarer still, but not by much, as the bytes of a
 * word come together.
 */
static int
literal_score(struct view v, bool nocase)
{
	v = view_sub(v, 0, FAST_MAX);
	return (int)byte_gram_cost(v, nocase) + (int)MIN(v.len, 16u);
}

/* Buffers that say little: a hit there makes too many candidates. */
static int
buffer_weight(const struct draft_list *l)
{
	if (l->word == NULL) {
		return 2;
	}
	switch (l->word->a != KW_NONE ? l->word->a : l->word->b) {
	case BUF_HTTP_METHOD:
	case BUF_HTTP_STAT_CODE:
	case BUF_HTTP_STAT_MSG:
	case BUF_HTTP_REQ_PROTOCOL:
	case BUF_HTTP_REQ_HEADER_NAMES:
		return 1;
	default:
		return 2;
	}
}

static bool
may_trigger(const struct rule_draft *r, uint8_t list, enum prog_kind kind)
{
	const struct draft_list *l = &r->lists[list];

	if (l->is_base64 || l->absent || (list > 0 && l->word == NULL)) {
		return false;
	}
	if (l->word != NULL &&
	    (l->word->flags & (KWF_PACKET | KWF_ADDR)) != 0) {
		return false;
	}
	return (list == 0) == (kind == PROG_PAYLOAD);
}

/* A test right behind content 'k' that only the buffer's end passes. */
static bool
ends_there(const struct draft_list *l, uint16_t k)
{
	const struct op *next;

	if ((l->ops[k].op.flags & OPF_ENDSWITH) != 0) {
		return true;
	}
	if (k + 1 >= l->n_ops) {
		return false;
	}
	next = &l->ops[k + 1].op;
	return next->type == OP_ISDATAAT && (next->flags & OPF_RELATIVE) != 0 &&
	       (next->flags & OPF_NEGATED) != 0 && next->at.var < 0 &&
	       next->at.n == 1;
}

static bool
begins_there(const struct op *op)
{
	const struct content *c = &op->content;

	if ((op->flags & OPF_STARTSWITH) != 0) {
		return true;
	}
	return (op->flags & OPF_DEPTH) != 0 &&
	       (op->flags & OPF_RELATIVE) == 0 && c->offset.var < 0 &&
	       c->offset.n == 0 && c->depth.var < 0 && c->depth.n == c->len;
}

/* The buffer's length is asked for, or always, that of content 'c'. */
static bool
is_as_long(const struct draft_list *l, enum inspect_buf b,
	   const struct content *c)
{
	if ((b == BUF_JA3_HASH || b == BUF_JA3S_HASH) && c->len == 32 &&
	    l->n_xforms == 0) {
		return true; /* MD5 in hexadecimal */
	}
	for (uint16_t k = 0; k < l->n_ops; k++) {
		const struct op *op = &l->ops[k].op;

		if (op->type == OP_BSIZE && op->bsize.compare == CMP_EQ &&
		    op->bsize.a == c->len) {
			return true;
		}
	}
	return false;
}

/* What is a part of the buffer has ends of its own. */
static bool
keeps_ends(const struct draft_list *l)
{
	for (uint8_t i = 0; i < l->n_xforms; i++) {
		switch (l->xforms[i].type) {
		case XFORM_DOTPREFIX:
		case XFORM_LOWERCASE:
		case XFORM_UPPERCASE:
			break;
		default:
			return false;
		}
	}
	return true;
}

/* Whether content 'k' is an indicator in disguise (literal_table.h). */
static enum fast_form
form_of(const struct draft_list *l, enum inspect_buf b, uint16_t k)
{
	const struct op *op = &l->ops[k].op;
	bool ends = ends_there(l, k);

	if (op->content.len > FAST_KEY_MAX || l->word == NULL ||
	    (l->word->flags & KWF_BODY) != 0 || !keeps_ends(l)) {
		return FAST_SCAN;
	}
	if (is_as_long(l, b, &op->content) || (ends && begins_there(op))) {
		return FAST_WHOLE;
	}
	return ends ? FAST_SUFFIX : FAST_SCAN;
}

/* Where a content may begin; to: UINT32_MAX is anywhere. */
struct begin {
	uint64_t from, to;
};

static const struct begin anywhere = { 0, UINT32_MAX };

/* The content that 'k' is relative to; -1: something else, or nothing. */
static int
stands_before(const struct draft_list *l, int k)
{
	while (--k >= 0) {
		const struct op *op = &l->ops[k].op;

		if (op->type == OP_BYTE_TEST || op->type == OP_ISDATAAT) {
			continue; /* they leave the place as it is */
		}
		return op->type == OP_CONTENT && (op->flags & OPF_NEGATED) == 0
			       ? k
			       : -1;
	}
	return -1;
}

/* From what offset and depth say. */
static struct begin
absolute_place(const struct op *op)
{
	const struct content *c = &op->content;
	struct begin b = anywhere;

	if (c->offset.var >= 0 || c->offset.n < 0) {
		return anywhere;
	}
	b.from = (uint64_t)c->offset.n;
	if ((op->flags & OPF_DEPTH) != 0 && c->depth.var < 0 &&
	    c->depth.n >= c->len) {
		b.to = b.from + (uint64_t)c->depth.n - c->len;
	}
	return b;
}

/* From where the content before it may stand as well. */
static struct begin
place_of(const struct draft_list *l, int k)
{
	struct begin b = { 0, 0 };

	/* back to one that is not relative, adding up what lies between */
	for (;;) {
		const struct op *op = &l->ops[k].op;
		const struct content *c = &op->content;
		const struct op *before;
		struct begin first;

		if ((op->flags & OPF_RELATIVE) == 0) {
			first = absolute_place(op);
			b.from += first.from;
			b.to = b.to == UINT32_MAX || first.to == UINT32_MAX
				       ? UINT32_MAX
				       : b.to + first.to;
			return b;
		}
		k = stands_before(l, k);
		if (k < 0 || c->distance.var >= 0 || c->distance.n < 0) {
			return anywhere;
		}
		before = &l->ops[k].op;
		b.from += (uint64_t)c->distance.n + before->content.len;
		if ((op->flags & OPF_WITHIN) == 0 || c->within.var >= 0 ||
		    c->within.n < c->len) {
			b.to = UINT32_MAX;
		} else if (b.to != UINT32_MAX) {
			b.to += (uint64_t)c->distance.n + before->content.len +
				(uint64_t)c->within.n - c->len;
		}
	}
}

/* The same for what the prefilter has of content 'k'. */
static struct begin
fast_place(const struct draft_list *l, int k)
{
	uint64_t chop = l->ops[k].has_chop ? l->ops[k].chop_offset : 0;
	struct begin b;

	if (l->n_xforms > 0) {
		return anywhere; /* a dot in front is not in the buffer */
	}
	b = place_of(l, k);
	b.from += chop;
	b.to = b.to == UINT32_MAX ? b.to : b.to + chop;
	if (b.from >= UINT32_MAX) {
		return anywhere;
	}
	b.to = MIN(b.to, (uint64_t)UINT32_MAX);
	return b;
}

/* What a rule is chosen by, and what is left to choose from. */
struct choice {
	const struct rule_draft *r;
	struct rule_prog *p;
	const struct rule_list *lists;
	int8_t list; /* the list's number in 'lists' */
	int best;
	bool at_one_place; /* only such contents are good enough */
};

static void
weigh_content(struct choice *c, const struct draft_list *l, uint16_t k)
{
	const struct draft_op *o = &l->ops[k];
	struct view whole = view_of(o->op.content.bytes, o->op.content.len);
	struct view v = whole;
	bool nocase = (o->op.flags & OPF_NOCASE) != 0;
	struct begin at = fast_place(l, k);
	struct rule_prog *p = c->p;
	int score;

	if (o->has_chop) {
		v = view_sub(v, o->chop_offset, o->chop_len);
	}
	if (!literal_before_xforms(l, &v, &nocase) ||
	    (c->at_one_place && (at.from != at.to || v.len < 2))) {
		return;
	}
	score = literal_score(v, nocase) * buffer_weight(l);
	if (o->fast && !c->at_one_place) {
		score = 1 << 20;
	}
	if (score <= c->best) {
		return;
	}
	c->best = score;
	p->fast_list = c->list;
	p->fast = view_sub(v, 0, p->kind == PROG_TX ? FAST_MAX_TX : FAST_MAX);
	p->fast_from = (uint32_t)at.from;
	p->fast_to = (uint32_t)at.to;
	p->fast_nocase = nocase;
	p->fast_form = (uint8_t)form_of(l, c->lists[c->list].buf, k);
	p->fast_key = whole;
}

static void
choose(struct choice *c, const int8_t numbers[RULE_MAX_LISTS])
{
	for (uint8_t i = 0; i < c->r->n_lists; i++) {
		const struct draft_list *l = &c->r->lists[i];

		c->list = numbers[i];
		if (!may_trigger(c->r, i, (enum prog_kind)c->p->kind) ||
		    numbers[i] < 0) {
			continue;
		}
		for (uint16_t k = 0; k < l->n_ops; k++) {
			const struct op *op = &l->ops[k].op;

			if (op->type == OP_CONTENT &&
			    (op->flags & OPF_NEGATED) == 0) {
				weigh_content(c, l, k);
			}
		}
	}
}

/*
 * A short literal anywhere is looked for in every byte of every flow.  Where
 * another of the rule's can stand at one place only, that is the better one;
 * but not in a stream, where the rule would wait for the rest.
 */
static bool
is_a_burden(const struct rule_prog *p)
{
	return p->fast_list >= 0 && p->kind == PROG_PAYLOAD &&
	       p->on_every_packet && p->fast.len < SHORT &&
	       p->fast_from != p->fast_to;
}

void
fast_pattern_choose(const struct rule_draft *r, struct rule_prog *p,
		    const struct rule_list *lists,
		    const int8_t numbers[RULE_MAX_LISTS])
{
	struct choice c = { .r = r, .p = p, .lists = lists, .best = -1 };

	choose(&c, numbers);
	if (is_a_burden(p)) {
		c.best = -1;
		c.at_one_place = true;
		choose(&c, numbers);
	}
}
