/* SPDX-License-Identifier: Apache-2.0 */
/* Who needs whom by number, and an order in which what is needed comes first. */
#include <stdio.h>
#include <stdlib.h>

#include "collector/mission_yaml.h"

#define MAX_DEPTH 64
/* Needs by number: names may stand for many assets each. */
#define MAX_REFS (1u << 20)

/* Names in order, so that a need is found without a look at all. */
struct named {
	const char *name;
	unsigned index;
};

struct linker {
	struct mission_reader *r;
	struct named *services, *assets;
	unsigned n_refs;
	uint8_t *colour; /* of services: 0 new, 1 being walked, 2 done */
	unsigned n_order;
	unsigned path[MAX_DEPTH + 1];
};

static int
named_cmp(const void *x, const void *y)
{
	const struct named *a = x, *b = y;
	int c = strcmp(a->name, b->name);

	return c != 0 ? c : (a->index > b->index) - (a->index < b->index);
}

static unsigned
first_of(const struct named *list, unsigned n, const char *name)
{
	unsigned lo = 0, hi = n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (strcmp(list[mid].name, name) < 0) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo;
}

static void
add_refs(struct linker *l, struct thing *t, unsigned need, bool service)
{
	const struct mission_map *m = l->r->map;
	const struct named *list = service ? l->services : l->assets;
	unsigned n = service ? m->n_services : m->n_assets;

	for (unsigned i = first_of(list, n, t->needs[need]);
	     i < n && strcmp(list[i].name, t->needs[need]) == 0; i++) {
		struct need_ref *p = t->refs;

		if (l->n_refs == MAX_REFS) {
			l->r->y->err =
				diag_set(l->r->y->d, ERR_LIMIT,
					 "%s:%d: more than %u dependencies "
					 "in all",
					 l->r->y->name, t->line, MAX_REFS);
			return;
		}
		l->n_refs++;
		if ((t->n_refs & (t->n_refs - 1)) == 0) {
			p = realloc(
				t->refs,
				(size_t)(t->n_refs == 0 ? 1 : t->n_refs * 2) *
					sizeof(*p));
			if (p == NULL) {
				yaml_file_no_memory(l->r->y);
				return;
			}
			t->refs = p;
		}
		p[t->n_refs++] =
			(struct need_ref){ need, list[i].index, service };
	}
}

static void
link_things(struct linker *l, struct thing *t, unsigned n, bool missions)
{
	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = 0; j < t[i].n_needs; j++) {
			if (l->r->y->err != ERR_OK) {
				return;
			}
			add_refs(l, &t[i], j, true);
			/* A mission needs services, not assets. */
			if (!missions && l->r->y->err == ERR_OK) {
				add_refs(l, &t[i], j, false);
			}
		}
	}
}

/* "a > b > a", from where the ring begins. */
static void
refuse_ring(struct linker *l, unsigned depth, unsigned s)
{
	const struct thing *services = l->r->map->services;
	char ring[256] = "";
	size_t n = 0;
	unsigned i = depth;

	while (i > 0 && l->path[i] != s) {
		i--;
	}
	for (; i <= depth && n < sizeof(ring); i++) {
		n += (size_t)snprintf(ring + n, sizeof(ring) - n, "%s > ",
				      services[l->path[i]].name);
	}
	l->r->y->err =
		diag_set(l->r->y->d, ERR_FORMAT,
			 "%s:%d: '%s' depends on itself: %s%s: take one of "
			 "these out",
			 l->r->y->name, services[s].line, services[s].name,
			 ring, services[s].name);
}

static void
walk(struct linker *l, unsigned s, unsigned depth)
{
	struct mission_map *m = l->r->map;
	const struct thing *t = &m->services[s];

	if (depth > MAX_DEPTH) {
		l->r->y->err = diag_set(l->r->y->d, ERR_LIMIT,
					"%s:%d: services depend on each other "
					"more than %d deep",
					l->r->y->name, t->line, MAX_DEPTH);
		return;
	}
	l->colour[s] = 1;
	l->path[depth] = s;
	for (unsigned i = 0; i < t->n_refs && l->r->y->err == ERR_OK; i++) {
		unsigned to = t->refs[i].index;

		if (!t->refs[i].service || l->colour[to] == 2) {
			continue;
		}
		if (l->colour[to] == 1) {
			refuse_ring(l, depth, to);
		} else {
			walk(l, to, depth + 1);
		}
	}
	l->colour[s] = 2;
	m->order[l->n_order++] = s;
}

static struct named *
sorted(struct mission_reader *r, unsigned n, bool services)
{
	struct named *list = calloc(n + 1u, sizeof(*list));

	for (unsigned i = 0; i < n && list != NULL; i++) {
		list[i].name = services ? r->map->services[i].name
					: r->map->assets[i].name;
		list[i].index = i;
	}
	if (list != NULL && n > 1) {
		qsort(list, n, sizeof(*list), named_cmp);
	}
	return list;
}

void
mission_link(struct mission_reader *r)
{
	struct mission_map *m = r->map;
	struct linker l = { .r = r };

	l.services = sorted(r, m->n_services, true);
	l.assets = sorted(r, m->n_assets, false);
	l.colour = calloc(m->n_services + 1u, 1);
	m->order = calloc(m->n_services + 1u, sizeof(*m->order));
	if (l.services == NULL || l.assets == NULL || l.colour == NULL ||
	    m->order == NULL) {
		yaml_file_no_memory(r->y);
	} else {
		link_things(&l, m->services, m->n_services, false);
		link_things(&l, m->missions, m->n_missions, true);
	}
	for (unsigned i = 0; i < m->n_services && r->y->err == ERR_OK; i++) {
		if (l.colour[i] == 0) {
			walk(&l, i, 0);
		}
	}
	free(l.services);
	free(l.assets);
	free(l.colour);
}
