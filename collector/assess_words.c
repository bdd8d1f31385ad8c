/* SPDX-License-Identifier: Apache-2.0 */
/* An incident in words: its title, and its summary as JSON. */
#include "collector/assess_facts.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t
count_of(const struct run *r)
{
	uint64_t n = 0;

	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		n += s->count;
	}
	return n;
}

/* The run that names the incident best: an indicator, else the busiest. */
static const struct run *
face(const struct assess_facts *g)
{
	const struct run *best = NULL;

	for (size_t i = 0; i < g->n_members; i++) {
		const struct run *r = g->members[i];
		int rank = r->kind == KEY_INDICATOR ? 2
			   : r->kind < KEY_CONDUCTS ? 1
						    : 0;
		int best_rank = best == NULL                  ? -1
				: best->kind == KEY_INDICATOR ? 2
				: best->kind < KEY_CONDUCTS   ? 1
							      : 0;

		if (rank > best_rank ||
		    (rank == best_rank && count_of(r) > count_of(best))) {
			best = r;
		}
	}
	return best;
}

void
assess_title(const struct assess_facts *g, struct assessment *out)
{
	uint32_t mask = stage_mask(&g->stages);
	const struct run *f = face(g);
	char sites[256] = "";
	size_t len = 0;
	unsigned shown = 0;

	for (unsigned i = 0; i < g->n_places && shown < 5 && len < 200; i++) {
		if (i > 0 &&
		    strcmp(g->places[i].site, g->places[i - 1].site) == 0) {
			continue;
		}
		len += (size_t)snprintf(sites + len, sizeof(sites) - len,
					"%s%s", shown > 0 ? ", " : "",
					g->places[i].site);
		shown++;
	}
	if (g->n_sites > shown && len < sizeof(sites)) {
		snprintf(sites + len, sizeof(sites) - len, " and %u more",
			 g->n_sites - shown);
	}
	len = (size_t)snprintf(out->title, sizeof(out->title),
			       "%s %.160s at %u site%s (%s)",
			       f != NULL ? key_kind_name(f->kind) : "activity",
			       f != NULL ? f->key : "", g->n_sites,
			       g->n_sites == 1 ? "" : "s", sites);
	if (mask != 0 && len < sizeof(out->title)) {
		unsigned lo = (unsigned)__builtin_ctz(mask);
		unsigned hi = 31u - (unsigned)__builtin_clz(mask);

		snprintf(out->title + len, sizeof(out->title) - len,
			 lo == hi ? ": %s" : ": %s to %s", stage_name(lo),
			 stage_name(hi));
	}
}

static void
put_places(struct json *j, const struct assess_facts *g,
	   const struct assessment *out)
{
	json_arr(j, "sites");
	for (unsigned i = 0; i < g->n_places; i++) {
		json_obj(j, NULL);
		json_cstr(j, "site", g->places[i].site);
		json_cstr(j, "owner", g->places[i].owner);
		json_cstr(j, "location",
			  mission_site_location(g->map, g->places[i].site));
		json_time(j, "first", g->places[i].first_us);
		json_time(j, "last", g->places[i].last_us);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_arr(j, "owners");
	for (unsigned i = 0; i < out->n_owners; i++) {
		json_cstr(j, NULL, out->stakes[i].owner);
	}
	json_arr_end(j);
}

static void
put_actors(struct json *j, const struct assess_facts *g)
{
	size_t n = 0;

	json_arr(j, "actors");
	for (size_t i = 0; i < g->n_members && n < ASSESS_MAX_LIST; i++) {
		const struct run *r = g->members[i];

		if (r->kind >= KEY_CONDUCTS) {
			continue;
		}
		n++;
		json_obj(j, NULL);
		json_cstr(j, "kind", key_kind_name(r->kind));
		json_cstr(j, "value", r->key);
		json_arr(j, "sites");
		for (const struct run_site *s = r->sites; s != NULL;
		     s = s->next) {
			json_cstr(j, NULL, s->site);
		}
		json_arr_end(j);
		json_u64(j, "count", count_of(r));
		json_time(j, "first", r->first_us);
		json_time(j, "last", r->last_us);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
put_list(struct json *j, const char *key, const char *const *names, unsigned n)
{
	json_arr(j, key);
	for (unsigned i = 0; i < n; i++) {
		json_cstr(j, NULL, names[i]);
	}
	json_arr_end(j);
}

struct names {
	const char *list[ASSESS_MAX_LIST];
	unsigned n;
};

static void
collect(struct names *into, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		while (k < into->n && strcmp(into->list[k], names[i]) != 0) {
			k++;
		}
		if (k == into->n && into->n < ASSESS_MAX_LIST) {
			into->list[into->n++] = names[i];
		}
	}
}

static int
text_cmp(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void
put_sorted(struct json *j, const char *key, struct names *names)
{
	if (names->n > 1) {
		qsort(names->list, names->n, sizeof(names->list[0]), text_cmp);
	}
	put_list(j, key, names->list, names->n);
}

static void
put_victims(struct json *j, const struct assess_facts *g)
{
	struct names services = { .n = 0 }, missions = { .n = 0 };

	json_arr(j, "victims");
	for (size_t i = 0; i < g->n_hosts; i++) {
		char site[SIGHTING_NAME_CAP];
		const char *address;
		const struct mission_asset *a =
			assess_asset(g->map, g->hosts[i], site, &address);

		if (a != NULL) {
			collect(&services, a->services, a->n_services);
			collect(&missions, a->missions, a->n_missions);
		}
		if (i >= ASSESS_MAX_LIST) {
			continue;
		}
		json_obj(j, NULL);
		json_cstr(j, "site", site);
		json_cstr(j, "address", address);
		if (a != NULL) {
			json_cstr(j, "asset", a->name);
			json_u64(j, "criticality", a->criticality);
			put_list(j, "services", a->services, a->n_services);
			put_list(j, "missions", a->missions, a->n_missions);
		}
		json_obj_end(j);
	}
	json_arr_end(j);
	put_sorted(j, "services", &services);
	put_sorted(j, "missions", &missions);
}

static void
put_stages(struct json *j, const struct assess_facts *g)
{
	json_arr(j, "stages");
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (g->stages.first[i] != 0) {
			json_obj(j, NULL);
			json_cstr(j, "stage", stage_name(i));
			json_time(j, "first", g->stages.first[i]);
			json_time(j, "last", g->stages.last[i]);
			json_obj_end(j);
		}
	}
	json_arr_end(j);
}

enum err
assess_summary(const struct assess_facts *g, struct assessment *out)
{
	struct json *j = &out->summary;
	size_t n_actors = 0;
	enum err e;

	json_reset(j);
	json_obj(j, NULL);
	put_places(j, g, out);
	put_actors(j, g);
	put_victims(j, g);
	e = assess_impact(g, j);
	put_stages(j, g);
	json_obj(j, "factors");
	json_u64(j, "mission", out->factors.mission);
	json_u64(j, "stage", out->factors.stage);
	json_u64(j, "spread", out->factors.spread);
	json_u64(j, "alert", out->factors.alert);
	json_u64(j, "indicator", out->factors.indicator);
	json_u64(j, "silence", out->factors.silence);
	json_obj_end(j);
	json_arr(j, "silences");
	for (unsigned i = 0; i < out->silences.n; i++) {
		const struct silence *s = &out->silences.s[i];

		json_obj(j, NULL);
		json_cstr(j, "site", s->site);
		json_cstr(j, "sensor", s->sensor);
		json_cstr(j, "cause", s->cause);
		json_time(j, "from", s->from_us);
		json_obj_end(j);
	}
	json_arr_end(j);
	for (size_t i = 0; i < g->n_members; i++) {
		n_actors += g->members[i]->kind < KEY_CONDUCTS;
	}
	json_u64(j, "alerts", out->alerts);
	json_u64(j, "events", out->events);
	json_u64(j, "n_actors", n_actors);
	json_u64(j, "n_victims", g->n_hosts);
	json_arr(j, "evidence");
	for (size_t i = 0; i < g->n_alerts && i < ASSESS_MAX_LIST; i++) {
		json_i64(j, NULL, g->alerts[i]);
	}
	json_arr_end(j);
	json_obj_end(j);
	return j->failed ? ERR_NOMEM : e;
}
