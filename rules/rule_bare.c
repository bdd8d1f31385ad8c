/* SPDX-License-Identifier: Apache-2.0 */
/* Rules without a literal: told apart by packet type and by address. */
#include "rules/rule_place.h"

#include <stdlib.h>

/* Where the words of a rule tell types of packet apart. */
static bool
type_ok(const struct test *t, uint8_t proto, uint8_t type)
{
	switch (proto) {
	case PROTO_TCP:
		return t->fact != FACT_FLAGS || flags_match(t, type);
	case PROTO_ICMP4:
	case PROTO_ICMP6:
		return t->fact != FACT_ICMP_TYPE ||
		       compare_u64(type, (enum cmp)t->compare, t->a, t->b);
	default:
		return true;
	}
}

static void
add_types(struct type_set *s, const struct rule_prog *p, uint8_t proto)
{
	if (p->n_tests == 0) {
		memset(s, 0xff, sizeof(*s));
		return;
	}
	for (unsigned type = 0; type < 256; type++) {
		bool ok = true;

		for (uint16_t i = 0; i < p->n_tests && ok; i++) {
			ok = type_ok(&p->tests[i], proto, (uint8_t)type);
		}
		if (ok) {
			s->w[type / 64] |= UINT64_C(1) << (type % 64);
		}
	}
}

static struct bare_rule
bare_of(const struct rule_prog *p, uint8_t proto)
{
	struct bare_rule b = { .order = p->order };

	for (uint16_t i = 0; i < p->n_lists; i++) {
		b.needs_payload |= p->lists[i].buf == BUF_PAYLOAD;
	}
	add_types(&b.types, p, proto);
	return b;
}

/* Whether 'p' belongs in the index of this side: the narrower one. */
static bool
is_told_by(const struct rule_prog *p, bool by_dst)
{
	const struct range_set *s = by_dst ? p->dst : p->src;
	const struct range_set *other = by_dst ? p->src : p->dst;

	if (p->both_ways || !addr_index_suits(s)) {
		return false;
	}
	/* those of the source's come first, and may not fit in */
	return by_dst || !addr_index_suits(other) ||
	       addr_index_width(s) <= addr_index_width(other);
}

/* Moves the rules that one side tells apart from 'bare' into an index. */
static enum err
build_side(struct rule_group *g, const struct rule_place *at,
	   struct rule_gather *bare, bool by_dst)
{
	struct addr_index *ix = by_dst ? &g->by_dst : &g->by_src;
	struct addr_index_entry *v;
	uint32_t kept = 0;
	size_t n = 0;
	enum err e;

	if (bare->n == 0) {
		return ERR_OK;
	}
	v = calloc(bare->n, sizeof(*v));
	if (v == NULL) {
		return ERR_NOMEM;
	}
	for (uint32_t i = 0; i < bare->n; i++) {
		const struct rule_prog *p = bare->v[i];
		const struct range_set *s = by_dst ? p->dst : p->src;

		if (is_told_by(p, by_dst)) {
			v[n++] = (struct addr_index_entry){ s, p->order };
		}
	}
	e = addr_index_build(ix, v, n);
	free(v);
	if (e == ERR_LIMIT) {
		return ERR_OK; /* they stay in the list */
	}
	for (uint32_t i = 0; e == ERR_OK && i < bare->n; i++) {
		const struct rule_prog *p = bare->v[i];

		if (!is_told_by(p, by_dst)) {
			bare->v[kept++] = p;
		} else {
			g->indexed[g->n_indexed++] =
				bare_of(p, rule_place_proto(at));
		}
	}
	bare->n = e == ERR_OK ? kept : bare->n;
	return e;
}

enum err
rule_bare_index(struct rule_group *g, const struct rule_place *at,
		struct rule_gather *bare)
{
	enum err e;

	g->indexed = calloc((size_t)bare->n + 1, sizeof(g->indexed[0]));
	if (g->indexed == NULL) {
		return ERR_NOMEM;
	}
	e = build_side(g, at, bare, false);
	return e == ERR_OK ? build_side(g, at, bare, true) : e;
}

enum err
rule_bare_build(struct rule_group *g, const struct rule_place *at,
		const struct rule_gather *bare, struct diag *d)
{
	if (bare->n == 0) {
		return ERR_OK;
	}
	g->bare = calloc(bare->n, sizeof(g->bare[0]));
	if (g->bare == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (uint32_t i = 0; i < bare->n; i++) {
		g->bare[i] = bare_of(bare->v[i], rule_place_proto(at));
	}
	g->n_bare = bare->n;
	return ERR_OK;
}
