/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families of ports.  Every class of ports, against the wide classes that
 * clients take their ports from, needs a set of programs; those that are
 * asked for most often are kept apart, and the two whose union costs the
 * least are made one until few are left.
 */
#include "rules/rule_scan.h"

#include <stdlib.h>

#define FAMILIES (RULE_SCANS_PORTS - 1)
#define CANDIDATES 64 /* of each side */
#define WIDE 256 /* ports of a class that clients use */
#define FEW 24 /* programs: one scan will do for them */

struct family {
	uint64_t *bits; /* of the programs */
	uint64_t weight; /* how often it is asked for */
	uint32_t size;
};

/* How often flows are on a port, roughly: it only decides what is kept apart,
 * never what is found. */
static uint32_t
port_weight(uint32_t port)
{
	switch (port) {
	case 53:
	case 80:
	case 443:
		return 20000;
	case 21:
	case 22:
	case 23:
	case 25:
	case 110:
	case 123:
	case 137:
	case 139:
	case 143:
	case 161:
	case 445:
	case 993:
	case 1900:
	case 3389:
	case 5060:
	case 5353:
	case 8080:
		return 2000;
	default:
		return port >= 1024 ? 1 : 10;
	}
}

struct class_weight {
	uint32_t class;
	uint32_t ports;
	uint64_t weight;
};

static int
by_weight(const void *a, const void *b)
{
	const struct class_weight *x = a, *y = b;

	if (x->weight != y->weight) {
		return x->weight < y->weight ? 1 : -1;
	}
	return (x->class > y->class) - (x->class < y->class);
}

/* The classes of one end, the heaviest first; NULL: out of memory. */
static struct class_weight *
weigh(const struct range_classes *c, const uint16_t *class_of)
{
	struct class_weight *v = calloc((size_t)c->n_classes + 1, sizeof(*v));

	if (v == NULL) {
		return NULL;
	}
	for (uint32_t i = 0; i < c->n_classes; i++) {
		v[i].class = i;
	}
	for (uint32_t port = 0; port <= UINT16_MAX; port++) {
		v[class_of[port]].weight += port_weight(port);
		v[class_of[port]].ports++;
	}
	qsort(v, c->n_classes, sizeof(*v), by_weight);
	return v;
}

static bool
is_in(const uint64_t *row, uint32_t order)
{
	return (row[order / 64] >> (order % 64) & 1) != 0;
}

/* Whether a client's port may be one that 'order' asks for. */
static bool
fits_client(const struct range_classes *c, const struct class_weight *w,
	    uint32_t order)
{
	for (uint32_t i = 0; i < c->n_classes; i++) {
		if (w[i].ports >= WIDE &&
		    is_in(range_classes_row(c, w[i].class), order)) {
			return true;
		}
	}
	return false;
}

struct families {
	struct family v[2 * CANDIDATES];
	uint32_t n;
	uint32_t n_progs, n_words;
};

static uint32_t
union_size(const struct family *a, const struct family *b, uint32_t n_words)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_words; i++) {
		n += (uint32_t)__builtin_popcountll(a->bits[i] | b->bits[i]);
	}
	return n;
}

/* Adds one family for each heavy class of an end; 'client' says of every
 * program whether the other end may be a client's. */
static bool
add_side(struct families *f, const struct range_classes *c,
	 const struct class_weight *w, const struct rule_prog *const *v,
	 const bool *client)
{
	for (uint32_t k = 0; k < c->n_classes && k < CANDIDATES; k++) {
		const uint64_t *row = range_classes_row(c, w[k].class);
		struct family *fam = &f->v[f->n];

		fam->bits = calloc(f->n_words, sizeof(*fam->bits));
		if (fam->bits == NULL) {
			return false;
		}
		f->n++;
		fam->weight = w[k].weight;
		for (uint32_t i = 0; i < f->n_progs; i++) {
			if (client[i] && is_in(row, v[i]->order)) {
				fam->bits[i / 64] |= UINT64_C(1) << (i % 64);
				fam->size++;
			}
		}
	}
	return true;
}

static void
drop(struct families *f, uint32_t i)
{
	free(f->v[i].bits);
	f->v[i] = f->v[--f->n];
}

/* What flows would scan in vain if 'a' and 'b' were one. */
static uint64_t
merging_costs(const struct families *f, const struct family *a,
	      const struct family *b)
{
	uint32_t n = union_size(a, b, f->n_words);

	return a->weight * (n - a->size) + b->weight * (n - b->size);
}

/* Makes one of the two that cost least; false: none costs less than 'limit'. */
static bool
merge_two(struct families *f, uint64_t limit)
{
	uint32_t x = 0, y = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		for (uint32_t k = i + 1; k < f->n; k++) {
			uint64_t c = merging_costs(f, &f->v[i], &f->v[k]);

			if (c < limit) {
				limit = c;
				x = i;
				y = k;
			}
		}
	}
	if (y == 0) {
		return false;
	}
	f->v[x].size = union_size(&f->v[x], &f->v[y], f->n_words);
	f->v[x].weight += f->v[y].weight;
	for (uint32_t i = 0; i < f->n_words; i++) {
		f->v[x].bits[i] |= f->v[y].bits[i];
	}
	drop(f, y);
	return true;
}

/* Who needs no program needs no scan, and who needs all has one. */
static void
drop_useless(struct families *f)
{
	for (uint32_t k = f->n; k-- > 0;) {
		if (f->v[k].size == 0 || f->v[k].size == f->n_progs) {
			drop(f, k);
		}
	}
}

static void
settle(struct families *f, uint32_t *in)
{
	while (merge_two(f, 1)) { /* the same ones */
	}
	drop_useless(f);
	while (f->n > FAMILIES && merge_two(f, UINT64_MAX)) {
	}
	drop_useless(f);
	for (uint32_t k = 0; k < f->n; k++) {
		for (uint32_t i = 0; i < f->n_progs; i++) {
			in[i] |= (uint32_t)is_in(f->v[k].bits, i) << k;
		}
	}
}

uint32_t
rule_ports_families(const struct header_index *h,
		    const struct rule_prog *const *v, uint32_t n, uint32_t *in)
{
	struct families f = { .n_progs = n, .n_words = n / 64 + 1 };
	struct class_weight *src = weigh(&h->sport, h->sport_class);
	struct class_weight *dst = weigh(&h->dport, h->dport_class);
	bool *from = calloc((size_t)n + 1, sizeof(*from));
	bool *to = calloc((size_t)n + 1, sizeof(*to));
	uint32_t found = 0;

	memset(in, 0, n * sizeof(*in));
	if (n > FEW && src != NULL && dst != NULL && from != NULL &&
	    to != NULL) {
		for (uint32_t i = 0; i < n; i++) {
			from[i] = fits_client(&h->sport, src, v[i]->order);
			to[i] = fits_client(&h->dport, dst, v[i]->order);
		}
		if (add_side(&f, &h->dport, dst, v, from) &&
		    add_side(&f, &h->sport, src, v, to)) {
			settle(&f, in);
			found = f.n;
		}
	}
	while (f.n > 0) {
		drop(&f, f.n - 1);
	}
	free(src);
	free(dst);
	free(from);
	free(to);
	return found;
}
