/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/assess.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/assess_facts.h"

void
assess_init(struct assessment *a)
{
	*a = (struct assessment){ 0 };
	json_init(&a->summary);
	json_init(&a->keys);
}

void
assess_fini(struct assessment *a)
{
	json_fini(&a->summary);
	json_fini(&a->keys);
}

static struct severity_stake *
stake_of(struct assess_facts *g, const char *owner)
{
	struct severity_stake *s;

	if (owner[0] == '\0') {
		return NULL;
	}
	for (unsigned i = 0; i < g->n_stakes; i++) {
		if (strcmp(g->stakes[i].owner, owner) == 0) {
			return &g->stakes[i];
		}
	}
	if (g->n_stakes == ASSESS_MAX_STAKES) {
		return NULL;
	}
	s = &g->stakes[g->n_stakes++];
	*s = (struct severity_stake){ 0 };
	snprintf(s->owner, sizeof(s->owner), "%s", owner);
	return s;
}

/* Whose it was before, the worth of what the lead had at stake as far as the
 * factor tells it. */
static void
weigh_before(struct assess_facts *g, const struct assess_before *b)
{
	struct severity_stake *s = stake_of(g, b->lead);
	char names[sizeof(b->support)], *save = NULL;

	if (s != NULL) {
		s->criticality =
			MAX(s->criticality, severity_criticality(&b->factors));
	}
	memcpy(names, b->support, sizeof(names));
	for (char *n = strtok_r(names, ",", &save); n != NULL;
	     n = strtok_r(NULL, ",", &save)) {
		(void)stake_of(g, n);
	}
}

/* Who stands to lose what.  All are weighed before the list is cut, so that
 * nobody leads because others were found first. */
static void
weigh(struct assess_facts *g, struct assessment *out)
{
	for (unsigned i = 0; i < g->n_places; i++) {
		struct severity_stake *s = stake_of(g, g->places[i].owner);

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
			assess_asset(g->map, h, site, &address);
		struct severity_stake *s;

		if (a == NULL) {
			continue;
		}
		owner = h->sites != NULL ? h->sites->owner : "";
		if (owner[0] == '\0' && a->n_owners > 0) {
			owner = a->owners[0];
		}
		g->criticality = MAX(g->criticality, a->criticality);
		s = stake_of(g, owner);
		if (s != NULL) {
			s->criticality = MAX(s->criticality, a->criticality);
		}
	}
	weigh_before(g, &out->before);
	severity_order_stakes(g->stakes, g->n_stakes);
	out->n_owners = MIN(g->n_stakes, (unsigned)SEVERITY_MAX_OWNERS);
	memcpy(out->stakes, g->stakes,
	       out->n_owners * sizeof(struct severity_stake));
}

/* Sensors that went blind where it was seen.  An exercise's own alerts say
 * nothing of why a real sensor did. */
static void
hear(const struct assess_facts *g, const struct silences *near,
     struct assessment *out)
{
	for (unsigned i = 0;
	     near != NULL && out->exercise[0] == '\0' && i < g->n_places; i++) {
		const struct assess_place *p = &g->places[i];

		silences_near(near, SILENCES, p->site, p->first_us, p->last_us,
			      &out->silences);
	}
}

static void
score(struct assess_facts *g, struct assessment *out)
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
		.n_silent = silence_sensors(&out->silences),
	};
	size_t len = 0;

	(void)severity_score(&in, &out->factors);
	out->score = severity_at_least(&out->factors, &out->before.factors);
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
measure(const struct assess_facts *g, struct assessment *out)
{
	uint64_t by_kind[KEY_KINDS] = { 0 }, events[KEY_KINDS] = { 0 };

	out->first_us = UINT64_MAX;
	out->last_us = 0;
	out->alerts = out->events = 0;
	for (size_t i = 0; i < g->n_members; i++) {
		const struct run *r = g->members[i];

		for (const struct run_site *s = r->sites; s != NULL;
		     s = s->next) {
			by_kind[r->kind] += s->strong;
			events[r->kind] += s->events;
		}
		out->first_us = MIN(out->first_us, r->first_us);
		out->last_us = MAX(out->last_us, r->last_us);
	}
	for (unsigned k = 0; k < KEY_KINDS; k++) {
		out->alerts = MAX(out->alerts, by_kind[k]);
		out->events = MAX(out->events, events[k]);
	}
}

/*
 * All that went in: what was seen, where, and whom it touches.  Of a host that
 * is linked and no member only its place went in, not what else befell it.
 */
static void
join_marks(const struct assess_facts *g, struct assessment *out)
{
	out->mark = MARKING_CLEAR;
	for (size_t i = 0; i < g->n_members; i++) {
		const struct marking *m = g->members[i]->mark;

		marking_join(&out->mark, m != NULL ? m : &mark_nobody);
	}
	for (size_t i = 0; i < g->n_hosts; i++) {
		char site[SIGHTING_NAME_CAP];
		const char *address;
		const struct mission_asset *a =
			assess_asset(g->map, g->hosts[i], site, &address);
		struct addr addr;

		mission_join_site(g->map, site, &out->mark);
		if (addr_parse(view_cstr(address), &addr)) {
			mission_join_addr(g->map, site, &addr, &out->mark);
		}
		if (a != NULL) {
			mission_join_dependents(g->map, a, &out->mark);
		}
	}
}

enum err
assess_incident(const struct incident *i, const struct mission_map *m,
		const struct silences *near, struct assessment *out)
{
	struct assess_facts *g = calloc(1, sizeof(*g));
	enum err e;

	if (g == NULL) {
		return ERR_NOMEM;
	}
	g->map = m;
	g->severity = 4;
	e = assess_gather(g, i);
	if (e == ERR_OK) {
		memcpy(out->exercise, g->members[0]->exercise,
		       sizeof(out->exercise));
		weigh(g, out);
		hear(g, near, out);
		score(g, out);
		measure(g, out);
		join_marks(g, out);
		assess_title(g, out);
		e = assess_summary(g, out);
		assess_keys(g, out);
		e = out->keys.failed ? ERR_NOMEM : e;
	}
	free(g->members);
	free(g->hosts);
	free(g->alerts);
	free(g);
	return e;
}
