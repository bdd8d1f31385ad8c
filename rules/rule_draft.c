/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_draft.h"

#include <stdlib.h>

enum err
draft_nomem(struct rule_draft *r)
{
	return diag_set(r->d, ERR_NOMEM, "out of memory");
}

char *
draft_text(struct rule_draft *r, struct view v)
{
	char *s = arena_alloc(r->env->arena, v.len + 1);

	if (s == NULL) {
		draft_nomem(r);
		return NULL;
	}
	if (v.len > 0) {
		memcpy(s, v.p, v.len);
	}
	s[v.len] = '\0';
	return s;
}

const char *
draft_word(struct rule_draft *r, struct view v)
{
	uint32_t id;

	if (v.len == 0) {
		return "";
	}
	if (!name_table_add(&r->env->strings, v, &id)) {
		draft_nomem(r);
		return NULL;
	}
	return r->env->strings.names[id];
}

void *
draft_copy(struct rule_draft *r, const void *p, size_t size)
{
	void *mem = arena_alloc(r->env->arena, MAX(size, (size_t)1));

	if (mem == NULL) {
		draft_nomem(r);
	} else if (size > 0) {
		memcpy(mem, p, size);
	}
	return mem;
}

struct draft_list *
draft_cur(struct rule_draft *r)
{
	return &r->lists[r->cur];
}

uint8_t
draft_follow(struct rule_draft *r, bool relative)
{
	uint8_t before = r->cur;

	if (relative && r->cur == 0) {
		r->cur = r->latest;
	}
	return before;
}

struct draft_op *
draft_add_op(struct rule_draft *r, enum op_type type)
{
	struct draft_list *l = draft_cur(r);
	struct draft_op *o;

	if (l->n_ops == RULE_MAX_OPS) {
		diag_set(r->d, ERR_LIMIT, "more than %d tests of one buffer",
			 RULE_MAX_OPS);
		return NULL;
	}
	if (l->n_ops == l->cap_ops) {
		uint16_t cap = l->cap_ops == 0 ? 8 : l->cap_ops * 2;

		o = realloc(l->ops, cap * sizeof(*o));
		if (o == NULL) {
			draft_nomem(r);
			return NULL;
		}
		l->ops = o;
		l->cap_ops = cap;
	}
	o = &l->ops[l->n_ops++];
	r->latest = r->cur;
	*o = (struct draft_op){ .op = { .type = (uint8_t)type } };
	return o;
}

enum err
draft_list_of(struct rule_draft *r, const struct keyword *w, bool fresh,
	      uint8_t *index)
{
	struct draft_list *l;

	for (uint8_t i = 1; !fresh && i < r->n_lists; i++) {
		l = &r->lists[i];
		if (l->word != NULL && l->word->a == w->a &&
		    l->word->b == w->b && l->n_xforms == 0 && !l->absent) {
			*index = i;
			return ERR_OK;
		}
	}
	if (r->n_lists == RULE_MAX_LISTS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d buffers",
				RULE_MAX_LISTS);
	}
	*index = r->n_lists++;
	l = &r->lists[*index];
	l->word = w;
	l->is_base64 = l->absent = l->absent_or = false;
	l->dirs = 0;
	l->n_xforms = 0;
	l->n_ops = 0;
	l->n_datasets = 0;
	return ERR_OK;
}

enum err
draft_add_test(struct rule_draft *r, const struct test *t)
{
	if (r->prog.n_tests == RULE_MAX_TESTS) {
		return diag_set(r->d, ERR_LIMIT, "more than %d such tests",
				RULE_MAX_TESTS);
	}
	r->tests[r->prog.n_tests++] = *t;
	return ERR_OK;
}

/*
 * Packet and transaction are looked at in different calls; a variable lives
 * in one of them.
 */
static bool
same_call(const struct draft_list *a, const struct draft_list *b)
{
	uint16_t packet = KWF_PACKET | KWF_ADDR;
	bool tx_a = a->word != NULL && (a->word->flags & packet) == 0;
	bool tx_b = b->word != NULL && (b->word->flags & packet) == 0;

	return tx_a == tx_b || a->is_base64 || b->is_base64;
}

/* Number of the variable 'name'; -1 when there is none. */
static int
var_number(const struct rule_draft *r, struct view name)
{
	for (int i = 0; i < r->n_vars; i++) {
		if (view_eq(r->vars[i], name) &&
		    same_call(&r->lists[r->var_list[i]], &r->lists[r->cur])) {
			return i;
		}
	}
	return -1;
}

enum err
draft_operand(struct rule_draft *r, const char *word, struct view v,
	      int64_t min, int64_t max, struct operand *out)
{
	int var;

	v = text_trim(v);
	out->var = -1;
	if (text_i64(v, &out->n)) {
		if (out->n < min || out->n > max) {
			return diag_set(r->d, ERR_FORMAT,
					"%s: %lld is outside %lld to %lld",
					word, (long long)out->n, (long long)min,
					(long long)max);
		}
		return ERR_OK;
	}
	var = var_number(r, v);
	if (var < 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is neither a number nor a name "
				"that byte_extract or byte_math gave before "
				"in a buffer of the same kind",
				word, TEXT_ARG(v));
	}
	out->n = 0;
	out->var = (int8_t)var;
	return ERR_OK;
}

bool
draft_sized(struct view v, uint64_t max, uint64_t *out)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = { { "kib", 10 }, { "mib", 20 }, { "gib", 30 },
		      { "kb", 10 },  { "mb", 20 },  { "gb", 30 } };
	unsigned shift = 0;

	v = text_trim(v);
	for (size_t i = 0; i < ARRAY_LEN(units) && shift == 0; i++) {
		size_t n = strlen(units[i].unit);

		if (v.len > n &&
		    text_is(view_of(v.p + v.len - n, n), units[i].unit)) {
			v = text_trim(view_of(v.p, v.len - n));
			shift = units[i].shift;
		}
	}
	if (!text_u64(v, out) || *out > (max >> shift)) {
		return false;
	}
	*out <<= shift;
	return true;
}

static bool
compare_range(struct view v, uint64_t max, struct test *t)
{
	size_t at;
	size_t skip = 2;

	if (!text_find_str(v, "<>", &at)) {
		skip = 1;
		at = text_find(v, '-');
		if (at == v.len) {
			return false;
		}
	}
	t->compare = CMP_IN;
	return draft_sized(view_of(v.p, at), max, &t->a) &&
	       draft_sized(view_sub(v, at + skip, v.len), max, &t->b) &&
	       t->a < t->b;
}

static enum cmp
opposite(enum cmp c)
{
	switch (c) {
	case CMP_EQ:
		return CMP_NE;
	case CMP_LT:
		return CMP_GE;
	case CMP_LE:
		return CMP_GT;
	case CMP_GT:
		return CMP_LE;
	case CMP_GE:
		return CMP_LT;
	case CMP_IN:
		return CMP_OUT;
	case CMP_MASK:
		return CMP_NOT_MASK;
	default:
		return c;
	}
}

/* "&0x40=0x40" */
static bool
compare_mask(struct view v, uint64_t max, struct test *t)
{
	size_t eq = text_find(v, '=');

	t->compare = CMP_MASK;
	if (eq == v.len) {
		t->compare = CMP_AND;
		return draft_sized(view_sub(v, 1, v.len), max, &t->a);
	}
	if (eq > 1 && v.p[eq - 1] == '!') {
		t->compare = CMP_NOT_MASK;
		return draft_sized(view_sub(v, 1, eq - 2), max, &t->a) &&
		       draft_sized(view_sub(v, eq + 1, v.len), max, &t->b);
	}
	return draft_sized(view_sub(v, 1, eq - 1), max, &t->a) &&
	       draft_sized(view_sub(v, eq + 1, v.len), max, &t->b);
}

static bool
compare_word(struct view v, uint64_t max, struct test *t)
{
	static const struct {
		const char *sign;
		enum cmp c;
	} signs[] = { { "<=", CMP_LE }, { ">=", CMP_GE }, { "!=", CMP_NE },
		      { "<", CMP_LT },  { ">", CMP_GT },  { "=", CMP_EQ } };

	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		size_t n = strlen(signs[i].sign);

		if (v.len > n && memcmp(v.p, signs[i].sign, n) == 0 &&
		    !(signs[i].c == CMP_LT && v.p[1] == '>')) {
			t->compare = (uint8_t)signs[i].c;
			return draft_sized(view_of(v.p + n, v.len - n), max,
					   &t->a);
		}
	}
	if (v.len > 0 && v.p[0] == '&') {
		return compare_mask(v, max, t);
	}
	t->compare = CMP_EQ;
	return draft_sized(v, max, &t->a) || compare_range(v, max, t);
}

enum err
draft_compare(struct rule_draft *r, const char *word, struct view v,
	      uint64_t max, struct test *t)
{
	bool negated = false;
	struct view rest = text_unquote(v);

	if (rest.len > 1 && rest.p[0] == '!' && rest.p[1] != '=') {
		negated = true;
		rest = text_trim(view_of(rest.p + 1, rest.len - 1));
	}
	t->a = t->b = 0;
	if (!compare_word(rest, max, t)) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: \"%.*s\" is not a comparison: write N, "
				"!N, <N, >N or LOW<>HIGH with numbers up to "
				"%llu",
				word, TEXT_ARG(v), (unsigned long long)max);
	}
	/* urilen has always taken these, and old rules have them */
	if (t->compare == CMP_IN && t->b - t->a == 1 &&
	    strcmp(word, "urilen") != 0) {
		return diag_set(r->d, ERR_FORMAT,
				"%s: no number lies between %llu and %llu",
				word, (unsigned long long)t->a,
				(unsigned long long)t->b);
	}
	if (negated) {
		t->compare = (uint8_t)opposite((enum cmp)t->compare);
	}
	return ERR_OK;
}

struct draft_op *
draft_content(struct rule_draft *r, const struct keyword *w)
{
	if (r->last_op < 0) {
		diag_set(r->d, ERR_FORMAT, "%s: no content stands before it",
			 w->name);
		return NULL;
	}
	return &r->lists[r->last_list].ops[r->last_op];
}
