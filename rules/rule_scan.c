/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/rule_scan.h"

#include <stdlib.h>

bool
rule_gather_add(struct rule_gather *g, const struct rule_prog *p)
{
	if (g->n == g->cap) {
		uint32_t cap = g->cap == 0 ? 1024 : g->cap * 2;
		const struct rule_prog **v = realloc(g->v, cap * sizeof(*v));

		if (v == NULL) {
			return false;
		}
		g->v = v;
		g->cap = cap;
	}
	g->v[g->n++] = p;
	return true;
}

bool
rule_gather_part(struct rule_gather *from, struct rule_gather *to,
		 bool (*is)(const struct rule_prog *p))
{
	uint32_t kept = 0;

	to->n = 0;
	for (uint32_t i = 0; i < from->n; i++) {
		if (!is(from->v[i])) {
			from->v[kept++] = from->v[i];
		} else if (!rule_gather_add(to, from->v[i])) {
			return false;
		}
	}
	from->n = kept;
	return true;
}

static int
compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
compare_literals(const struct rule_prog *x, const struct rule_prog *y)
{
	int c = x->fast_nocase - y->fast_nocase;

	c = c != 0 ? c
		   : (x->fast.len > y->fast.len) - (x->fast.len < y->fast.len);
	c = c != 0 ? c : memcmp(x->fast.p, y->fast.p, x->fast.len);
	c = c != 0 ? c : compare(x->fast_from, y->fast_from);
	return c != 0 ? c : compare(x->fast_to, y->fast_to);
}

static int
by_literal(const void *a, const void *b)
{
	const struct rule_prog *x = *(const struct rule_prog *const *)a;
	const struct rule_prog *y = *(const struct rule_prog *const *)b;
	int c = compare_literals(x, y);

	return c != 0 ? c : compare(x->order, y->order);
}

enum err
rule_scan_build(struct rule_scan *s, const struct rule_scan *like,
		struct rule_gather *with, bool placed, struct diag *d)
{
	struct prefilter_literal *lits;
	enum err e = ERR_OK;
	uint32_t n = 0;

	if (with->n == 0) {
		return ERR_OK;
	}
	qsort(with->v, with->n, sizeof(with->v[0]), by_literal);
	lits = calloc(with->n, sizeof(*lits));
	s->first = calloc(with->n + 1, sizeof(s->first[0]));
	s->orders = calloc(with->n, sizeof(s->orders[0]));
	if (lits == NULL || s->first == NULL || s->orders == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
		goto out;
	}
	for (uint32_t i = 0; i < with->n; i++) {
		const struct rule_prog *p = with->v[i];

		if (i == 0 || compare_literals(with->v[i - 1], p) != 0) {
			s->first[n] = i;
			lits[n] = (struct prefilter_literal){
				.bytes = p->fast,
				.nocase = p->fast_nocase,
				.id = n,
				.from = placed ? p->fast_from : 0,
				.to = placed ? p->fast_to : PREFILTER_ANYWHERE,
			};
			n++;
		}
		s->orders[i] = p->order;
		s->reach = MAX(s->reach, (uint64_t)p->fast_to + p->fast.len);
	}
	s->first[n] = with->n;
	s->n_ids = n;
	if (!order_set_build(&s->members, s->orders, with->n)) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
		goto out;
	}
	s->prefilter = prefilter_build_like(
		like != NULL ? like->prefilter : NULL, lits, n, d);
	if (s->prefilter == NULL) {
		e = ERR_NOMEM;
		goto out;
	}
	s->longest = prefilter_longest(s->prefilter);
out:
	free(lits);
	return e;
}

void
rule_scan_fini(struct rule_scan *s)
{
	prefilter_free(s->prefilter);
	free(s->first);
	free(s->orders);
	order_set_fini(&s->members);
	memset(s, 0, sizeof(*s));
}

/* Programs that only flows of a protocol can meet. */
static bool
is_app_bound(const struct rule_prog *p)
{
	return p->app != APP_UNKNOWN;
}

/* The protocol may become known before the chunk is complete. */
static bool
is_surely_bound(const struct rule_prog *p)
{
	return is_app_bound(p) && !p->by_chunk;
}

static enum err
build_apps(struct rule_scans *s, const struct rule_scans *like,
	   const struct rule_gather *bound, bool placed, struct diag *d)
{
	struct rule_gather g = { 0 };
	enum err e = ERR_OK;

	s->app = bound->n > 0 ? calloc(APP_PROTO_COUNT, sizeof(*s->app)) : NULL;
	if (s->app == NULL) {
		return bound->n == 0 ? ERR_OK
				     : diag_set(d, ERR_NOMEM, "out of memory");
	}
	for (unsigned a = 0; a < APP_PROTO_COUNT && e == ERR_OK; a++) {
		g.n = 0;
		for (uint32_t i = 0; i < bound->n && e == ERR_OK; i++) {
			if (header_app_covers(bound->v[i], (enum app_proto)a) &&
			    !rule_gather_add(&g, bound->v[i])) {
				e = diag_set(d, ERR_NOMEM, "out of memory");
			}
		}
		if (e == ERR_OK) {
			e = rule_scan_build(&s->app[a],
					    like != NULL && like->app != NULL
						    ? &like->app[a]
						    : NULL,
					    &g, placed, d);
		}
	}
	free(g.v);
	return e;
}

/* How many programs family 'k' has. */
static uint32_t
family_size(const uint32_t *in, uint32_t n, unsigned k)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < n; i++) {
		size += in[i] >> k & 1;
	}
	return size;
}

/* Numbers the families by size: a flow takes the first one that suits. */
static void
sort_families(uint32_t *in, uint32_t n, uint32_t n_families)
{
	unsigned rank[RULE_SCANS_PORTS] = { 0 };
	uint32_t size[RULE_SCANS_PORTS];

	for (unsigned k = 0; k < n_families; k++) {
		size[k] = family_size(in, n, k);
	}
	for (unsigned k = 0; k < n_families; k++) {
		for (unsigned j = 0; j < n_families; j++) {
			rank[k] += size[j] < size[k] ||
				   (size[j] == size[k] && j < k);
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t was = in[i];

		/* the scan behind the families has every program */
		in[i] = UINT32_C(1) << n_families;
		for (unsigned k = 0; k < n_families; k++) {
			in[i] |= (was >> k & 1) << rank[k];
		}
	}
}

/* Keeps together the programs that are in the same scans. */
static bool
build_parts(struct rule_scans *s, const struct rule_gather *with,
	    const uint32_t *in)
{
	uint32_t *orders = calloc((size_t)with->n + 1, sizeof(*orders));
	bool good = orders != NULL;

	s->parts = calloc((size_t)with->n + 1, sizeof(*s->parts));
	good = good && s->parts != NULL;
	for (uint32_t i = 0; i < with->n && good; i++) {
		uint32_t k = 0, n = 0;

		while (k < s->n_parts && s->parts[k].in != in[i]) {
			k++;
		}
		if (k < s->n_parts) {
			continue; /* it came with another */
		}
		for (uint32_t j = i; j < with->n; j++) {
			if (in[j] == in[i]) {
				orders[n++] = with->v[j]->order;
			}
		}
		s->parts[k].in = in[i];
		s->n_parts++;
		good = order_set_build(&s->parts[k].members, orders, n);
	}
	free(orders);
	return good;
}

static enum err
build_family(struct rule_scan *s, const struct rule_scan *like,
	     const struct rule_gather *with, const uint32_t *in, unsigned k,
	     bool placed, struct diag *d)
{
	struct rule_gather g = { 0 };
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < with->n && e == ERR_OK; i++) {
		if ((in[i] >> k & 1) != 0 && !rule_gather_add(&g, with->v[i])) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	if (e == ERR_OK) {
		e = rule_scan_build(s, like, &g, placed, d);
	}
	free(g.v);
	return e;
}

static enum err
build_ports(struct rule_scans *s, const struct rule_scans *like,
	    const struct header_index *h, struct rule_gather *with, bool placed,
	    struct diag *d)
{
	const struct rule_scan *all_like =
		like != NULL && like->n_ports > 0
			? &like->ports[like->n_ports - 1]
			: NULL;
	struct rule_scan all = { 0 };
	uint32_t *in, n = 0;
	enum err e;

	if (with->n == 0) {
		return ERR_OK;
	}
	in = calloc(with->n, sizeof(*in));
	if (in == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	/* this sorts 'with' */
	e = rule_scan_build(&all, all_like, with, placed, d);
	if (e == ERR_OK) {
		n = rule_ports_families(h, with->v, with->n, in);
		sort_families(in, with->n, n);
	}
	for (unsigned k = 0; k < n && e == ERR_OK; k++) {
		e = build_family(&s->ports[k],
				 like != NULL ? &like->ports[k] : NULL, with,
				 in, k, placed, d);
	}
	s->ports[n] = all;
	s->n_ports = n + 1;
	if (e == ERR_OK && !build_parts(s, with, in)) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	}
	free(in);
	return e;
}

enum err
rule_scans_build(struct rule_scans *s, const struct rule_scans *like,
		 const struct header_index *h, struct rule_gather *with,
		 bool placed, enum rule_scans_apart apart, struct diag *d)
{
	struct rule_gather bound = { 0 };
	enum err e = ERR_OK;

	if (apart != APART_NONE &&
	    !rule_gather_part(with, &bound,
			      apart == APART_BOUND ? is_app_bound
						   : is_surely_bound)) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	} else {
		e = build_apps(s, like, &bound, placed, d);
	}
	free(bound.v);
	return e == ERR_OK ? build_ports(s, like, h, with, placed, d) : e;
}

void
rule_scans_fini(struct rule_scans *s)
{
	for (uint32_t i = 0; i < RULE_SCANS_PORTS; i++) {
		rule_scan_fini(&s->ports[i]);
	}
	for (unsigned a = 0; s->app != NULL && a < APP_PROTO_COUNT; a++) {
		rule_scan_fini(&s->app[a]);
	}
	for (uint32_t i = 0; i < s->n_parts; i++) {
		order_set_fini(&s->parts[i].members);
	}
	free(s->parts);
	free(s->app);
}

enum err
rule_scans_each(const struct rule_scans *s,
		enum err (*fn)(void *arg, const struct rule_scan *s), void *arg)
{
	enum err e = ERR_OK;

	for (uint32_t i = 0; i < s->n_ports && e == ERR_OK; i++) {
		e = fn(arg, &s->ports[i]);
	}
	for (unsigned a = 0;
	     s->app != NULL && a < APP_PROTO_COUNT && e == ERR_OK; a++) {
		if (s->app[a].prefilter != NULL) {
			e = fn(arg, &s->app[a]);
		}
	}
	return e;
}

/* The last scan has all programs, so some bit of 'fit' is left. */
static const struct rule_scan *
least_of(const struct rule_scans *s, uint32_t fit)
{
	return fit != 0 ? &s->ports[__builtin_ctz(fit)] : NULL;
}

struct rule_scans_choice
rule_scans_choose(const struct rule_scans *s, const uint64_t *row,
		  const uint64_t *role)
{
	struct rule_scans_choice c = { NULL, 0, UINT32_MAX };
	bool any = false;

	for (uint32_t i = 0; i < s->n_parts; i++) {
		const struct rule_scans_part *p = &s->parts[i];

		if ((!any || (c.fit & p->in) != c.fit) &&
		    order_set_meets(&p->members, row, role)) {
			c.fit &= p->in;
			any = true;
		}
	}
	c.fit = any ? c.fit : 0;
	c.ports = least_of(s, c.fit);
	for (unsigned a = 0; s->app != NULL && a < APP_PROTO_COUNT; a++) {
		if (order_set_meets(&s->app[a].members, row, role)) {
			c.apps |= UINT64_C(1) << a;
		}
	}
	return c;
}

const struct rule_scan *
rule_scans_for_both(const struct rule_scans *s,
		    const struct rule_scans_choice *a,
		    const struct rule_scans_choice *b)
{
	uint32_t fit =
		a->fit == 0 || b->fit == 0 ? a->fit | b->fit : a->fit & b->fit;

	return least_of(s, fit);
}
