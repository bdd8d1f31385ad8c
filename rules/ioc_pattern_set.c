/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/ioc_pattern_set.h"

#include <stdlib.h>

#include "common/pattern_tree.h"

/* How little a test says: a leaf is filed under what says the most. */
enum { RANK_VALUE = 1, RANK_NUMBER = 4, RANK_WORD = 6, RANK_PRESENT = 8 };

struct cover {
	unsigned rank, n_values;
	uint64_t tests; /* those of the leaf under which it is filed */
};

struct ioc_pattern_set *
ioc_pattern_set_new(void)
{
	struct ioc_pattern_set *s = calloc(1, sizeof(*s));

	if (s == NULL || keyhash_init(&s->key) != ERR_OK) {
		free(s);
		return NULL;
	}
	return s;
}

void
ioc_pattern_set_free(struct ioc_pattern_set *s)
{
	if (s == NULL) {
		return;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		ioc_prog_free(s->v[i]);
	}
	ioc_table_fini(&s->index);
	free(s->v);
	free(s->atoms);
	free(s);
}

static bool
all_hosts(const struct ioc_test *t)
{
	for (uint32_t i = 0; i < t->n_values; i++) {
		if (t->values[i].net.bits < 128) {
			return false;
		}
	}
	return true;
}

static bool
any_real(const struct ioc_test *t)
{
	for (uint32_t i = 0; i < t->n_values; i++) {
		if (t->values[i].is_real) {
			return true;
		}
	}
	return false;
}

static unsigned
rank_of(const struct ioc_test *t)
{
	enum pattern_property p = (enum pattern_property)t->property;

	if (t->negated ||
	    (t->op != PATTERN_EQ && t->op != PATTERN_IN &&
	     t->op != PATTERN_ISSUBSET && t->op != PATTERN_ISSUPERSET)) {
		return RANK_PRESENT;
	}
	switch (pattern_property_row(p)->type) {
	case PATTERN_T_ADDR:
		return all_hosts(t) ? RANK_VALUE : RANK_PRESENT;
	case PATTERN_T_BOOL:
		return RANK_PRESENT;
	case PATTERN_T_INTEGER:
	case PATTERN_T_TIME:
		return any_real(t) ? RANK_PRESENT : RANK_NUMBER;
	case PATTERN_T_TEXT:
	case PATTERN_T_LOWER:
		break;
	}
	return p == PATTERN_P_PROTOCOLS || p == PATTERN_P_METHOD ||
			       p == PATTERN_P_VERSION ||
			       p == PATTERN_P_SRC_TYPE ||
			       p == PATTERN_P_DST_TYPE
		       ? RANK_WORD
		       : RANK_VALUE;
}

/* Tests of which one must hold whenever the leaf is satisfied. */
static struct cover
cover_of(const struct ioc_prog *p, const struct ioc_leaf *leaf)
{
	struct cover stack[PATTERN_MAX_COMPARISONS + 1];
	unsigned n = 0, ordinal = 0;

	for (unsigned i = 0; i < leaf->n; i++) {
		const struct ioc_test *t = &p->tests[leaf->first + i];
		struct cover *a, *b;

		if (t->join == PATTERN_TEST) {
			stack[n++] = (struct cover){ rank_of(t), t->n_values,
						     UINT64_C(1) << ordinal++ };
			continue;
		}
		b = &stack[--n];
		a = &stack[n - 1];
		if (t->join == PATTERN_EITHER) {
			a->rank = MAX(a->rank, b->rank);
			a->n_values += b->n_values;
			a->tests |= b->tests;
		} else if (b->rank < a->rank ||
			   (b->rank == a->rank && b->n_values < a->n_values)) {
			*a = *b;
		}
	}
	return stack[0];
}

static uint64_t
atom_of(const struct ioc_pattern_set *s, const struct ioc_test *t,
	const struct ioc_test_value *v)
{
	enum pattern_property p = (enum pattern_property)t->property;
	struct view bytes = v->text;

	switch (pattern_property_row(p)->type) {
	case PATTERN_T_ADDR:
		bytes = view_of(v->net.addr.b, sizeof(v->net.addr.b));
		break;
	case PATTERN_T_INTEGER:
	case PATTERN_T_BOOL:
	case PATTERN_T_TIME:
		bytes = view_of(&v->number, sizeof(v->number));
		break;
	case PATTERN_T_TEXT:
	case PATTERN_T_LOWER:
		break;
	}
	return keyhash_join((uint64_t)p + 1, keyhash(&s->key, bytes));
}

static uint64_t
atom_hash(const void *owner, uint32_t i)
{
	const struct ioc_pattern_set *s = owner;

	return s->atoms[i].hash;
}

static bool
is_full(const struct ioc_pattern_set *s, uint64_t hash)
{
	uint32_t pos, i, n = 0;

	if (s->index.cap == 0) {
		return false;
	}
	pos = ioc_table_first(&s->index, hash);
	while ((i = ioc_table_next(&s->index, hash, &pos)) != IOC_TABLE_NONE) {
		n += s->atoms[i].hash == hash;
	}
	return n >= IOC_PATTERN_CHAIN_MAX;
}

static enum err
file_under(struct ioc_pattern_set *s, uint64_t hash, uint32_t prog,
	   unsigned leaf, struct diag *d)
{
	enum err e;

	if (is_full(s, hash)) {
		return diag_set(d, ERR_FORMAT,
				"%d patterns are to be tried whenever this one "
				"is already; it needs a rarer value, compared "
				"by = or IN",
				IOC_PATTERN_CHAIN_MAX);
	}
	if (s->n_atoms == s->cap_atoms) {
		uint32_t cap = s->cap_atoms + s->cap_atoms / 2 + 64;
		struct ioc_atom *v = realloc(s->atoms, cap * sizeof(*v));

		if (v == NULL) {
			return diag_set(d, ERR_NOMEM, "no memory for patterns");
		}
		s->atoms = v;
		s->cap_atoms = cap;
	}
	s->atoms[s->n_atoms] = (struct ioc_atom){ hash, prog, (uint8_t)leaf };
	e = ioc_table_add(&s->index, hash, s->n_atoms, atom_hash, s);
	if (e != ERR_OK) {
		return diag_set(d, e, "no memory for patterns");
	}
	s->n_atoms++;
	return ERR_OK;
}

static enum err
file_test(struct ioc_pattern_set *s, const struct ioc_test *t, uint32_t prog,
	  unsigned leaf, struct diag *d)
{
	enum err e = ERR_OK;

	if (rank_of(t) >= RANK_PRESENT) {
		s->by_presence |= UINT64_C(1) << t->property;
		return file_under(s, ioc_atom_present(t->property), prog, leaf,
				  d);
	}
	s->by_value |= UINT64_C(1) << t->property;
	for (uint32_t i = 0; i < t->n_values && e == ERR_OK; i++) {
		e = file_under(s, atom_of(s, t, &t->values[i]), prog, leaf, d);
	}
	return e;
}

static enum err
file_leaf(struct ioc_pattern_set *s, const struct ioc_prog *p, unsigned leaf,
	  struct diag *d)
{
	const struct ioc_leaf *l = &p->leaves[leaf];
	struct cover c = cover_of(p, l);
	unsigned ordinal = 0;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < l->n && e == ERR_OK; i++) {
		const struct ioc_test *t = &p->tests[l->first + i];

		if (t->join == PATTERN_TEST && (c.tests >> ordinal++ & 1)) {
			e = file_test(s, t, s->n, leaf, d);
		}
	}
	return e;
}

static void
note_use(struct ioc_pattern_set *s, const struct ioc_prog *p)
{
	for (unsigned i = 0; i < p->n_leaves; i++) {
		s->moments |= p->leaves[i].at;
	}
	for (unsigned i = 0; i < p->n_tests; i++) {
		const struct ioc_test *t = &p->tests[i];

		if (t->join == PATTERN_TEST) {
			s->properties |= UINT64_C(1) << t->property;
			s->address_text =
				s->address_text || t->op == PATTERN_LIKE ||
				t->op == PATTERN_MATCHES ||
				(t->op >= PATTERN_GT && t->op <= PATTERN_LE);
		}
	}
}

enum err
ioc_pattern_set_add(struct ioc_pattern_set *s, struct ioc_prog *p, uint32_t ioc,
		    struct diag *d)
{
	enum err e = ERR_OK;

	if (s->n == s->cap) {
		uint32_t cap = s->cap + s->cap / 2 + 16;
		struct ioc_prog **v = realloc(s->v, cap * sizeof(*v));

		if (v == NULL) {
			return diag_set(d, ERR_NOMEM, "no memory for patterns");
		}
		s->v = v;
		s->cap = cap;
	}
	/* What a refused pattern leaves in the index finds nothing there. */
	for (unsigned i = 0; i < p->n_leaves && e == ERR_OK; i++) {
		e = file_leaf(s, p, i, d);
	}
	if (e != ERR_OK) {
		for (uint32_t i = 0; i < s->n_atoms; i++) {
			if (s->atoms[i].prog == s->n) {
				s->atoms[i].prog = UINT32_MAX;
			}
		}
		return e;
	}
	note_use(s, p);
	p->number = s->n;
	p->ioc = ioc;
	p->state = p->stateful ? s->n_stateful++ : UINT32_MAX;
	s->v[s->n++] = p;
	return ERR_OK;
}
