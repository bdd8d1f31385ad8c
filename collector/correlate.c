/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/correlate.h"

#include <assert.h>
#include <stdlib.h>

#include "collector/correlate_state.h"

const struct correlate_config correlate_defaults = {
	.window_us = UINT64_C(86400) * 1000000,
	.slack_us = UINT64_C(2) * 1000000,
	.shared = true,
	.stages = true,
	.flood = true,
	.min_sites = 2,
	.min_owners = 2,
	.min_stages = 3,
	.flood_seconds = 3600,
	.flood_alerts = 10000,
	.flood_rule_alerts = 100000,
	.silence = true,
	.silence_seconds = 900,
	.max_runs = 200000,
	.max_links = 400000,
};

struct correlate *
correlate_new(const struct correlate_config *cfg)
{
	struct correlate *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	c->cfg = *cfg;
	c->next_id = 1;
	c->n_buckets = 1024;
	while (c->n_buckets < cfg->max_runs) {
		c->n_buckets *= 2;
	}
	c->buckets = calloc(c->n_buckets, sizeof(*c->buckets));
	c->marks = mark_set_new();
	if (c->buckets == NULL || c->marks == NULL) {
		correlate_free(c);
		return NULL;
	}
	return c;
}

void
correlate_free(struct correlate *c)
{
	if (c == NULL) {
		return;
	}
	for (size_t i = 0; c->buckets != NULL && i < c->n_buckets; i++) {
		while (c->buckets[i] != NULL) {
			struct run *next = c->buckets[i]->next_hash;

			correlate_run_free(c->buckets[i]);
			c->buckets[i] = next;
		}
	}
	while (c->incidents != NULL) {
		struct incident *next = c->incidents->next;

		free(c->incidents->apart);
		free(c->incidents);
		c->incidents = next;
	}
	free(c->buckets);
	free(c->merged);
	free(c->gone);
	free(c->by_id);
	mark_set_free(c->marks);
	correlate_mutes_free(c);
	free(c);
}

static enum err
note_stages(struct stage_times **t, const struct sighting_set *s)
{
	if (*t == NULL) {
		*t = calloc(1, sizeof(**t));
		if (*t == NULL) {
			return ERR_NOMEM;
		}
	}
	for (unsigned k = 0; k < STAGE_COUNT; k++) {
		if ((s->stages >> k & 1) != 0) {
			stage_add(*t, k, s->first_us, s->last_us);
		}
	}
	return ERR_OK;
}

/* The stages of a set of sightings go along with each of its runs. */
static enum err
add_stages(struct run *r, const struct sighting_set *s, bool told)
{
	enum err e;

	if (s->stages == 0 || r->kind > KEY_HOST) {
		return ERR_OK;
	}
	e = note_stages(&r->stages, s);
	return e == ERR_OK && !told ? note_stages(&r->own, s) : e;
}

/* Whether an indicator raised it. */
static bool
is_told(const struct sighting_set *s)
{
	bool told = false;

	for (unsigned i = 0; i < s->n_keys; i++) {
		told = told || s->keys[i].kind == KEY_INDICATOR;
	}
	return told;
}

/* The runs of the keys of 's': at most one a key. */
static enum err
add_to_runs(struct correlate *c, const struct sighting_set *s,
	    struct run *runs[SIGHTING_MAX_KEYS], unsigned *n)
{
	struct run_site site = { .first_us = s->first_us,
				 .last_us = s->last_us,
				 .count = s->count,
				 .strong = s->strong ? s->count : 0,
				 .events = s->strong ? s->events : 0,
				 .mark = mark_set_keep(c->marks, &s->mark) };
	struct run_site weak; /* of a key that is muted */
	bool told = is_told(s);
	const struct marking *said = mark_set_keep(c->marks, &s->said);
	enum err e = ERR_OK;

	memcpy(site.site, s->site, sizeof(site.site));
	memcpy(site.owner, s->owner, sizeof(site.owner));
	/* All that partners tell is of the past, for correlation. */
	if (s->past && !sighting_is_told(s->site, s->owner)) {
		site.past = s->count;
	}
	weak = site;
	weak.strong = weak.events = 0;
	site.told = told ? site.strong : 0;
	*n = 0;
	for (unsigned i = 0; i < s->n_keys && e == ERR_OK; i++) {
		struct run *r = NULL;

		/* A host of ours is worth remembering when attacked. */
		if (s->keys[i].kind == KEY_HOST && !s->strong) {
			continue;
		}
		e = correlate_run_at(c, s, &s->keys[i], &r);
		if (e != ERR_OK) {
			break;
		}
		if (s->refuted && r->kind == KEY_INDICATOR &&
		    r->sites == NULL) {
			r->refuted = r->muted = true;
		}
		r->first_us = MIN(r->first_us, s->first_us);
		r->last_us = MAX(r->last_us, s->last_us);
		if (!r->muted) {
			r->severity = MIN(r->severity, s->severity);
			r->confidence = MAX(r->confidence, s->confidence);
		}
		r->said = mark_set_join(c->marks, r->said, said);
		r->mark = mark_set_join(c->marks, r->mark, site.mark);
		if (r->kind == KEY_INDICATOR) {
			r->what = MIN(r->what, s->what);
		}
		e = correlate_add_site(c, r, r->muted ? &weak : &site);
		if (e == ERR_OK && !r->muted) {
			e = add_stages(r, s, told);
		}
		correlate_mark_dirty(c, r);
		runs[(*n)++] = r;
	}
	correlate_flood_add(c, runs, *n, s);
	return e;
}

/* Whether one alert that showed both is worth keeping. */
static bool
linkable(const struct run *a, const struct run *b)
{
	if (a->muted || b->muted) {
		return false;
	}
	if (a->kind > KEY_HOST || b->kind > KEY_HOST) {
		return (a->flooded && b->kind == KEY_HOST) ||
		       (b->flooded && a->kind == KEY_HOST);
	}
	return true;
}

static enum err
add_set(struct correlate *c, const struct sighting_set *s)
{
	struct run *runs[SIGHTING_MAX_KEYS];
	bool told = is_told(s);
	unsigned n;
	enum err e = add_to_runs(c, s, runs, &n);

	for (unsigned i = 0; s->strong && i < n && e == ERR_OK; i++) {
		for (unsigned j = i + 1; j < n && e == ERR_OK; j++) {
			if (linkable(runs[i], runs[j])) {
				e = correlate_add_link(c, runs[i], runs[j],
						       s->alert, told);
			}
		}
	}
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = correlate_requalify(c, runs[i]);
	}
	return e == ERR_OK ? correlate_vouch(c, runs, n) : e;
}

/*
 * What a muted rule or indicator tells begins nothing, nor what one tells that is
 * out of force: it is seen and counted, as an alert that is worth no incident.
 */
static enum err
add_weakened(struct correlate *c, const struct sighting_set *s)
{
	struct sighting_set *w = malloc(sizeof(*w));
	enum err e;

	if (w == NULL) {
		return ERR_NOMEM;
	}
	*w = *s;
	w->strong = false;
	w->stages = 0;
	w->severity = 4;
	w->confidence = 0;
	e = add_set(c, w);
	free(w);
	return e;
}

enum err
correlate_add(struct correlate *c, const struct sighting_set *s)
{
	/* Mutes count their alerts in any case. */
	return correlate_count_muted(c, s) || s->refuted ? add_weakened(c, s)
							 : add_set(c, s);
}

/* The run's site at which the event was counted; NULL: not in this run. */
static struct run_site *
counted_at(const struct run *r, const struct sighting_set *s)
{
	struct run_site *t = r->sites;

	while (t != NULL && (t->events == 0 || strcmp(t->site, s->site) != 0 ||
			     strcmp(t->owner, s->owner) != 0)) {
		t = t->next;
	}
	return t;
}

static void
uncount_key(struct correlate *c, const struct sighting_set *s,
	    const struct sighting_key *k)
{
	uint64_t w = c->cfg.window_us;
	uint64_t h = correlate_key_hash(s->exercise, k->kind, k->text);
	struct run *r = c->buckets[h & (c->n_buckets - 1)];

	for (; r != NULL; r = r->next_hash) {
		struct run_site *t = NULL;

		if (r->hash == h && r->kind == k->kind && !r->muted &&
		    strcmp(r->key, k->text) == 0 &&
		    strcmp(r->exercise, s->exercise) == 0 &&
		    s->first_us <= r->last_us + w &&
		    r->first_us <= s->last_us + w) {
			t = counted_at(r, s);
		}
		if (t != NULL) {
			t->events--;
			correlate_mark_dirty(c, r);
			return;
		}
	}
}

void
correlate_uncount(struct correlate *c, const struct sighting_set *s)
{
	for (unsigned i = 0; s->strong && i < s->n_keys; i++) {
		uncount_key(c, s, &s->keys[i]);
	}
}

static int
cmp_u64(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

void
correlate_clock(struct correlate *c, uint64_t now_us)
{
	c->now_us = now_us;
}

/* Since when 'r' is silent, as far as its times can be: one that is not over
 * for a century would push out all others.  A number of a run is less than any
 * time. */
static uint64_t
silent_since(const struct correlate *c, const struct run *r)
{
	return c->now_us != 0 && r->last_us > c->now_us + CORRELATE_AHEAD_US
		       ? r->id
		       : r->last_us;
}

/* Whose turn it is when room has to be made. */
enum eviction { EVICT_TOLD, EVICT_LOOSE, EVICT_MEMBERS, EVICTIONS };

/* Whether partners alone tell of it. */
static bool
only_told(const struct run *r)
{
	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		if (!sighting_is_told(s->site, s->owner)) {
			return false;
		}
	}
	return r->sites != NULL;
}

static bool
may_go(const struct run *r, enum eviction turn)
{
	return !r->dirty &&
	       (turn == EVICT_MEMBERS ||
		(r->incident == NULL && (turn == EVICT_LOOSE || only_told(r))));
}

/* Incidents that 'r' had a part in are worth no less once it is gone. */
static void
trim(struct run *r)
{
	if (r->incident != NULL) {
		r->incident->trimmed = true;
	}
	for (struct run_link *l = r->links; l != NULL; l = l->next) {
		if (l->other->incident != NULL) {
			l->other->incident->trimmed = true;
		}
	}
}

/* Lets go of runs silent since before 'limit'. */
static void
evict_before(struct correlate *c, uint64_t limit, enum eviction turn)
{
	for (size_t i = 0; i < c->n_buckets; i++) {
		struct run *r = c->buckets[i], *next;

		for (; r != NULL; r = next) {
			next = r->next_hash;
			if (silent_since(c, r) <= limit && may_go(r, turn)) {
				trim(r);
				correlate_run_drop(c, r);
				c->evicted++;
			}
		}
	}
}

/*
 * Makes room: the quarter that was silent longest goes, those first of which
 * only partners told, so that these push out their own, and those last that
 * belong to an incident.  What goes stays in the store.
 */
static enum err
make_room(struct correlate *c)
{
	uint64_t *last = malloc(MAX(c->n_runs, (size_t)1) * sizeof(*last));
	/* There is to be room for links too where these were short. */
	size_t links = c->n_links < c->cfg.max_links ? SIZE_MAX
						     : c->cfg.max_links / 8 * 7;

	if (last == NULL) {
		return ERR_NOMEM;
	}
	for (enum eviction turn = EVICT_TOLD; turn < EVICTIONS; turn++) {
		size_t n = 0;

		for (size_t i = 0; i < c->n_buckets; i++) {
			for (struct run *r = c->buckets[i]; r != NULL;
			     r = r->next_hash) {
				if (may_go(r, turn)) {
					last[n++] = silent_since(c, r);
				}
			}
		}
		if (n > 0) {
			qsort(last, n, sizeof(*last), cmp_u64);
			/* Of what was told, enough for all others to stay. */
			evict_before(c,
				     last[turn == EVICT_TOLD
						  ? MIN(n - 1, c->n_runs / 4)
						  : (n - 1) / 4],
				     turn);
		}
		if (c->n_runs < c->cfg.max_runs / 8 * 7 && c->n_links < links) {
			break;
		}
	}
	free(last);
	return ERR_OK;
}

/*
 * What an incident touches changes with the counts of the hosts of ours that it
 * is linked to.  Done once for all that was added, since a busy host has
 * thousands of links.
 */
static void
mark_touched(struct correlate *c)
{
	for (const struct run *r = c->dirty; r != NULL; r = r->next_dirty) {
		for (struct run_link *l = r->links;
		     r->kind == KEY_HOST && l != NULL; l = l->next) {
			if (l->other->incident != NULL && !l->other->muted) {
				l->other->incident->dirty = true;
			}
		}
	}
}

enum err
correlate_flush(struct correlate *c, const struct correlate_sink *sink)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < c->n_merged && e == ERR_OK; i++) {
		e = sink->merged(sink->arg, c->merged[i].from,
				 c->merged[i].into);
	}
	c->n_merged = 0;
	mark_touched(c);
	for (struct incident *i = c->incidents; i != NULL && e == ERR_OK;
	     i = i->next) {
		if (i->dirty) {
			e = sink->incident(sink->arg, i);
			i->dirty = i->lessened = false;
			i->split_from = 0;
			assert(e != ERR_OK || i->id != 0);
		}
	}
	while (c->dirty != NULL && e == ERR_OK) {
		struct run *r = c->dirty;

		c->dirty = r->next_dirty;
		r->in_dirty_list = false;
		r->dirty = false;
		e = sink->run(sink->arg, r);
		for (struct run_link *l = r->links; l != NULL; l = l->next) {
			l->is_new = false;
		}
	}
	for (size_t i = 0; i < c->n_gone && e == ERR_OK; i++) {
		e = sink->gone(sink->arg, c->gone[i]);
	}
	c->n_gone = 0;
	if (e == ERR_OK &&
	    (c->n_runs > c->cfg.max_runs || c->n_links >= c->cfg.max_links)) {
		e = make_room(c);
	}
	return e;
}

void
correlate_stats(const struct correlate *c, struct correlate_stats *out)
{
	*out = (struct correlate_stats){
		.runs = c->n_runs,
		.links = c->n_links,
		.incidents = c->n_incidents,
		.evicted = c->evicted,
		.links_refused = c->links_refused,
		.mutes = c->n_mutes,
		.shared = c->opened[RULE_SHARED],
		.stages = c->opened[RULE_STAGES],
		.flood = c->opened[RULE_FLOOD],
	};
}
