/* SPDX-License-Identifier: Apache-2.0 */
/* What depends on what: missions on services, services on assets. */
#include "collector/mission_yaml.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64

static void
append(const char **list, unsigned *n, const char *name)
{
	for (unsigned i = 0; i < *n; i++) {
		if (strcmp(list[i], name) == 0) {
			return;
		}
	}
	if (*n < MISSION_MAX_NAMES && name[0] != '\0') {
		list[(*n)++] = name;
	}
}

/*
 * 'from' needs the assets of this name: they are told so, and become as
 * critical as it and as 'mission' (NULL: none), which needs 'from'.
 */
static bool
name_assets(struct mission_map *m, const struct thing *mission,
	    const struct thing *from, const char *need)
{
	unsigned crit = from->criticality;
	bool known = false;

	if (mission != NULL) {
		crit = MAX(crit, mission->criticality);
	}
	for (unsigned j = 0; j < m->n_assets; j++) {
		struct mission_asset *a = &m->assets[j].view;

		if (strcmp(m->assets[j].name, need) != 0) {
			continue;
		}
		known = true;
		append(a->services, &a->n_services, from->name);
		mission_depend(&m->assets[j], from);
		if (mission != NULL) {
			append(a->missions, &a->n_missions, mission->name);
			mission_depend(&m->assets[j], mission);
			append(a->owners, &a->n_owners, mission->owner);
		}
		a->criticality = MAX(a->criticality, crit);
	}
	return known;
}

/*
 * Marks every service that mission 'm' needs, and the assets below them.  A
 * service is walked once a mission, so a ring of services ends.  Depth is
 * bounded too: the file is ours, the stack is not endless.
 */
static void
walk(struct mission_reader *r, const struct thing *mission,
     const struct thing *from, unsigned depth)
{
	struct mission_map *m = r->map;

	if (depth > MAX_DEPTH) {
		r->y->err =
			diag_set(r->y->d, ERR_LIMIT,
				 "%s:%d: services depend on each other more "
				 "than %d deep",
				 r->y->name, from->line, MAX_DEPTH);
	}
	for (unsigned i = 0; i < from->n_needs && r->y->err == ERR_OK; i++) {
		const char *need = from->needs[i];
		bool known = false;

		for (unsigned j = 0; j < m->n_services; j++) {
			struct thing *s = &m->services[j];

			if (strcmp(s->name, need) != 0) {
				continue;
			}
			known = true;
			if (!s->visited) {
				s->visited = true;
				walk(r, mission, s, depth + 1);
			}
		}
		/* A mission needs services, not assets. */
		if (from != mission) {
			known |= name_assets(m, mission, from, need);
		}
		if (!known) {
			r->y->err = diag_set(
				r->y->d, ERR_FORMAT,
				"%s:%d: '%s' depends on '%s', which "
				"is neither a service nor an asset",
				r->y->name, from->line, from->name, need);
		}
	}
}

void
mission_resolve(struct mission_reader *r)
{
	struct mission_map *m = r->map;

	for (unsigned i = 0; i < m->n_assets; i++) {
		m->assets[i].view.name = m->assets[i].name;
		m->assets[i].view.site = m->assets[i].site;
	}
	for (unsigned i = 0; i < m->n_missions && r->y->err == ERR_OK; i++) {
		for (unsigned j = 0; j < m->n_services; j++) {
			m->services[j].visited = false;
		}
		walk(r, &m->missions[i], &m->missions[i], 0);
	}
	/* Services that no mission needs still name their assets. */
	for (unsigned j = 0; j < m->n_services; j++) {
		m->services[j].visited = false;
	}
	for (unsigned j = 0; j < m->n_services && r->y->err == ERR_OK; j++) {
		if (!m->services[j].visited) {
			m->services[j].visited = true;
			walk(r, NULL, &m->services[j], 0);
		}
	}
}

/* --- of a map that is whole --- */

/* What one mission stands on; the map itself is other threads' too. */
struct reach {
	const struct mission_map *m;
	bool *service, *asset; /* those that it needs */
};

static void
reach(struct reach *r, const struct thing *from, unsigned depth)
{
	for (unsigned i = 0; i < from->n_needs && depth <= MAX_DEPTH; i++) {
		for (unsigned j = 0; j < r->m->n_services; j++) {
			const struct thing *s = &r->m->services[j];

			if (!r->service[j] &&
			    strcmp(s->name, from->needs[i]) == 0) {
				r->service[j] = true;
				reach(r, s, depth + 1);
			}
		}
		/* A mission is made of services; depth 0 is the mission. */
		for (unsigned j = 0; j < r->m->n_assets && depth > 0; j++) {
			r->asset[j] |= strcmp(r->m->assets[j].name,
					      from->needs[i]) == 0;
		}
	}
}

bool
mission_each_need(const struct mission_map *m,
		  void (*fn)(void *arg, const char *mission, const char *owner,
			     unsigned criticality, const char *asset),
		  void *arg)
{
	struct reach r = { m, calloc(m->n_services + 1U, sizeof(bool)),
			   calloc(m->n_assets + 1U, sizeof(bool)) };
	bool made = r.service != NULL && r.asset != NULL;

	for (unsigned i = 0; i < m->n_missions && made; i++) {
		const struct thing *t = &m->missions[i];
		const char *owner = t->owner != NULL ? t->owner : "";
		bool any = false;

		memset(r.service, 0, m->n_services * sizeof(bool));
		memset(r.asset, 0, m->n_assets * sizeof(bool));
		reach(&r, t, 0);
		for (unsigned j = 0; j < m->n_assets; j++) {
			if (r.asset[j]) {
				any = true;
				fn(arg, t->name, owner, t->criticality,
				   m->assets[j].name);
			}
		}
		if (!any) {
			fn(arg, t->name, owner, t->criticality, "");
		}
	}
	free(r.service);
	free(r.asset);
	return made;
}
