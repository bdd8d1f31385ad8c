/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "rules/rule_verify.h"

#include "rules/rule_bytes.h"
#include "rules/rule_measure.h"
#include "rules/rule_search.h"
#include "rules/rule_verify_run.h"

STATIC_ASSERT(PCRE_NOWHERE == PCRE2_ERROR_NOMATCH, "PCRE2's own number");

#define JIT_STACK_START ((size_t)32 << 10)
#define JIT_STACK_MAX ((size_t)512 << 10)
#define BASE64_MAX 16384
#define VERIFY_GROUPS 32 /* of a pcre, of which some are kept */

/*
 * MISS: another occurrence of an earlier test may still do.  DRY: no later
 * occurrence of the content just before can do, because what is asked stands
 * nowhere behind.  STOP: nothing that stands earlier can change this.
 */
enum outcome { MISS, DRY, STOP, HIT };

static enum outcome step(const struct run *r, uint16_t i, size_t pos,
			 size_t reach);

bool
verifier_init(struct verifier *v, uint32_t match_limit)
{
	pcre2_match_context *limited, *unlimited;

	memset(v, 0, sizeof(*v));
	v->match_data = pcre2_match_data_create(1, NULL);
	v->groups = pcre2_match_data_create(VERIFY_GROUPS + 1, NULL);
	v->jit_stack =
		pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	v->context = limited = pcre2_match_context_create(NULL);
	v->unlimited = unlimited = pcre2_match_context_create(NULL);
	v->xforms = xform_scratch_new();
	if (v->match_data == NULL || v->groups == NULL ||
	    v->jit_stack == NULL || limited == NULL || unlimited == NULL ||
	    v->xforms == NULL) {
		verifier_fini(v);
		return false;
	}
	pcre2_jit_stack_assign(limited, NULL, v->jit_stack);
	pcre2_jit_stack_assign(unlimited, NULL, v->jit_stack);
	pcre2_set_match_limit(limited, match_limit);
	pcre2_set_depth_limit(limited, match_limit);
	return true;
}

void
verifier_fini(struct verifier *v)
{
	pcre2_match_data_free(v->match_data);
	pcre2_match_data_free(v->groups);
	pcre2_match_context_free(v->context);
	pcre2_match_context_free(v->unlimited);
	pcre2_jit_stack_free(v->jit_stack);
	xform_scratch_free(v->xforms);
	memset(v, 0, sizeof(*v));
}

static int64_t
value_of(const struct run *r, const struct operand *o)
{
	uint64_t x;

	if (o->var < 0) {
		return o->n;
	}
	/* what the wire says may be large; positions are not */
	x = r->v->vars[o->var];
	return x > INT32_MAX ? INT32_MAX : (int64_t)x;
}

/* After this test failed for good: may an earlier one's choice matter? */
static enum outcome
give_up(const struct run *r, const struct op *op)
{
	const struct content *c = &op->content;

	if ((op->flags & OPF_RELATIVE) != 0 || r->beyond > 0) {
		return MISS;
	}
	if (op->type == OP_CONTENT) {
		return c->offset.var >= 0 || c->depth.var >= 0 ? MISS : STOP;
	}
	return op->type == OP_PCRE ? STOP : MISS;
}

/*
 * 'op' does not occur at all.  If it does not hang on what stands before it,
 * nothing can change that, not even the wish for a match with new bytes.
 */
static enum outcome
nowhere(const struct op *op)
{
	const struct content *c = &op->content;

	if ((op->flags & OPF_RELATIVE) != 0) {
		return op->type == OP_CONTENT && c->distance.var < 0 &&
				       (op->flags &
					(OPF_WITHIN | OPF_ENDSWITH)) == 0
			       ? DRY
			       : MISS;
	}
	if (op->type == OP_CONTENT) {
		return c->offset.var >= 0 || c->depth.var >= 0 ? MISS : STOP;
	}
	return STOP;
}

/* A later test ran dry behind the earliest place of content 'op'. */
static enum outcome
dry(const struct op *op)
{
	const struct content *c = &op->content;

	if ((op->flags & OPF_RELATIVE) != 0) {
		return c->distance.var < 0 ? DRY : MISS;
	}
	return c->offset.var < 0 && c->depth.var < 0 ? STOP : MISS;
}

bool
verify_window(const struct run *r, const struct op *op, size_t pos, size_t *lo,
	      size_t *hi)
{
	const struct content *c = &op->content;
	int64_t from = 0, to = (int64_t)r->data.len;

	if ((op->flags & OPF_RELATIVE) != 0) {
		from = (int64_t)pos + value_of(r, &c->distance);
		if ((op->flags & OPF_WITHIN) != 0) {
			to = MIN(to, from + value_of(r, &c->within));
		}
	} else {
		from = value_of(r, &c->offset);
		if ((op->flags & OPF_DEPTH) != 0) {
			int64_t end = from + value_of(r, &c->depth) -
				      (int64_t)MIN(r->offset,
						   (uint64_t)INT64_MAX / 2);

			to = MIN(to, end);
		}
		from -= (int64_t)MIN(r->offset, (uint64_t)INT64_MAX / 2);
	}
	from = MAX(from, (int64_t)0);
	if (to - from < c->len) {
		return false;
	}
	*lo = (size_t)from;
	*hi = (size_t)to;
	return true;
}

int64_t
verify_next(const struct run *r, const struct op *op, size_t from, size_t hi)
{
	const struct content *c = &op->content;
	bool nocase = (op->flags & OPF_NOCASE) != 0;
	int64_t at;

	if ((op->flags & OPF_ENDSWITH) != 0) {
		if (hi != r->data.len || hi < from + c->len) {
			return -1;
		}
		at = (int64_t)(hi - c->len);
		return rule_find_at(c, nocase, r->data, (size_t)at) ? at : -1;
	}
	if (hi - from == c->len) {
		return rule_find_at(c, nocase, r->data, from) ? (int64_t)from
							      : -1;
	}
	at = rule_find(c, nocase, view_of(r->data.p, hi), from);
	*r->work += at < 0 ? hi - from : (size_t)at - from + c->len;
	return at;
}

static enum outcome
step_content(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];
	bool negated = (op->flags & OPF_NEGATED) != 0;
	size_t lo = 0, hi = 0;
	bool fits = verify_window(r, op, pos, &lo, &hi);
	int64_t at = fits ? verify_next(r, op, lo, hi) : -1;

	if (negated) {
		return at >= 0 ? give_up(r, op) : step(r, i + 1, pos, reach);
	}
	if (at < 0) {
		return nowhere(op);
	}
	while (at >= 0) {
		size_t end = (size_t)at + op->content.len;
		enum outcome o = step(r, i + 1, end, MAX(reach, end));

		if (o == DRY) {
			return dry(op);
		}
		if (o != MISS) {
			return o;
		}
		if ((size_t)at + 1 + op->content.len > hi) {
			break;
		}
		at = verify_next(r, op, (size_t)at + 1, hi);
		if ((op->flags & OPF_ENDSWITH) != 0) {
			break;
		}
	}
	return give_up(r, op);
}

/* Most expressions keep no group and need room for none. */
static pcre2_match_data *
match_data_of(const struct run *r, const struct op *op)
{
	return op->pcre.n_captures > 0 ? r->v->groups : r->v->match_data;
}

static struct view
group_of(struct view s, const PCRE2_SIZE *ov, unsigned n_set, unsigned group)
{
	if (group >= n_set || ov[group * 2] == PCRE2_UNSET ||
	    ov[group * 2] > ov[group * 2 + 1]) {
		return VIEW_NONE;
	}
	return view_sub(s, ov[group * 2], ov[group * 2 + 1] - ov[group * 2]);
}

/* Copied now: 's' may lie in scratch that the next test uses. */
static void
keep_groups(const struct run *r, const struct op *op, struct view s, int rc)
{
	const PCRE2_SIZE *ov = pcre2_get_ovector_pointer(r->v->groups);
	unsigned n_set = rc > 0 ? (unsigned)rc : VERIFY_GROUPS + 1;

	for (uint8_t i = 0; i < op->pcre.n_captures; i++) {
		const struct capture *c = &op->pcre.captures[i];
		struct view value = group_of(s, ov, n_set, c->group);
		struct view key = VIEW_NONE;

		if (c->key_group != 0) {
			key = group_of(s, ov, n_set, c->key_group);
			if (key.len == 0) {
				continue;
			}
		}
		if (value.len > 0) {
			(void)notes_text(&r->v->captured,
					 (enum note_kind)c->kind, c->name, key,
					 value);
		}
	}
}

int
verify_pcre(const struct run *r, const struct op *op, struct view s,
	    size_t from)
{
	int rc = pcre2_match(
		op->pcre.code, s.p != NULL ? s.p : (const uint8_t *)"", s.len,
		from, 0, match_data_of(r, op),
		op->pcre.no_limit ? r->v->unlimited : r->v->context);

	*r->work += s.len - from;
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
		r->v->pcre_limit++;
	}
	return rc;
}

static enum outcome
step_pcre(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];
	size_t base = (op->flags & OPF_RELATIVE) != 0 ? pos : 0, from = 0;
	bool any = false;
	struct view s;
	int rc;

	if (base > r->data.len) {
		return MISS;
	}
	s = view_of(r->data.p + base, r->data.len - base);
	if ((op->flags & OPF_NEGATED) != 0) {
		rc = verify_pcre(r, op, s, 0);
		return rc == PCRE2_ERROR_NOMATCH ? step(r, i + 1, pos, reach)
						 : give_up(r, op);
	}
	while (from <= s.len && (rc = verify_pcre(r, op, s, from)) >= 0) {
		const PCRE2_SIZE *ov =
			pcre2_get_ovector_pointer(match_data_of(r, op));
		size_t start = ov[0], end = base + ov[1];
		enum outcome o;

		any = true;
		if (op->pcre.n_captures > 0) {
			keep_groups(r, op, s, rc);
		}
		/* \K may put the start behind the end */
		o = step(r, i + 1, end, MAX(reach, end));
		if (o == DRY) {
			o = MISS; /* matches need not end in order */
		}
		if (o != MISS) {
			return o;
		}
		from = MAX(start, from) + 1;
	}
	return any ? give_up(r, op) : nowhere(op);
}

static enum outcome
step_isdataat(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];
	int64_t n = value_of(r, &op->at);
	bool there;

	if ((op->flags & OPF_RELATIVE) != 0) {
		there = (uint64_t)n + pos <= r->data.len;
	} else {
		there = (uint64_t)n < r->offset + r->data.len;
	}
	if (there == ((op->flags & OPF_NEGATED) != 0)) {
		return give_up(r, op);
	}
	return step(r, i + 1, pos, reach);
}

static enum outcome
step_bytes(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];
	uint64_t *vars = r->v->vars;
	bool good = false;

	switch (op->type) {
	case OP_BYTE_TEST:
		good = bytes_test(op, r->data, pos, vars);
		break;
	case OP_BYTE_JUMP:
		good = bytes_jump(op, r->data, &pos, vars);
		break;
	case OP_BYTE_EXTRACT:
		good = bytes_extract(op, r->data, &pos, vars);
		break;
	default:
		good = bytes_math(op, r->data, &pos, vars);
		break;
	}
	if (good) {
		enum outcome o = step(r, i + 1, pos, reach);

		/* what moves by what it reads may land further ahead */
		return o == DRY && op->type != OP_BYTE_TEST ? MISS : o;
	}
	return MISS;
}

static enum outcome
step_base64(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];
	size_t base = (op->flags & OPF_RELATIVE) != 0 ? pos : 0;
	uint8_t out[BASE64_MAX];
	struct view in;
	size_t n;

	in = view_sub(r->data,
		      MIN(base + (size_t)op->base64.offset, r->data.len),
		      op->base64.bytes > 0 ? op->base64.bytes : r->data.len);
	n = base64_decode(in, out, sizeof(out), false);
	*r->work += in.len;
	if (n == 0) {
		return MISS;
	}
	if (op->base64.data != NULL) {
		struct run inner = *r;

		inner.ops = op->base64.data->ops;
		inner.dry_end = 0;
		inner.n = op->base64.data->n_ops;
		inner.data = view_of(out, n);
		inner.offset = 0;
		inner.beyond = 0;
		if (step(&inner, 0, 0, 0) != HIT) {
			return MISS;
		}
	}
	return step(r, i + 1, pos, reach);
}

static enum outcome
step_measure(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];
	bool good;

	*r->work += r->data.len;
	if (op->type == OP_ENTROPY) {
		double x;

		good = measure_entropy(op, r->data, &x);
		if (good) {
			(void)notes_number(&r->v->measured, NOTE_ENTROPY,
					   op->entropy.name, x);
			good = measure_entropy_ok(op, x);
		}
	} else {
		good = measure_asn1(op, r->data, pos);
	}
	return good ? step(r, i + 1, pos, reach) : give_up(r, op);
}

/* Recursion ends: a list has at most RULE_MAX_OPS tests. */
static enum outcome
step(const struct run *r, uint16_t i, size_t pos, size_t reach)
{
	const struct op *op = &r->ops[i];

	if (i == r->n) {
		return r->beyond == 0 || reach > r->beyond ? HIT : MISS;
	}
	if (++*r->steps > VERIFY_MAX_STEPS || *r->work > VERIFY_MAX_WORK) {
		r->v->step_limit++;
		return STOP;
	}
	switch (op->type) {
	case OP_CONTENT:
		return step_content(r, i, pos, reach);
	case OP_PCRE:
		return step_pcre(r, i, pos, reach);
	case OP_ISDATAAT:
		return step_isdataat(r, i, pos, reach);
	case OP_BSIZE:
		return compare_u64(r->offset + r->data.len,
				   (enum cmp)op->bsize.compare, op->bsize.a,
				   op->bsize.b)
			       ? step(r, i + 1, pos, reach)
			       : STOP;
	case OP_BASE64:
		return step_base64(r, i, pos, reach);
	case OP_ENTROPY:
	case OP_ASN1:
		return step_measure(r, i, pos, reach);
	default:
		return step_bytes(r, i, pos, reach);
	}
}

bool
verify_list(struct verifier *v, const struct rule_list *l,
	    const struct verify_input *in)
{
	uint32_t steps = 0;
	uint64_t work = 0;
	struct run r = { .v = v,
			 .ops = l->ops,
			 .n = l->n_ops,
			 .data = in->data,
			 .offset = in->offset,
			 .beyond = in->beyond,
			 .dry_begin = in->dry_begin,
			 .dry_end = in->dry_end,
			 .steps = &steps,
			 .work = &work };

	v->dry_end = 0;
	if (l->n_xforms == 0 && in->data.len < l->least[in->offset != 0]) {
		return false;
	}
	if (l->n_xforms > 0 && !xform_apply(v->xforms, l->xforms, l->n_xforms,
					    in->data, &r.data)) {
		return false;
	}
	if (r.data.p == NULL) {
		r.data.p = (const uint8_t *)"";
	}
	v->value = r.data;
	if (r.data.len < l->least[r.offset != 0] || !verify_needs(&r, l)) {
		return false;
	}
	return step(&r, 0, 0, 0) == HIT;
}
