/* SPDX-License-Identifier: Apache-2.0 */
/* What the runs of an incident show, sorted. */
#include "collector/assess_facts.h"

#include <stdlib.h>

static int
run_cmp(const void *x, const void *y)
{
	const struct run *a = *(const struct run *const *)x;
	const struct run *b = *(const struct run *const *)y;
	int c;

	if (a->kind != b->kind) {
		return a->kind < b->kind ? -1 : 1;
	}
	c = strcmp(a->key, b->key);
	if (c == 0) {
		c = a->first_us < b->first_us ? -1 : a->first_us > b->first_us;
	}
	return c;
}

static int
id_cmp(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

static int
place_cmp(const void *x, const void *y)
{
	const struct assess_place *a = x, *b = y;
	int c = strcmp(a->site, b->site);

	return c != 0 ? c : strcmp(a->owner, b->owner);
}

static void
add_place(struct assess_facts *g, const struct run_site *s)
{
	struct assess_place *p;

	for (unsigned i = 0; i < g->n_places; i++) {
		p = &g->places[i];
		if (strcmp(p->site, s->site) == 0 &&
		    strcmp(p->owner, s->owner) == 0) {
			p->first_us = MIN(p->first_us, s->first_us);
			p->last_us = MAX(p->last_us, s->last_us);
			p->count += s->count;
			return;
		}
	}
	if (g->n_places == ASSESS_MAX_SITES) {
		return;
	}
	p = &g->places[g->n_places++];
	memcpy(p->site, s->site, sizeof(p->site));
	memcpy(p->owner, s->owner, sizeof(p->owner));
	p->first_us = s->first_us;
	p->last_us = s->last_us;
	p->count = s->count;
}

static bool
add_host(struct assess_facts *g, const struct run *r)
{
	if (g->n_hosts == g->cap_hosts) {
		size_t cap = MAX(g->cap_hosts * 2, (size_t)64);
		const struct run **p =
			realloc(g->hosts, cap * sizeof(struct run *));

		if (p == NULL) {
			return false;
		}
		g->hosts = p;
		g->cap_hosts = cap;
	}
	g->hosts[g->n_hosts++] = r;
	return true;
}

static bool
add_alert(struct assess_facts *g, int64_t id)
{
	/* A finding showed both; it is in a table of its own. */
	if (id == 0) {
		return true;
	}
	if (g->n_alerts == g->cap_alerts) {
		size_t cap = MAX(g->cap_alerts * 2, (size_t)64);
		int64_t *p = realloc(g->alerts, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		g->alerts = p;
		g->cap_alerts = cap;
	}
	g->alerts[g->n_alerts++] = id;
	return true;
}

/* Sorts and drops repeats; returns how many are left. */
static size_t
unique_runs(const struct run **r, size_t n)
{
	size_t out = 0;

	if (n > 1) {
		qsort(r, n, sizeof(*r), run_cmp);
	}
	for (size_t i = 0; i < n; i++) {
		if (out == 0 || r[out - 1] != r[i]) {
			r[out++] = r[i];
		}
	}
	return out;
}

static size_t
unique_ids(int64_t *id, size_t n)
{
	size_t out = 0;

	if (n > 1) {
		qsort(id, n, sizeof(*id), id_cmp);
	}
	for (size_t i = 0; i < n; i++) {
		if (out == 0 || id[out - 1] != id[i]) {
			id[out++] = id[i];
		}
	}
	return out;
}

enum err
assess_gather(struct assess_facts *g, const struct incident *i)
{
	g->members = malloc(MAX(i->n_members, 1u) * sizeof(struct run *));
	if (g->members == NULL) {
		return ERR_NOMEM;
	}
	for (const struct run *r = i->members; r != NULL; r = r->next_member) {
		g->members[g->n_members++] = r;
	}
	/* Of more places than there is room for, the same ones each time. */
	g->n_members = unique_runs(g->members, g->n_members);
	for (size_t k = 0; k < g->n_members; k++) {
		const struct run *r = g->members[k];
		bool ok = r->kind != KEY_HOST || add_host(g, r);

		g->severity = MIN(g->severity, (unsigned)r->severity);
		g->confidence = MAX(g->confidence, (unsigned)r->confidence);
		if (r->stages != NULL) {
			stage_merge(&g->stages, r->stages);
		}
		for (const struct run_site *s = r->sites; s != NULL;
		     s = s->next) {
			if (s->strong != 0) {
				add_place(g, s);
			}
		}
		for (const struct run_link *l = r->links; l != NULL && ok;
		     l = l->next) {
			if (l->other->kind == KEY_HOST) {
				ok = add_host(g, l->other);
			}
			if (l->other->kind == KEY_HOST ||
			    l->other->incident == i) {
				ok = ok && add_alert(g, l->alert);
			}
		}
		if (!ok) {
			return ERR_NOMEM;
		}
	}
	g->n_hosts = unique_runs(g->hosts, g->n_hosts);
	g->n_alerts = unique_ids(g->alerts, g->n_alerts);
	qsort(g->places, g->n_places, sizeof(g->places[0]), place_cmp);
	for (unsigned k = 0; k < g->n_places; k++) {
		g->n_sites += k == 0 || strcmp(g->places[k].site,
					       g->places[k - 1].site) != 0;
	}
	return ERR_OK;
}

/* The asset behind a host run, "SITE ADDRESS". */
const struct mission_asset *
assess_asset(const struct mission_map *m, const struct run *host,
	     char site[SIGHTING_NAME_CAP], const char **address)
{
	const char *blank = strrchr(host->key, ' ');
	size_t n = blank != NULL ? (size_t)(blank - host->key) : 0;
	struct addr a;

	*address = blank != NULL ? blank + 1 : host->key;
	n = MIN(n, (size_t)SIGHTING_NAME_CAP - 1);
	memcpy(site, host->key, n);
	site[n] = '\0';
	if (!addr_parse(view_cstr(*address), &a)) {
		return NULL;
	}
	return mission_asset(m, site, &a);
}
