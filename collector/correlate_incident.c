/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents: which runs qualify, and which belong together. */
#include "collector/correlate_state.h"

#include <stdlib.h>

static bool
conducts(const struct run *r)
{
	return r->kind < KEY_CONDUCTS;
}

bool
correlate_ties(const struct run *a, const struct run *b)
{
	if (a->kind > KEY_HOST || b->kind > KEY_HOST || a->muted || b->muted) {
		return false;
	}
	return (a->qualified && (b->qualified || conducts(b))) ||
	       (b->qualified && conducts(a));
}

bool
correlate_link_ties(const struct run *a, const struct run_link *l)
{
	const struct run *b = l->other;

	return correlate_ties(a, b) &&
	       (!l->told || !a->doubted || !b->doubted ||
		correlate_vouched_link(a, b));
}

static bool
note_merged(struct correlate *c, int64_t from, int64_t into)
{
	if (c->n_merged == c->cap_merged) {
		size_t cap = MAX(c->cap_merged * 2, (size_t)16);
		struct incident_pair *p = realloc(c->merged, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		c->merged = p;
		c->cap_merged = cap;
	}
	c->merged[c->n_merged++] = (struct incident_pair){ from, into };
	return true;
}

struct incident *
correlate_incident_new(struct correlate *c, struct run *r)
{
	struct incident *i = calloc(1, sizeof(*i));

	if (i == NULL) {
		return NULL;
	}
	i->members = r;
	i->n_members = 1;
	i->dirty = !c->loading;
	i->next = c->incidents;
	if (i->next != NULL) {
		i->next->prev = i;
	}
	c->incidents = i;
	c->n_incidents++;
	r->incident = i;
	r->next_member = NULL;
	correlate_mark_dirty(c, r);
	return i;
}

static void
incident_drop(struct correlate *c, struct incident *i)
{
	if (i->prev != NULL) {
		i->prev->next = i->next;
	} else {
		c->incidents = i->next;
	}
	if (i->next != NULL) {
		i->next->prev = i->prev;
	}
	c->n_incidents--;
	correlate_forget_apart(i);
	free(i->apart);
	free(i);
}

enum err
correlate_join(struct correlate *c, struct run *a, struct run *b)
{
	struct incident *x, *y;
	struct run *last = NULL;

	if (a->incident == NULL && correlate_incident_new(c, a) == NULL) {
		return ERR_NOMEM;
	}
	if (b->incident == NULL && correlate_incident_new(c, b) == NULL) {
		return ERR_NOMEM;
	}
	x = a->incident;
	y = b->incident;
	if (x == y || correlate_is_apart(x, y)) {
		return ERR_OK;
	}
	if (x->n_members < y->n_members) {
		struct incident *swap = x;

		x = y;
		y = swap;
	}
	for (struct run *r = y->members; r != NULL; r = r->next_member) {
		r->incident = x;
		correlate_mark_dirty(c, r);
		last = r;
	}
	last->next_member = x->members;
	x->members = y->members;
	x->n_members += y->n_members;
	x->dirty = x->dirty || !c->loading;
	if (x->id == 0 || (y->id != 0 && y->id < x->id)) {
		int64_t swap = x->id;

		x->id = y->id;
		y->id = swap;
	}
	x->trimmed = x->trimmed || y->trimmed;
	x->lessened = x->lessened || y->lessened;
	x->split_from = x->id == 0 ? x->split_from : 0;
	if (y->id != 0 && y->id != x->id && !note_merged(c, y->id, x->id)) {
		return ERR_NOMEM;
	}
	for (unsigned i = 0; i < y->n_apart; i++) {
		if (correlate_hold_apart(x, y->apart[i]) != ERR_OK) {
			return ERR_NOMEM;
		}
	}
	incident_drop(c, y);
	return ERR_OK;
}

void
correlate_move(struct correlate *c, struct run *r, struct incident *to)
{
	correlate_leave(c, r);
	r->incident = to;
	r->next_member = to->members;
	to->members = r;
	to->n_members++;
	to->dirty = true;
	correlate_mark_dirty(c, r);
}

void
correlate_leave(struct correlate *c, struct run *r)
{
	struct incident *i = r->incident;
	struct run **p;

	if (i == NULL) {
		return;
	}
	for (p = &i->members; *p != r; p = &(*p)->next_member) {
	}
	*p = r->next_member;
	r->incident = NULL;
	if (--i->n_members == 0) {
		incident_drop(c, i);
	}
}

static int
age_cmp(const void *x, const void *y)
{
	const struct run *a = *(struct run *const *)x;
	const struct run *b = *(struct run *const *)y;

	return a->id < b->id ? -1 : a->id > b->id;
}

enum err
correlate_join_links(struct correlate *c, struct run *r)
{
	struct run **tied = NULL;
	unsigned n = 0;
	enum err e = ERR_OK;

	if (r->n_links == 0) {
		return ERR_OK;
	}
	tied = malloc(r->n_links * sizeof(struct run *));
	if (tied == NULL) {
		return ERR_NOMEM;
	}
	for (struct run_link *l = r->links; l != NULL; l = l->next) {
		if (correlate_link_ties(r, l)) {
			tied[n++] = l->other;
		}
	}
	qsort(tied, n, sizeof(struct run *), age_cmp);
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = correlate_join(c, r, tied[i]);
	}
	free(tied);
	return e;
}

static bool
counts(const struct run *r, const struct run_site *s, unsigned *steps)
{
	return s->strong != 0 &&
	       (!r->doubted || correlate_vouched(r, s, steps));
}

/* Whether a sensor of ours saw it in a strong alert that counts: what partners
 * alone tell begins nothing here, or each could make as many incidents as it
 * likes. */
static bool
is_ours(const struct run *r)
{
	unsigned steps = CORRELATE_DOUBT_STEPS;

	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		if (!sighting_is_told(s->site, s->owner) &&
		    counts(r, s, &steps)) {
			return true;
		}
	}
	return false;
}

/* Seen at enough sites, or by enough owners. */
static bool
is_shared(const struct correlate *c, const struct run *r)
{
	unsigned n_sites = 0, n_owners = 0, steps = CORRELATE_DOUBT_STEPS;

	if (!is_ours(r)) {
		return false;
	}
	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		bool site_new = counts(r, s, &steps), owner_new = site_new;

		if (s->owner[0] == '\0') {
			owner_new = false;
		}
		for (const struct run_site *t = r->sites; t != s; t = t->next) {
			if ((site_new || owner_new) && counts(r, t, &steps)) {
				site_new = site_new &&
					   strcmp(t->site, s->site) != 0;
				owner_new = owner_new &&
					    strcmp(t->owner, s->owner) != 0;
			}
		}
		n_sites += site_new;
		n_owners += owner_new;
		if (n_sites >= c->cfg.min_sites ||
		    n_owners >= c->cfg.min_owners) {
			return true;
		}
	}
	return false;
}

static bool
in_steps(const struct correlate *c, const struct run *r)
{
	struct stage_times t;

	if (r->stages == NULL || !r->doubted) {
		return r->stages != NULL &&
		       stage_progress(r->stages, c->cfg.slack_us) >=
			       c->cfg.min_stages;
	}
	correlate_vouched_stages(r, &t);
	return stage_progress(&t, c->cfg.slack_us) >= c->cfg.min_stages;
}

enum correlate_rule
correlate_rule_of(const struct correlate *c, const struct run *r)
{
	if (r->muted) {
		return CORRELATE_RULES;
	}
	if (c->cfg.flood && r->flooded &&
	    (!r->doubted || correlate_vouched_flood(c, r))) {
		return RULE_FLOOD;
	}
	if (r->kind > KEY_HOST) {
		return CORRELATE_RULES;
	}
	if (c->cfg.stages && in_steps(c, r)) {
		return RULE_STAGES;
	}
	return c->cfg.shared && conducts(r) && is_shared(c, r)
		       ? RULE_SHARED
		       : CORRELATE_RULES;
}

enum err
correlate_qualify(struct correlate *c, struct run *r, bool *did)
{
	enum correlate_rule rule = CORRELATE_RULES;

	if (!c->loading && !r->qualified) {
		rule = correlate_rule_of(c, r);
	}
	*did = rule != CORRELATE_RULES;
	if (!*did) {
		return ERR_OK;
	}
	r->qualified = true;
	if (r->incident == NULL) {
		if (correlate_incident_new(c, r) == NULL) {
			return ERR_NOMEM;
		}
		c->opened[rule]++;
	}
	return ERR_OK;
}

enum err
correlate_requalify(struct correlate *c, struct run *r)
{
	bool did;
	enum err e = correlate_qualify(c, r, &did);

	if (e != ERR_OK || !did) {
		return e;
	}
	e = correlate_join_links(c, r);
	r->incident->dirty = true;
	return e;
}
