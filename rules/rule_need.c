/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_need.h"

#include "rules/rule_search.h"

#define MOST_NEEDS 16 /* of a list */
/* of rule_find_rank(): a single byte that is nearly everywhere */
#define TOO_COMMON (UINT8_MAX + 24)

struct needs {
	struct rule_need v[MOST_NEEDS];
	int cost[MOST_NEEDS];
	uint16_t n;
};

/* Keeps the cheapest, in order; of equals the one that came first. */
static void
add(struct needs *l, struct rule_need need, int cost)
{
	uint16_t at = l->n;

	while (at > 0 && cost < l->cost[at - 1]) {
		at--;
	}
	if (at == MOST_NEEDS) {
		return;
	}
	l->n = MIN(l->n + 1, MOST_NEEDS);
	for (uint16_t i = (uint16_t)(l->n - 1); i > at; i--) {
		l->v[i] = l->v[i - 1];
		l->cost[i] = l->cost[i - 1];
	}
	l->v[at] = need;
	l->cost[at] = cost;
}

static bool
is_constant(const struct content *c)
{
	return c->offset.var < 0 && c->depth.var < 0;
}

static void
add_content(struct needs *l, const struct op *op, struct view known)
{
	const struct content *c = &op->content;
	bool nocase = (op->flags & OPF_NOCASE) != 0;
	bool bound =
		(op->flags & (OPF_DEPTH | OPF_STARTSWITH | OPF_ENDSWITH)) != 0;
	int common = rule_find_rank(c, nocase);

	if ((op->flags & OPF_NEGATED) != 0 || c->bytes == known.p) {
		return;
	}
	if ((op->flags & OPF_RELATIVE) != 0 || !is_constant(c) ||
	    (!bound && (op->flags & OPF_OFFSET) == 0)) {
		add(l,
		    (struct rule_need){ .kind = NEED_SOMEWHERE,
					.nocase = nocase,
					.literal = c },
		    1000 + common);
		return;
	}
	add(l, (struct rule_need){ .kind = NEED_PLACE, .op = op },
	    bound ? 100 + (int)MIN(c->depth.n, (int64_t)400) : 1000 + common);
}

/* Is 'c' a part of 'of', whatever case the data has? */
static bool
is_part(const struct content *c, bool nocase, const struct op *of)
{
	const struct content *whole = &of->content;

	/* a content without case may stand there in capital letters */
	if (!nocase && (of->flags & OPF_NOCASE) != 0) {
		return false;
	}
	return rule_find(c, nocase, view_of(whole->bytes, whole->len), 0) >= 0;
}

/* A content of the list asks for it already. */
static bool
is_asked(const struct rule_list *l, const struct pcre_literal *p)
{
	for (uint16_t i = 0; i < l->n_ops; i++) {
		const struct op *op = &l->ops[i];

		if (op->type == OP_CONTENT && (op->flags & OPF_NEGATED) == 0 &&
		    is_part(&p->content, p->nocase, op)) {
			return true;
		}
	}
	return false;
}

/* The two rarest literals that every match of 'op' holds. */
static void
add_pcre(struct needs *found, const struct rule_list *l, const struct op *op)
{
	struct needs own = { .n = 0 };

	for (uint8_t i = 0; i < op->pcre.n_literals; i++) {
		const struct pcre_literal *p = &op->pcre.literals[i];
		int common = rule_find_rank(&p->content, p->nocase);

		if (common < TOO_COMMON && !is_asked(l, p)) {
			add(&own,
			    (struct rule_need){ .kind = NEED_SOMEWHERE,
						.nocase = p->nocase,
						.literal = &p->content },
			    1000 + common);
		}
	}
	for (uint16_t i = 0; i < MIN(own.n, 2); i++) {
		add(found, own.v[i], own.cost[i]);
	}
}

static void
add_op(struct needs *found, const struct rule_list *l, const struct op *op,
       struct view known)
{
	switch (op->type) {
	case OP_BSIZE:
		add(found, (struct rule_need){ .kind = NEED_LENGTH, .op = op },
		    0);
		break;
	case OP_ISDATAAT:
		if ((op->flags & OPF_RELATIVE) == 0 && op->at.var < 0) {
			add(found,
			    (struct rule_need){ .kind = NEED_LENGTH, .op = op },
			    0);
		}
		break;
	case OP_CONTENT:
		add_content(found, op, known);
		break;
	case OP_PCRE:
		if ((op->flags & OPF_NEGATED) == 0) {
			add_pcre(found, l, op);
		}
		break;
	default:
		break;
	}
}

static bool
is_var(const struct operand *o)
{
	return o->var >= 0;
}

static bool
uses_vars(const struct op *op)
{
	const struct content *c = &op->content;
	const struct byte_op *b = &op->byte;

	switch (op->type) {
	case OP_CONTENT:
		return is_var(&c->offset) || is_var(&c->depth) ||
		       is_var(&c->distance) || is_var(&c->within);
	case OP_ISDATAAT:
		return is_var(&op->at);
	case OP_BYTE_TEST:
	case OP_BYTE_JUMP:
		return is_var(&b->n_bytes) || is_var(&b->offset) ||
		       is_var(&b->value);
	case OP_PCRE:
	case OP_BSIZE:
	case OP_ENTROPY:
	case OP_ASN1:
		return false;
	default: /* what sets one, or has a list of its own */
		return true;
	}
}

/* A body grows, a file is one of several, the stream goes by. */
static bool
settles(const struct rule_list *l)
{
	return l->buf != BUF_PAYLOAD && !l->body && !l->measures &&
	       !l->uses_vars && l->n_datasets == 0 &&
	       !inspect_of_file(l->buf) && !buf_is_addr(l->buf);
}

void
rule_need_settle(struct rule_prog *p, const struct rule_list *lists,
		 const struct test *tests)
{
	unsigned early = 0;

	p->uses_vars = false;
	for (uint16_t i = 0; i < p->n_lists; i++) {
		p->uses_vars = p->uses_vars || lists[i].uses_vars;
		early += lists[i].settles;
	}
	p->tests_settle = false;
	for (uint16_t i = 0; i < p->n_tests; i++) {
		p->tests_settle =
			p->tests_settle || tests[i].fact == FACT_TLS_VERSION;
	}
	p->settles_early = early > 0 && early < p->n_lists;
}

/* The end of a match of 'op' is no nearer to the data's front than this. */
static uint64_t
end_of_content(const struct op *op, uint64_t pos, bool moved)
{
	const struct content *c = &op->content;
	int64_t from = 0;

	if ((op->flags & OPF_RELATIVE) != 0) {
		from = (int64_t)pos +
		       (is_var(&c->distance) ? 0 : c->distance.n);
	} else if (!moved && !is_var(&c->offset)) {
		from = c->offset.n;
	}
	return (uint64_t)MAX(from, 0) + c->len;
}

/* How much must follow 'pos', or the front, for an isdataat that wants it. */
static uint64_t
end_of_isdataat(const struct op *op, uint64_t pos, bool moved)
{
	if (is_var(&op->at) || op->at.n < 0) {
		return 0;
	}
	if ((op->flags & OPF_RELATIVE) != 0) {
		return pos + (uint64_t)op->at.n;
	}
	return moved ? 0 : (uint64_t)op->at.n + 1;
}

/*
 * How long the data must be: where the matches of a chain end at the nearest.
 * 'moved': the front of the buffer went by, so that what counts from there
 * may be anywhere.
 */
static uint32_t
least_of(const struct rule_list *l, bool moved)
{
	uint64_t pos = 0, least = 0;

	for (uint16_t i = 0; i < l->n_ops; i++) {
		const struct op *op = &l->ops[i];
		bool relative = (op->flags & OPF_RELATIVE) != 0;

		switch (op->type) {
		case OP_CONTENT:
			if ((op->flags & OPF_NEGATED) == 0) {
				pos = end_of_content(op, pos, moved);
				least = MAX(least, pos);
			}
			break;
		case OP_ISDATAAT:
			if ((op->flags & OPF_NEGATED) == 0) {
				least = MAX(least,
					    end_of_isdataat(op, pos, moved));
			}
			break;
		case OP_PCRE:
			if ((op->flags & OPF_NEGATED) == 0) {
				pos = relative ? pos : 0;
				least = MAX(least, pos + op->pcre.shortest);
			}
			break;
		case OP_BYTE_JUMP:
		case OP_BYTE_EXTRACT:
		case OP_BYTE_MATH:
			pos = 0; /* whereto is not known */
			break;
		default:
			break;
		}
	}
	return (uint32_t)MIN(least, (uint64_t)UINT32_MAX);
}

enum err
rule_need_choose(struct rule_draft *r, struct rule_list *l, struct view known)
{
	struct needs found = { .n = 0 };

	for (uint16_t i = 0; i < l->n_ops; i++) {
		l->measures = l->measures || l->ops[i].type == OP_ENTROPY;
		l->uses_vars = l->uses_vars || uses_vars(&l->ops[i]);
		add_op(&found, l, &l->ops[i], known);
	}
	l->settles = settles(l);
	if (!l->measures) {
		l->least[0] = least_of(l, false);
		l->least[1] = least_of(l, true);
	}
	/* A lone test is the question already, but for an expression; what a
	 * rule measures is kept even of lists that do not match. */
	if (l->measures || (l->n_ops == 1 && l->ops[0].type != OP_PCRE)) {
		return ERR_OK;
	}
	l->needs = draft_copy(r, found.v, found.n * sizeof(found.v[0]));
	l->n_needs = found.n;
	if (l->needs == NULL) {
		return ERR_NOMEM;
	}
	for (uint16_t i = 0; l->n_xforms == 0 && l->dry == NULL && i < found.n;
	     i++) {
		l->dry = l->needs[i].kind == NEED_SOMEWHERE ? &l->needs[i]
							    : NULL;
	}
	return ERR_OK;
}
