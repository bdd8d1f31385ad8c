/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/literals.h"

#include <stdlib.h>

#include "rules/ruleset_db.h"
#include "tests/bench/measure.h"

static bool
wanted(const struct rule_prog *p, enum literal_choice choice,
       enum inspect_dir dir)
{
	return p->fast_list >= 0 && !p->never && p->fast.len > 0 &&
	       (p->dirs >> dir & 1) != 0 &&
	       (choice == LITERALS_ALL || p->kind == PROG_PAYLOAD);
}

static int
by_spelling(const void *a, const void *b)
{
	const struct prefilter_literal *x = a, *y = b;
	int c;

	if (x->nocase != y->nocase) {
		return x->nocase - y->nocase;
	}
	if (x->bytes.len != y->bytes.len) {
		return x->bytes.len < y->bytes.len ? -1 : 1;
	}
	c = memcmp(x->bytes.p, y->bytes.p, x->bytes.len);
	return c != 0 ? c : (x->id < y->id ? -1 : x->id > y->id);
}

static int
by_id(const void *a, const void *b)
{
	const struct prefilter_literal *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* One of each spelling, numbered from 0 in the order of the rules. */
static void
settle(struct literal_list *l)
{
	uint32_t kept = 0;

	qsort(l->v, l->n, sizeof(l->v[0]), by_spelling);
	for (uint32_t i = 0; i < l->n; i++) {
		if (kept == 0 || l->v[kept - 1].nocase != l->v[i].nocase ||
		    !view_eq(l->v[kept - 1].bytes, l->v[i].bytes)) {
			l->v[kept++] = l->v[i];
		} else {
			struct prefilter_literal *k = &l->v[kept - 1];

			k->from = MIN(k->from, l->v[i].from);
			k->to = MAX(k->to, l->v[i].to);
		}
	}
	l->n = kept;
	qsort(l->v, l->n, sizeof(l->v[0]), by_id);
	for (uint32_t i = 0; i < l->n; i++) {
		l->v[i].id = i;
	}
}

/* Where in its buffer the literal must begin, as far as 'offset' and 'depth'
 * say so. */
static void
range_of(const struct rule_prog *p, struct prefilter_literal *lit)
{
	const struct rule_list *l = &p->lists[p->fast_list];

	for (uint16_t i = 0; i < l->n_ops; i++) {
		const struct op *o = &l->ops[i];
		const struct content *c = &o->content;

		if (o->type != OP_CONTENT || l->n_xforms > 0 ||
		    !view_eq(view_of(c->bytes, c->len), p->fast) ||
		    (o->flags & (OPF_NEGATED | OPF_DISTANCE | OPF_WITHIN |
				 OPF_RELATIVE)) != 0 ||
		    c->offset.var >= 0 || c->depth.var >= 0) {
			continue;
		}
		if ((o->flags & OPF_STARTSWITH) != 0) {
			lit->to = 0;
			return;
		}
		if ((o->flags & OPF_OFFSET) != 0 && c->offset.n > 0) {
			lit->from = (uint32_t)c->offset.n;
		}
		if ((o->flags & OPF_DEPTH) != 0 && c->depth.n >= c->len) {
			lit->to = lit->from + (uint32_t)c->depth.n - c->len;
		}
		return;
	}
}

struct literal_list
literals_of(const struct ruleset *rs, enum literal_choice choice,
	    enum inspect_dir dir)
{
	struct literal_list l = { 0 };
	uint32_t n = ruleset_count(rs);

	l.v = calloc((size_t)n * 2 + 1, sizeof(l.v[0]));
	if (l.v == NULL) {
		bench_die("literals", "out of memory");
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct rule_prog *p = ruleset_rule(rs, i)->prog;

		for (unsigned k = 0; k < 2 && p != NULL; k++, p = p->other) {
			if (wanted(p, choice, dir)) {
				l.v[l.n] = (struct prefilter_literal){
					.bytes = p->fast,
					.nocase = p->fast_nocase,
					.id = l.n,
					.to = PREFILTER_ANYWHERE,
				};
				range_of(p, &l.v[l.n]);
				l.n++;
			}
		}
	}
	settle(&l);
	return l;
}

void
literals_free(struct literal_list *l)
{
	free(l->v);
	*l = (struct literal_list){ 0 };
}

/* How many literals stand behind the key that these four bytes are. */
static uint64_t
behind_key(const struct prefilter *p, struct prefilter_scratch *s,
	   struct view four, uint64_t *bits, struct prefilter_hit *hits)
{
	const struct prefilter_input in = { .data = four };
	uint64_t was = prefilter_work(s)->compares;
	size_t n = prefilter_scan(p, s, &in, bits, hits);

	while (n-- > 0) {
		bits[hits[n].id / 64] = 0;
	}
	return prefilter_work(s)->compares - was;
}

struct key_list
keys_of(const struct ruleset *rs, const struct literal_list *l,
	enum inspect_dir dir)
{
	const struct rule_scans *all = &rs->groups.far[PACKET_TCP_STREAM][dir];
	const struct rule_scan *scan =
		all->n_ports > 0 ? &all->ports[all->n_ports - 1] : NULL;
	struct prefilter_scratch *s = prefilter_scratch_new();
	struct key_list k = { 0 };
	uint64_t *bits, most = 0;
	struct prefilter_hit *hits;
	size_t cap = 1;

	for (uint32_t i = 0; i < l->n; i++) {
		cap += l->v[i].bytes.len;
	}
	k.v = calloc(cap, sizeof(k.v[0]));
	bits = calloc(rs->groups.most_ids / 64 + 1, sizeof(bits[0]));
	hits = calloc(rs->groups.most_ids + 1, sizeof(hits[0]));
	if (s == NULL || k.v == NULL || bits == NULL || hits == NULL) {
		bench_die("keys", "out of memory");
	}
	for (uint32_t i = 0; i < l->n && scan != NULL; i++) {
		struct view v = l->v[i].bytes;

		for (size_t at = 0; at + 4 <= v.len; at++) {
			struct view four = view_sub(v, at, 4);
			uint64_t n = scan->prefilter == NULL
					     ? 0
					     : behind_key(scan->prefilter, s,
							  four, bits, hits);

			if (n > 0) {
				memcpy(k.v[k.n++], four.p, 4);
			}
			if (n > most) {
				most = n;
				memcpy(k.worst, four.p, 4);
			}
		}
	}
	prefilter_scratch_free(s);
	free(bits);
	free(hits);
	return k;
}

void
keys_free(struct key_list *k)
{
	free(k->v);
	*k = (struct key_list){ 0 };
}

struct floor_literals
floor_literals_of(const struct ruleset *rs, enum literal_choice choice)
{
	struct floor_literals f;
	struct diag d;

	for (unsigned dir = 0; dir < 2; dir++) {
		struct literal_list l =
			literals_of(rs, choice, (enum inspect_dir)dir);

		f.n[dir] = l.n;
		f.prefilter[dir] = prefilter_build(l.v, l.n, &d);
		if (f.prefilter[dir] == NULL) {
			bench_die("literals", d.msg);
		}
		literals_free(&l);
	}
	return f;
}

void
floor_literals_fini(struct floor_literals *f)
{
	prefilter_free(f->prefilter[0]);
	prefilter_free(f->prefilter[1]);
}
