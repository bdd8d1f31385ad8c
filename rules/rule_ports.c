/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Families of ends.  Every class of ports, against the wide classes that
 * clients take their ports from, needs a set of programs; those that are
 * asked for most often are kept apart, and the two whose union costs the
 * least are made one until few are left.  Addresses that few programs are
 * about have families of their own, and so have flows that are not
 * established.
 */
#include "rules/rule_scan.h"

#include <stdlib.h>

#define FAMILIES 11 /* of ports */
#define NETWORKS 2 /* classes of addresses of each side */
#define PAIRS 2 /* of them, with families of their own: */
#define PAIR_PORTS 3 /* of ports, and one of all ports */
#define CANDIDATES 64 /* of each side */
#define WIDE 256 /* ports of a class that clients use */
#define FEW 24 /* programs: one scan will do for them */

STATIC_ASSERT(FAMILIES + PAIRS * (PAIR_PORTS + 1) + 1 < RULE_SCANS_PORTS,
	      "one more has all programs");

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
	uint64_t cost[2 * CANDIDATES][2 * CANDIDATES]; /* of merging two */
};

/* The library's looks every byte up; this runs beside itself. */
static inline uint32_t
popcount64(uint64_t x)
{
	x -= x >> 1 & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) +
	    (x >> 2 & UINT64_C(0x3333333333333333));
	x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (uint32_t)(x * UINT64_C(0x0101010101010101) >> 56);
}

static uint32_t
union_size(const struct family *a, const struct family *b, uint32_t n_words)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < n_words; i++) {
		n += popcount64(a->bits[i] | b->bits[i]);
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

/* What flows would scan in vain if 'a' and 'b' were one. */
static uint64_t
merging_costs(const struct families *f, const struct family *a,
	      const struct family *b)
{
	uint32_t n = union_size(a, b, f->n_words);

	return a->weight * (n - a->size) + b->weight * (n - b->size);
}

/* What is known of 'i' with each of the others. */
static void
weigh_pairs(struct families *f, uint32_t i)
{
	for (uint32_t k = 0; k < f->n; k++) {
		if (k != i) {
			f->cost[i][k] = f->cost[k][i] =
				merging_costs(f, &f->v[i], &f->v[k]);
		}
	}
}

static void
drop(struct families *f, uint32_t i)
{
	uint32_t last = --f->n;

	free(f->v[i].bits);
	f->v[i] = f->v[last];
	for (uint32_t k = 0; k < f->n; k++) {
		f->cost[i][k] = f->cost[k][i] = f->cost[last][k];
	}
}

/* Makes one of the two that cost least; false: none costs less than 'limit'. */
static bool
merge_two(struct families *f, uint64_t limit)
{
	uint32_t x = 0, y = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		for (uint32_t k = i + 1; k < f->n; k++) {
			if (f->cost[i][k] < limit) {
				limit = f->cost[i][k];
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
	weigh_pairs(f, x);
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
settle(struct families *f, uint32_t most)
{
	for (uint32_t i = 0; i < f->n; i++) {
		weigh_pairs(f, i);
	}
	while (merge_two(f, 1)) { /* the same ones */
	}
	drop_useless(f);
	while (f->n > most && merge_two(f, UINT64_MAX)) {
	}
	drop_useless(f);
}

/* What all families are found from. */
struct finding {
	const struct header_index *h;
	const struct rule_prog *const *v;
	uint32_t n;
	struct class_weight *src, *dst;
	bool *from, *to; /* may the other end be a client's? */
	bool *some, *both; /* scratch */
	uint32_t *in;
	uint32_t found;
};

/* One more family: those that 'some' speaks of. */
static void
take_family(struct finding *x, const bool *some)
{
	for (uint32_t i = 0; i < x->n; i++) {
		x->in[i] |= (uint32_t)some[i] << x->found;
	}
	x->found++;
}

static void
forget(struct families *f)
{
	for (uint32_t i = 0; i < f->n; i++) {
		free(f->v[i].bits);
	}
	free(f);
}

/* Up to 'most' families of ports of those that 'of' speaks of. */
static bool
take_ports(struct finding *x, const bool *of, uint32_t most)
{
	struct families *f = calloc(1, sizeof(*f));
	bool good;

	if (f == NULL) {
		return false;
	}
	f->n_progs = x->n;
	f->n_words = x->n / 64 + 1;
	for (uint32_t i = 0; i < x->n; i++) {
		x->both[i] = of[i] && x->from[i];
	}
	good = add_side(f, &x->h->dport, x->dst, x->v, x->both);
	for (uint32_t i = 0; i < x->n; i++) {
		x->both[i] = of[i] && x->to[i];
	}
	good = good && add_side(f, &x->h->sport, x->src, x->v, x->both);
	if (good) {
		settle(f, most);
		for (uint32_t k = 0; k < f->n; k++) {
			for (uint32_t i = 0; i < x->n; i++) {
				x->both[i] = is_in(f->v[k].bits, i);
			}
			take_family(x, x->both);
		}
	}
	forget(f);
	return good;
}

/*
 * Many rules are about one side of a border between networks and the other,
 * so that within either there is next to nothing to look for.
 */
static void
take_networks(struct finding *x)
{
	const struct header_index *h = x->h;
	uint32_t src[NETWORKS], dst[NETWORKS];
	uint32_t n_src = range_classes_widest(&h->src, src, NETWORKS);
	uint32_t n_dst = range_classes_widest(&h->dst, dst, NETWORKS);
	uint32_t taken = 0;

	for (uint32_t k = 0; k < n_src * n_dst && taken < PAIRS; k++) {
		const uint64_t *s = range_classes_row(&h->src, src[k % n_src]);
		const uint64_t *d = range_classes_row(&h->dst, dst[k / n_src]);
		uint32_t size = 0;

		for (uint32_t i = 0; i < x->n; i++) {
			uint32_t order = x->v[i]->order;

			x->some[i] = is_in(s, order) && is_in(d, order);
			size += x->some[i];
		}
		if (size > 0 && size <= x->n / 3) {
			(void)take_ports(x, x->some, PAIR_PORTS);
			take_family(x, x->some);
			taken++;
		}
	}
}

/* Flows that are not established have few rules. */
static void
take_unestablished(struct finding *x)
{
	uint32_t size = 0;

	for (uint32_t i = 0; i < x->n; i++) {
		x->some[i] = (x->v[i]->flow & FLOW_ESTABLISHED) == 0;
		size += x->some[i];
	}
	if (size > 0 && size <= x->n / 3) {
		take_family(x, x->some);
	}
}

static void
take_all(struct finding *x)
{
	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t order = x->v[i]->order;

		x->from[i] = fits_client(&x->h->sport, x->src, order);
		x->to[i] = fits_client(&x->h->dport, x->dst, order);
		x->some[i] = true;
	}
	if (take_ports(x, x->some, FAMILIES)) {
		take_networks(x);
		take_unestablished(x);
	}
}

uint32_t
rule_ports_families(const struct header_index *h,
		    const struct rule_prog *const *v, uint32_t n, uint32_t *in)
{
	struct finding x = {
		.h = h,
		.v = v,
		.n = n,
		.src = weigh(&h->sport, h->sport_class),
		.dst = weigh(&h->dport, h->dport_class),
		.from = calloc((size_t)n + 1, sizeof(bool)),
		.to = calloc((size_t)n + 1, sizeof(bool)),
		.some = calloc((size_t)n + 1, sizeof(bool)),
		.both = calloc((size_t)n + 1, sizeof(bool)),
		.in = in,
	};

	memset(in, 0, n * sizeof(*in));
	if (n > FEW && x.src != NULL && x.dst != NULL && x.from != NULL &&
	    x.to != NULL && x.some != NULL && x.both != NULL) {
		take_all(&x);
	}
	free(x.src);
	free(x.dst);
	free(x.from);
	free(x.to);
	free(x.some);
	free(x.both);
	return x.found;
}
