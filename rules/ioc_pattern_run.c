/* SPDX-License-Identifier: Apache-2.0 */
/* STIX 2.1 sections 9.4 and 9.6. */
#include "rules/ioc_pattern_run.h"

#include "common/pattern_tree.h"
#include "common/utf8.h"

#define STACK_MAX ((size_t)256 << 10)

bool
ioc_run_init(struct ioc_run *r)
{
	memset(r, 0, sizeof(*r));
	r->match_data = pcre2_match_data_create(1, NULL);
	r->context = pcre2_match_context_create(NULL);
	r->jit_stack = pcre2_jit_stack_create(32 << 10, STACK_MAX, NULL);
	if (r->match_data == NULL || r->context == NULL) {
		ioc_run_fini(r);
		return false;
	}
	pcre2_set_heap_limit(r->context, IOC_RUN_HEAP_KIB);
	pcre2_set_depth_limit(r->context, IOC_RUN_MATCH_LIMIT);
	if (r->jit_stack != NULL) {
		pcre2_jit_stack_assign(r->context, NULL, r->jit_stack);
	}
	return true;
}

void
ioc_run_fini(struct ioc_run *r)
{
	pcre2_match_data_free(r->match_data);
	pcre2_match_context_free(r->context);
	pcre2_jit_stack_free(r->jit_stack);
	memset(r, 0, sizeof(*r));
}

/* Bytes of the character at 'i'; of what is no UTF-8, one. */
static size_t
char_len(struct view v, size_t i)
{
	size_t n = utf8_len(v.p + i, v.len - i);

	return n > 0 ? n : 1;
}

/*
 * Greedy: when what follows the latest '%' does not fit, that takes one more
 * character.  No earlier one ever needs to be tried again.
 */
bool
ioc_like(struct view text, struct view like, uint32_t *steps)
{
	size_t t = 0, p = 0, star = SIZE_MAX, from = 0;

	while (t < text.len) {
		if (*steps == 0) {
			return false;
		}
		--*steps;
		if (p < like.len && like.p[p] == '%') {
			star = ++p;
			from = t;
		} else if (p < like.len && like.p[p] == '_') {
			t += char_len(text, t);
			p++;
		} else if (p < like.len && like.p[p] == text.p[t]) {
			t++;
			p++;
		} else if (star != SIZE_MAX) {
			from += char_len(text, from);
			t = from;
			p = star;
		} else {
			return false;
		}
	}
	while (p < like.len && like.p[p] == '%') {
		p++;
	}
	return p == like.len;
}

/* PCRE2's answer, with this limit at each place. */
static int
ask_expression(struct ioc_run *r, const struct ioc_test *t, struct view v,
	       uint32_t limit)
{
	pcre2_set_match_limit(r->context, limit);
	return pcre2_match(t->code, v.p != NULL ? v.p : (const uint8_t *)"",
			   v.len, 0, 0, r->match_data, r->context);
}

static uint32_t
limit_of(size_t len, uint32_t sum, uint32_t least)
{
	size_t limit = sum / (len + 1);

	return (uint32_t)MIN(MAX(limit, (size_t)least),
			     (size_t)IOC_RUN_MATCH_LIMIT);
}

static bool
expression_holds(struct ioc_run *r, const struct ioc_test *t, struct view v)
{
	int rc = PCRE2_ERROR_MATCHLIMIT;

	if (r->stops_left > 0) {
		rc = ask_expression(r, t, v,
				    limit_of(v.len, IOC_RUN_MATCH_SUM,
					     IOC_RUN_MATCH_LEAST));
		if (rc == PCRE2_ERROR_MATCHLIMIT && r->tries_left > 0) {
			r->tries_left--;
			rc = ask_expression(r, t, v,
					    limit_of(v.len, IOC_RUN_HARD_SUM,
						     IOC_RUN_HARD_LEAST));
		}
	}
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
		r->limited++;
		r->stops_left -= r->stops_left > 0;
	}
	return rc >= 0;
}

static bool
like_holds(struct ioc_run *r, struct view text, struct view like)
{
	bool had = r->steps_left > 0;
	bool holds = ioc_like(text, like, &r->steps_left);

	r->limited += had && r->steps_left == 0;
	return holds;
}

/* -1, 0, 1; strings by their code points, which UTF-8 keeps in order. */
static int
compare(enum pattern_type type, const struct observed_fact *f,
	const struct ioc_test_value *v)
{
	size_t n = MIN(f->text.len, v->text.len);
	int c;

	if (type >= PATTERN_T_INTEGER) {
		if (v->is_real) {
			return ((double)f->number > v->real) -
			       ((double)f->number < v->real);
		}
		return (f->number > v->number) - (f->number < v->number);
	}
	c = n > 0 ? memcmp(f->text.p, v->text.p, n) : 0;
	if (c != 0) {
		return c < 0 ? -1 : 1;
	}
	return (f->text.len > v->text.len) - (f->text.len < v->text.len);
}

static bool
equals(enum pattern_type type, const struct observed_fact *f,
       const struct ioc_test_value *v)
{
	if (type == PATTERN_T_ADDR) {
		return cidr_contains(&v->net, &f->addr);
	}
	return compare(type, f, v) == 0;
}

static bool
is_in(enum pattern_type type, const struct observed_fact *f,
      const struct ioc_test *t)
{
	for (uint32_t i = 0; i < t->n_values; i++) {
		if (equals(type, f, &t->values[i])) {
			return true;
		}
	}
	return false;
}

static bool
value_holds(struct ioc_run *r, const struct ioc_test *t,
	    const struct observed_fact *f)
{
	enum pattern_type type =
		pattern_property_row((enum pattern_property)t->property)->type;

	switch ((enum pattern_op)t->op) {
	case PATTERN_EQ:
	case PATTERN_ISSUBSET:
	case PATTERN_ISSUPERSET: /* of a single address: nothing else is taken */
	case PATTERN_IN:
		return is_in(type, f, t);
	case PATTERN_NE:
		return !is_in(type, f, t);
	case PATTERN_GT:
		return compare(type, f, t->values) > 0;
	case PATTERN_LT:
		return compare(type, f, t->values) < 0;
	case PATTERN_GE:
		return compare(type, f, t->values) >= 0;
	case PATTERN_LE:
		return compare(type, f, t->values) <= 0;
	case PATTERN_LIKE:
		return like_holds(r, f->text, t->values[0].text);
	case PATTERN_MATCHES:
		return expression_holds(r, t, f->text);
	case PATTERN_EXISTS:
		return true;
	case PATTERN_OPS:
		break;
	}
	return false;
}

/* Objects of which a test holds, and of these where it takes news. */
struct truth {
	uint64_t held, news;
};

/* The objects without the property, once it is known that they lack it. */
static struct truth
missing(const struct observation *o, const struct ioc_test *t, uint64_t have)
{
	uint64_t bit = UINT64_C(1) << t->property, lack;

	if ((o->known & bit) == 0) {
		return (struct truth){ 0, 0 };
	}
	lack = o->of_type[t->object] & ~have;
	return (struct truth){ lack, (o->fresh & bit) != 0 ? lack : 0 };
}

static struct truth
run_test(struct ioc_run *r, const struct ioc_test *t)
{
	const struct observation *o = r->obs;
	bool exists = t->op == PATTERN_EXISTS;
	struct truth out = { 0, 0 };

	for (uint16_t i = o->first[t->property]; i != OBSERVATION_NONE;
	     i = o->v[i].next) {
		const struct observed_fact *f = &o->v[i];
		uint64_t bit = UINT64_C(1) << f->object;

		if ((t->index >= 0 && f->index != t->index) ||
		    (t->has_name && !view_eq(f->name, t->name))) {
			continue;
		}
		if (value_holds(r, t, f) != (t->negated && !exists)) {
			out.held |= bit;
			out.news |= f->news ? bit : 0;
		}
	}
	return exists && t->negated ? missing(o, t, out.held) : out;
}

bool
ioc_run_leaf(struct ioc_run *r, const struct ioc_prog *p,
	     const struct ioc_leaf *leaf)
{
	struct truth stack[PATTERN_MAX_COMPARISONS + 1];
	unsigned n = 0;

	for (unsigned i = 0; i < leaf->n; i++) {
		const struct ioc_test *t = &p->tests[leaf->first + i];

		if (t->join == PATTERN_TEST) {
			stack[n++] = run_test(r, t);
			continue;
		}
		n--;
		if (t->join == PATTERN_BOTH) {
			stack[n - 1].news |= stack[n].news;
			stack[n - 1].held &= stack[n].held;
			stack[n - 1].news &= stack[n - 1].held;
		} else {
			stack[n - 1].held |= stack[n].held;
			stack[n - 1].news |= stack[n].news;
		}
	}
	return stack[0].news != 0;
}
