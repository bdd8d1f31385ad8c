/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/addr_index.h"

#include <stdlib.h>

/* Where an entry's range begins (or, one behind its last address, ends). */
struct border {
	unsigned __int128 at;
	uint32_t id;
	bool begins;
};

static int
by_place(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	if (x->at != y->at) {
		return x->at < y->at ? -1 : 1;
	}
	return x->id < y->id ? -1 : x->id > y->id;
}

bool
addr_index_suits(const struct range_set *s)
{
	unsigned __int128 sum = 0;

	if (s == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		unsigned __int128 size = s->v[i].hi - s->v[i].lo;

		/* a quarter of IPv4, or an IPv6 block wider than a /16 */
		if (size >> 112 != 0) {
			return false;
		}
		if (size >> 32 == 0) {
			sum += size + 1;
		}
	}
	return sum < (unsigned __int128)1 << 30;
}

uint64_t
addr_index_width(const struct range_set *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		unsigned __int128 size = s->v[i].hi - s->v[i].lo;

		sum += size >> 32 == 0 ? (uint64_t)size + 1 : 1;
	}
	return sum;
}

/* The rules that hold the present piece. */
struct active {
	uint32_t *v;
	uint32_t n;
};

static void
change(struct active *a, const struct border *b)
{
	if (b->begins) {
		a->v[a->n++] = b->id;
		return;
	}
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->v[i] == b->id) {
			a->v[i] = a->v[--a->n];
			return;
		}
	}
}

static bool
put_piece(struct addr_index *ix, size_t *cap, unsigned __int128 lo,
	  const struct active *a)
{
	if (ix->n_ids + a->n > *cap) {
		size_t want = MAX(*cap * 2, ix->n_ids + a->n);
		uint32_t *p = realloc(ix->ids, want * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		ix->ids = p;
		*cap = want;
	}
	if (a->n > 0) {
		memcpy(ix->ids + ix->n_ids, a->v, a->n * sizeof(a->v[0]));
	}
	ix->pieces[ix->n_pieces++] = (struct addr_piece){
		.lo = lo,
		.first = (uint32_t)ix->n_ids,
		.n = a->n,
	};
	ix->n_ids += a->n;
	return true;
}

static enum err
sweep(struct addr_index *ix, const struct border *b, size_t n, struct active *a)
{
	size_t cap = n + 16;

	ix->ids = malloc(cap * sizeof(ix->ids[0]));
	ix->pieces = malloc((n + 1) * sizeof(ix->pieces[0]));
	if (ix->ids == NULL || ix->pieces == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < n;) {
		unsigned __int128 at = b[i].at;

		for (; i < n && b[i].at == at; i++) {
			change(a, &b[i]);
		}
		if (ix->n_ids + a->n > ADDR_INDEX_MAX) {
			return ERR_LIMIT;
		}
		if (!put_piece(ix, &cap, at, a)) {
			return ERR_NOMEM;
		}
	}
	return ERR_OK;
}

enum err
addr_index_build(struct addr_index *ix, const struct addr_index_entry *v,
		 size_t n)
{
	struct active a = { NULL, 0 };
	struct border *b = NULL;
	size_t total = 0, k = 0;
	enum err e;

	memset(ix, 0, sizeof(*ix));
	for (size_t i = 0; i < n; i++) {
		total += v[i].addrs->n;
	}
	if (total == 0) {
		return ERR_OK;
	}
	if (total > ADDR_INDEX_MAX / 2) {
		return ERR_LIMIT;
	}
	b = malloc(total * 2 * sizeof(*b));
	a.v = malloc(n * sizeof(a.v[0]));
	if (b == NULL || a.v == NULL) {
		e = ERR_NOMEM;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		for (uint32_t r = 0; r < v[i].addrs->n; r++) {
			const struct range *g = &v[i].addrs->v[r];

			b[k++] = (struct border){ g->lo, v[i].id, true };
			if (g->hi != RANGE_MAX) {
				b[k++] = (struct border){ g->hi + 1, v[i].id,
							  false };
			}
		}
	}
	qsort(b, k, sizeof(*b), by_place);
	e = sweep(ix, b, k, &a);
	if (e == ERR_OK &&
	    !addr_front_build(&ix->front, &ix->pieces[0].lo,
			      sizeof(ix->pieces[0]), ix->n_pieces)) {
		e = ERR_NOMEM;
	}
out:
	free(b);
	free(a.v);
	if (e != ERR_OK) {
		addr_index_fini(ix);
	}
	return e;
}

void
addr_index_fini(struct addr_index *ix)
{
	free(ix->pieces);
	free(ix->ids);
	addr_front_fini(&ix->front);
	memset(ix, 0, sizeof(*ix));
}
