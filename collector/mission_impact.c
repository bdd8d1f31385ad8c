/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/mission_impact.h"

#include <stdlib.h>

#include "collector/mission_map.h"

#define ALL 100u

/* What each thing loses, and by which of its parts. */
struct losses {
	const struct mission_map *m;
	bool *touched; /* assets */
	unsigned *loss; /* services */
	const struct need_ref **via; /* services */
};

static unsigned
loss_of_ref(const struct losses *l, const struct need_ref *r)
{
	return r->service ? l->loss[r->index]
			  : (l->touched[r->index] ? ALL : 0);
}

/* '*via' is the part that costs it most; the first of equal ones. */
static unsigned
loss_of(const struct losses *l, const struct thing *t,
	const struct need_ref **via)
{
	unsigned worst = 0, part = 0;
	uint64_t sum = 0;

	*via = NULL;
	/* A name may stand for several assets: its loss is their worst. */
	for (unsigned i = 0; i < t->n_refs; i++) {
		unsigned v = loss_of_ref(l, &t->refs[i]);

		if (v > worst) {
			worst = v;
			*via = &t->refs[i];
		}
		part = MAX(part, v);
		if (i + 1 == t->n_refs ||
		    t->refs[i + 1].need != t->refs[i].need) {
			sum += part;
			part = 0;
		}
	}
	return t->any && t->n_needs > 0
		       ? (unsigned)((sum + t->n_needs - 1) / t->n_needs)
		       : worst;
}

static void
put_path(const struct losses *l, const struct thing *t,
	 const struct need_ref *via, struct mission_hit *h)
{
	h->n_path = 0;
	h->path[h->n_path++] = t->name;
	while (via != NULL && h->n_path < MISSION_MAX_PATH) {
		h->path[h->n_path++] = via->service
					       ? l->m->services[via->index].name
					       : l->m->assets[via->index].name;
		via = via->service ? l->via[via->index] : NULL;
	}
}

static bool
worse(const struct mission_hit *a, const struct mission_hit *b)
{
	if (a->score != b->score) {
		return a->score > b->score;
	}
	if (a->loss != b->loss) {
		return a->loss > b->loss;
	}
	return strcmp(a->name, b->name) < 0;
}

/* Into its place among the worst; '*n' counts all. */
static void
keep(struct mission_hit list[MISSION_MAX_HITS], unsigned *n,
     const struct mission_hit *h)
{
	unsigned at = MIN(*n, (unsigned)MISSION_MAX_HITS);

	(*n)++;
	if (at == MISSION_MAX_HITS) {
		if (!worse(h, &list[at - 1])) {
			return;
		}
		at--;
	}
	while (at > 0 && worse(h, &list[at - 1])) {
		list[at] = list[at - 1];
		at--;
	}
	list[at] = *h;
}

static void
weigh(struct losses *l, struct mission_impact *out)
{
	const struct mission_map *m = l->m;
	struct mission_hit h;

	/* In an order in which what is needed comes first. */
	for (unsigned i = 0; i < m->n_services; i++) {
		unsigned s = m->order[i];
		const struct thing *t = &m->services[s];

		l->loss[s] = loss_of(l, t, &l->via[s]);
		if (l->loss[s] > 0) {
			h = (struct mission_hit){
				t->name,    "",         t->criticality,
				l->loss[s], l->loss[s], { NULL },
				0
			};
			put_path(l, t, l->via[s], &h);
			keep(out->services, &out->n_services, &h);
		}
	}
	for (unsigned i = 0; i < m->n_missions; i++) {
		const struct thing *t = &m->missions[i];
		const struct need_ref *via;
		unsigned loss = loss_of(l, t, &via);

		if (loss > 0) {
			h = (struct mission_hit){
				t->name,
				t->owner,
				t->criticality,
				loss,
				(loss * t->criticality + 99) / 100,
				{ NULL },
				0
			};
			put_path(l, t, via, &h);
			keep(out->missions, &out->n_missions, &h);
		}
	}
}

enum err
mission_impact(const struct mission_map *m,
	       const struct mission_asset *const *touched, size_t n,
	       struct mission_impact *out)
{
	struct losses l = { m, NULL, NULL, NULL };
	enum err e = ERR_NOMEM;

	out->n_missions = out->n_services = 0;
	/* A map that links nothing has no order either. */
	if (n == 0 || m->order == NULL) {
		return ERR_OK;
	}
	l.touched = calloc(m->n_assets + 1u, sizeof(*l.touched));
	l.loss = calloc(m->n_services + 1u, sizeof(*l.loss));
	l.via = calloc(m->n_services + 1u, sizeof(struct need_ref *));
	if (l.touched != NULL && l.loss != NULL && l.via != NULL) {
		for (size_t i = 0; i < n; i++) {
			const struct asset *a =
				(const struct asset *)((const char *)
							       touched[i] -
						       offsetof(struct asset,
								view));

			l.touched[a - m->assets] = true;
		}
		weigh(&l, out);
		e = ERR_OK;
	}
	free(l.touched);
	free(l.loss);
	free(l.via);
	return e;
}
