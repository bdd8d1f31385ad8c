/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be there for a list to match, before its tests are tried in their
 * order: cheap things first, and the rarest content before the others.  This
 * only ever says no.
 */
#include "rules/rule_search.h"
#include "rules/rule_verify_run.h"

static bool
length_ok(const struct run *r, const struct op *op)
{
	uint64_t len = r->offset + r->data.len;

	if (op->type == OP_BSIZE) {
		return compare_u64(len, (enum cmp)op->bsize.compare,
				   op->bsize.a, op->bsize.b);
	}
	return ((uint64_t)op->at.n < len) == ((op->flags & OPF_NEGATED) == 0);
}

static bool
need_met(const struct run *r, const struct rule_need *n)
{
	size_t lo, hi;

	switch ((enum need_kind)n->kind) {
	case NEED_LENGTH:
		return length_ok(r, n->op);
	case NEED_PLACE:
		return verify_window(r, n->op, 0, &lo, &hi) &&
		       verify_next(r, n->op, lo, hi) >= 0;
	case NEED_SOMEWHERE:
		break;
	}
	return rule_find(n->literal, n->nocase, r->data, 0) >= 0;
}

/* May content 'op' end behind r->beyond?  'behind': bytes that must follow. */
static bool
content_reaches(const struct run *r, const struct op *op, size_t behind)
{
	size_t len = op->content.len, hi = r->data.len, lo = 0;

	if (hi < behind) {
		return false;
	}
	hi -= behind;
	if (r->beyond >= len) {
		lo = r->beyond - len + 1;
	}
	return lo <= hi &&
	       rule_find(&op->content, (op->flags & OPF_NOCASE) != 0,
			 view_sub(r->data, 0, hi), lo) >= 0;
}

static bool
pcre_reaches(const struct run *r, const struct op *op)
{
	size_t longest = op->pcre.longest, from, end;

	if ((op->flags & OPF_RELATIVE) != 0 || longest == PCRE_ENDLESS) {
		return true; /* no telling where such a match begins */
	}
	from = r->beyond >= longest ? r->beyond - longest + 1 : 0;
	if (from > r->data.len || r->data.len - from < op->pcre.shortest) {
		return false;
	}
	for (uint8_t i = 0; i < op->pcre.n_literals; i++) {
		const struct pcre_literal *l = &op->pcre.literals[i];

		end = r->data.len;
		if (i == 0 && op->pcre.front) {
			end = end - op->pcre.shortest + l->content.len;
		}
		if (rule_find(&l->content, l->nocase, view_sub(r->data, 0, end),
			      from) < 0) {
			return false;
		}
	}
	return verify_pcre(r, op, r->data, from) != PCRE_NOWHERE;
}

/* Bytes that the test behind content 'i' wants to follow it. */
static size_t
wanted_behind(const struct run *r, uint16_t i)
{
	const struct op *next = &r->ops[i + 1];

	if (i + 1 == r->n || next->type != OP_ISDATAAT || next->at.var >= 0 ||
	    (next->flags & (OPF_RELATIVE | OPF_NEGATED)) != OPF_RELATIVE ||
	    next->at.n < 0) {
		return 0;
	}
	return (size_t)next->at.n;
}

/* May anything that is to be found end among the new bytes? */
static bool
reaches(const struct run *r)
{
	for (uint16_t i = 0; i < r->n; i++) {
		const struct op *op = &r->ops[i];

		if ((op->flags & OPF_NEGATED) != 0) {
			continue;
		}
		if ((op->type == OP_CONTENT &&
		     content_reaches(r, op, wanted_behind(r, i))) ||
		    (op->type == OP_PCRE && pcre_reaches(r, op))) {
			return true;
		}
	}
	return false;
}

/* Bytes at the front that are known to lack the literal of 'dry'. */
static size_t
known_dry(const struct run *r)
{
	if (r->dry_end <= r->offset || r->dry_begin > r->offset) {
		return 0;
	}
	return (size_t)MIN(r->dry_end - r->offset, (uint64_t)r->data.len);
}

/* The same as need_met(), of which a later call will know. */
static bool
dry_met(const struct run *r, const struct rule_need *n)
{
	size_t known = known_dry(r), back = n->literal->len - 1u;
	size_t from = known > back ? known - back : 0;

	if (rule_find(n->literal, n->nocase, r->data, from) >= 0) {
		return true;
	}
	r->v->dry_begin = known > 0 ? r->dry_begin : r->offset;
	r->v->dry_end = r->offset + r->data.len;
	return false;
}

bool
verify_needs(const struct run *r, const struct rule_list *l)
{
	const struct rule_need *dry = l->dry;
	struct run own = *r;
	uint64_t work = 0; /* is not taken from what the tests may do */

	own.work = &work;
	if (dry != NULL && known_dry(r) > 0) {
		if (!dry_met(r, dry)) {
			return false;
		}
		dry = NULL;
	}
	if (r->beyond > 0 && !l->measures && !reaches(&own)) {
		return false;
	}
	for (uint16_t i = 0; i < l->n_needs; i++) {
		const struct rule_need *n = &l->needs[i];

		if (n == l->dry ? dry != NULL && !dry_met(r, n)
				: !need_met(&own, n)) {
			return false;
		}
	}
	return true;
}
