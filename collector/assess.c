/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/assess.h"

#include <stdio.h>
#include <stdlib.h>

struct place {
	char site[SIGHTING_NAME_CAP], owner[SIGHTING_NAME_CAP];
	uint64_t first_us, last_us, count;
};

/* Everything gathered on the way; the arrays are sorted before use. */
struct gather {
	const struct mission_map *map;
	const struct run **members, **hosts;
	size_t n_members, n_hosts, cap_hosts;
	int64_t *alerts;
	size_t n_alerts, cap_alerts;
	struct place places[ASSESS_MAX_SITES];
	unsigned n_places, n_sites;
	struct stage_times stages;
	unsigned severity, confidence, criticality;
};

void
assess_init(struct assessment *a)
{
	*a = (struct assessment){ 0 };
	json_init(&a->summary);
}

void
assess_fini(struct assessment *a)
{
	json_fini(&a->summary);
}

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
	const struct place *a = x, *b = y;
	int c = strcmp(a->site, b->site);

	return c != 0 ? c : strcmp(a->owner, b->owner);
}

static void
add_place(struct gather *g, const struct run_site *s)
{
	struct place *p;

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
add_host(struct gather *g, const struct run *r)
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
add_alert(struct gather *g, int64_t id)
{
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

static enum err
gather_runs(struct gather *g, const struct incident *i)
{
	g->members = malloc(MAX(i->n_members, 1u) * sizeof(struct run *));
	if (g->members == NULL) {
		return ERR_NOMEM;
	}
	for (const struct run *r = i->members; r != NULL; r = r->next_member) {
		bool ok = r->kind != KEY_HOST || add_host(g, r);

		g->members[g->n_members++] = r;
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
	g->n_members = unique_runs(g->members, g->n_members);
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
static const struct mission_asset *
asset_of(const struct mission_map *m, const struct run *host,
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

static struct severity_stake *
stake_of(struct assessment *out, const char *owner)
{
	struct severity_stake *s;

	if (owner[0] == '\0') {
		return NULL;
	}
	for (unsigned i = 0; i < out->n_owners; i++) {
		if (strcmp(out->stakes[i].owner, owner) == 0) {
			return &out->stakes[i];
		}
	}
	if (out->n_owners == SEVERITY_MAX_OWNERS) {
		return NULL;
	}
	s = &out->stakes[out->n_owners++];
	*s = (struct severity_stake){ 0 };
	snprintf(s->owner, sizeof(s->owner), "%s", owner);
	return s;
}

/* Who stands to lose what. */
static void
weigh(struct gather *g, struct assessment *out)
{
	out->n_owners = 0;
	for (unsigned i = 0; i < g->n_places; i++) {
		struct severity_stake *s = stake_of(out, g->places[i].owner);

		if (s != NULL) {
			s->n_sites++;
			s->count += g->places[i].count;
		}
	}
	for (size_t i = 0; i < g->n_hosts; i++) {
		const struct run *h = g->hosts[i];
		char site[SIGHTING_NAME_CAP];
		const char *address, *owner;
		const struct mission_asset *a =
			asset_of(g->map, h, site, &address);
		struct severity_stake *s;

		if (a == NULL) {
			continue;
		}
		owner = h->sites != NULL ? h->sites->owner : "";
		if (owner[0] == '\0' && a->n_owners > 0) {
			owner = a->owners[0];
		}
		g->criticality = MAX(g->criticality, a->criticality);
		s = stake_of(out, owner);
		if (s != NULL) {
			s->criticality = MAX(s->criticality, a->criticality);
		}
	}
	severity_order_stakes(out->stakes, out->n_owners);
}

static void
score(struct gather *g, struct assessment *out)
{
	uint32_t mask = stage_mask(&g->stages);
	struct severity_input in = {
		.criticality = g->criticality,
		.n_stages = (unsigned)__builtin_popcount(mask),
		.furthest_stage =
			mask != 0 ? 31u - (unsigned)__builtin_clz(mask) : 0,
		.n_sites = g->n_sites,
		.n_owners = out->n_owners,
		.severity = g->severity,
		.confidence = g->confidence,
	};
	size_t len = 0;

	out->score = severity_score(&in, &out->factors);
	out->level = severity_level(out->score);
	out->n_sites = g->n_sites;
	out->lead[0] = out->support[0] = '\0';
	if (out->n_owners > 0) {
		memcpy(out->lead, out->stakes[0].owner, sizeof(out->lead));
	}
	for (unsigned i = 1;
	     i < out->n_owners && len < sizeof(out->support) - 1; i++) {
		len += (size_t)snprintf(out->support + len,
					sizeof(out->support) - len, "%s%s",
					i > 1 ? "," : "", out->stakes[i].owner);
	}
}

/* No kind counts an alert twice, so the highest is the least there were. */
static void
measure(const struct gather *g, struct assessment *out)
{
	uint64_t by_kind[KEY_KINDS] = { 0 };

	out->first_us = UINT64_MAX;
	out->last_us = 0;
	out->alerts = 0;
	for (size_t i = 0; i < g->n_members; i++) {
		const struct run *r = g->members[i];

		for (const struct run_site *s = r->sites; s != NULL;
		     s = s->next) {
			by_kind[r->kind] += s->strong;
		}
		out->first_us = MIN(out->first_us, r->first_us);
		out->last_us = MAX(out->last_us, r->last_us);
	}
	for (unsigned k = 0; k < KEY_KINDS; k++) {
		out->alerts = MAX(out->alerts, by_kind[k]);
	}
}

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
face(const struct gather *g)
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

static void
write_title(const struct gather *g, struct assessment *out)
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
put_places(struct json *j, const struct gather *g, const struct assessment *out)
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
put_actors(struct json *j, const struct gather *g)
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
put_victims(struct json *j, const struct gather *g)
{
	struct names services = { .n = 0 }, missions = { .n = 0 };

	json_arr(j, "victims");
	for (size_t i = 0; i < g->n_hosts; i++) {
		char site[SIGHTING_NAME_CAP];
		const char *address;
		const struct mission_asset *a =
			asset_of(g->map, g->hosts[i], site, &address);

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
put_stages(struct json *j, const struct gather *g)
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

static void
write_summary(const struct gather *g, struct assessment *out)
{
	struct json *j = &out->summary;
	size_t n_actors = 0;

	json_reset(j);
	json_obj(j, NULL);
	put_places(j, g, out);
	put_actors(j, g);
	put_victims(j, g);
	put_stages(j, g);
	json_obj(j, "factors");
	json_u64(j, "mission", out->factors.mission);
	json_u64(j, "stage", out->factors.stage);
	json_u64(j, "spread", out->factors.spread);
	json_u64(j, "alert", out->factors.alert);
	json_u64(j, "indicator", out->factors.indicator);
	json_obj_end(j);
	for (size_t i = 0; i < g->n_members; i++) {
		n_actors += g->members[i]->kind < KEY_CONDUCTS;
	}
	json_u64(j, "alerts", out->alerts);
	json_u64(j, "n_actors", n_actors);
	json_u64(j, "n_victims", g->n_hosts);
	json_arr(j, "evidence");
	for (size_t i = 0; i < g->n_alerts && i < ASSESS_MAX_LIST; i++) {
		json_i64(j, NULL, g->alerts[i]);
	}
	json_arr_end(j);
	json_obj_end(j);
}

enum err
assess_incident(const struct incident *i, const struct mission_map *m,
		struct assessment *out)
{
	struct gather *g = calloc(1, sizeof(*g));
	enum err e;

	if (g == NULL) {
		return ERR_NOMEM;
	}
	g->map = m;
	g->severity = 4;
	e = gather_runs(g, i);
	if (e == ERR_OK) {
		memcpy(out->exercise, g->members[0]->exercise,
		       sizeof(out->exercise));
		weigh(g, out);
		score(g, out);
		measure(g, out);
		write_title(g, out);
		write_summary(g, out);
		e = out->summary.failed ? ERR_NOMEM : ERR_OK;
	}
	free(g->members);
	free(g->hosts);
	free(g->alerts);
	free(g);
	return e;
}
