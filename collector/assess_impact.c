/* SPDX-License-Identifier: Apache-2.0 */
/* What an incident costs services and missions, with the way it takes; and what
 * it may have in common with others. */
#include "collector/assess_facts.h"

#include <stdlib.h>

#include "collector/mission_impact.h"

static void
put_hits(struct json *j, const char *key, const char *name,
	 const struct mission_hit *hits, unsigned n)
{
	json_arr(j, key);
	for (unsigned i = 0; i < MIN(n, (unsigned)MISSION_MAX_HITS); i++) {
		const struct mission_hit *h = &hits[i];

		json_obj(j, NULL);
		json_cstr(j, name, h->name);
		if (h->owner[0] != '\0') {
			json_cstr(j, "owner", h->owner);
		}
		json_u64(j, "criticality", h->criticality);
		json_u64(j, "loss", h->loss);
		json_cstr(j, "state", h->loss >= 100 ? "down" : "degraded");
		json_u64(j, "score", h->score);
		json_arr(j, "path");
		for (unsigned k = 0; k < h->n_path; k++) {
			json_cstr(j, NULL, h->path[k]);
		}
		json_arr_end(j);
		json_obj_end(j);
	}
	json_arr_end(j);
}

enum err
assess_impact(const struct assess_facts *g, struct json *j)
{
	const struct mission_asset **touched =
		malloc((g->n_hosts + 1) * sizeof(*touched));
	struct mission_impact *out = malloc(sizeof(*out));
	size_t n = 0;
	enum err e = ERR_NOMEM;

	for (size_t i = 0; i < g->n_hosts && touched != NULL; i++) {
		char site[SIGHTING_NAME_CAP];
		const char *address;
		const struct mission_asset *a =
			assess_asset(g->map, g->hosts[i], site, &address);

		if (a != NULL) {
			touched[n++] = a;
		}
	}
	if (touched != NULL && out != NULL) {
		e = mission_impact(g->map, touched, n, out);
	}
	if (e == ERR_OK) {
		json_obj(j, "impact");
		put_hits(j, "missions", "mission", out->missions,
			 out->n_missions);
		put_hits(j, "services", "service", out->services,
			 out->n_services);
		json_u64(j, "n_missions", out->n_missions);
		json_u64(j, "n_services", out->n_services);
		json_obj_end(j);
	}
	free(touched);
	free(out);
	return e;
}

static void
put_key(struct json *j, char kind, const char *a, const char *b)
{
	json_append(j, view_of(&kind, 1));
	json_append(j, view_cstr(a));
	if (b != NULL) {
		json_append(j, VIEW_LIT(" "));
		json_append(j, view_cstr(b));
	}
	json_append(j, view_of("", 1));
}

void
assess_keys(const struct assess_facts *g, struct assessment *out)
{
	struct json *j = &out->keys;
	size_t n = 0;

	json_reset(j);
	for (size_t i = 0; i < g->n_members && n < ASSESS_MAX_LIST; i++) {
		const struct run *r = g->members[i];

		if (r->kind < KEY_CONDUCTS) {
			n++;
			put_key(j, 'k', key_kind_name(r->kind), r->key);
		}
	}
	for (size_t i = 0; i < g->n_hosts && i < ASSESS_MAX_LIST; i++) {
		char site[SIGHTING_NAME_CAP];
		const char *address;
		const struct mission_asset *a =
			assess_asset(g->map, g->hosts[i], site, &address);

		for (unsigned k = 0; a != NULL && k < a->n_missions; k++) {
			put_key(j, 'm', a->missions[k], NULL);
		}
	}
	for (unsigned i = 0; i < g->n_places; i++) {
		put_key(j, 's', g->places[i].site, NULL);
	}
	for (unsigned i = 0; i < out->n_owners; i++) {
		put_key(j, 'o', out->stakes[i].owner, NULL);
	}
}
