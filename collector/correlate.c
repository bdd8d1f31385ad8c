/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/correlate.h"

#include <assert.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* One run is linked to no more others: a scanner that touches every host
 * must not cost by the number of hosts each time it is looked at. */
#define MAX_RUN_LINKS 4096
/* And is told apart at no more sites. */
#define MAX_RUN_SITES 1024

const struct correlate_config correlate_defaults = {
	.window_us = UINT64_C(86400) * 1000000,
	.slack_us = UINT64_C(2) * 1000000,
	.min_sites = 2,
	.min_owners = 2,
	.min_stages = 3,
	.max_runs = 200000,
	.max_links = 400000,
};

struct pair {
	int64_t from, into;
};

struct correlate {
	struct correlate_config cfg;
	struct run **buckets;
	size_t n_buckets; /* a power of two */
	size_t n_runs, n_links, n_incidents;
	uint64_t next_id;
	struct run *dirty;
	struct incident *incidents; /* newest first */
	struct pair *merged;
	size_t n_merged, cap_merged;
	uint64_t *gone;
	size_t n_gone, cap_gone;
	uint64_t evicted, links_refused;
	/* Runs by id, only while loading. */
	struct run **by_id;
	size_t n_by_id, cap_by_id;
	struct run *last_loaded;
	bool loading;
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
	if (c->buckets == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static void
run_free(struct run *r)
{
	while (r->sites != NULL) {
		struct run_site *next = r->sites->next;

		free(r->sites);
		r->sites = next;
	}
	while (r->links != NULL) {
		struct run_link *next = r->links->next;

		free(r->links);
		r->links = next;
	}
	free(r->stages);
	free(r);
}

void
correlate_free(struct correlate *c)
{
	if (c == NULL) {
		return;
	}
	for (size_t i = 0; i < c->n_buckets; i++) {
		while (c->buckets[i] != NULL) {
			struct run *next = c->buckets[i]->next_hash;

			run_free(c->buckets[i]);
			c->buckets[i] = next;
		}
	}
	while (c->incidents != NULL) {
		struct incident *next = c->incidents->next;

		free(c->incidents);
		c->incidents = next;
	}
	free(c->buckets);
	free(c->merged);
	free(c->gone);
	free(c->by_id);
	free(c);
}

static void
mark_dirty(struct correlate *c, struct run *r)
{
	r->dirty = true;
	if (!r->in_dirty_list) {
		r->in_dirty_list = true;
		r->next_dirty = c->dirty;
		c->dirty = r;
	}
	if (r->incident != NULL) {
		r->incident->dirty = true;
	}
}

static uint64_t
key_hash(const char *exercise, enum key_kind kind, const char *key)
{
	uint64_t h = XXH3_64bits_withSeed(exercise, strlen(exercise), kind);

	return XXH3_64bits_withSeed(key, strlen(key), h);
}

static bool
conducts(const struct run *r)
{
	return r->kind < KEY_CONDUCTS;
}

/* Whether 'r' and one with 'other's claims belong together when linked. */
static bool
ties(const struct run *a, const struct run *b)
{
	return (a->qualified && (b->qualified || conducts(b))) ||
	       (b->qualified && conducts(a));
}

static bool
note_merged(struct correlate *c, int64_t from, int64_t into)
{
	if (c->n_merged == c->cap_merged) {
		size_t cap = MAX(c->cap_merged * 2, (size_t)16);
		struct pair *p = realloc(c->merged, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		c->merged = p;
		c->cap_merged = cap;
	}
	c->merged[c->n_merged++] = (struct pair){ from, into };
	return true;
}

static bool
note_gone(struct correlate *c, uint64_t id)
{
	if (c->n_gone == c->cap_gone) {
		size_t cap = MAX(c->cap_gone * 2, (size_t)16);
		uint64_t *p = realloc(c->gone, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		c->gone = p;
		c->cap_gone = cap;
	}
	c->gone[c->n_gone++] = id;
	return true;
}

static struct incident *
incident_new(struct correlate *c, struct run *r)
{
	struct incident *i = calloc(1, sizeof(*i));

	if (i == NULL) {
		return NULL;
	}
	i->members = r;
	i->n_members = 1;
	i->dirty = true;
	i->next = c->incidents;
	if (i->next != NULL) {
		i->next->prev = i;
	}
	c->incidents = i;
	c->n_incidents++;
	r->incident = i;
	r->next_member = NULL;
	mark_dirty(c, r);
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
	free(i);
}

/*
 * Makes one incident of those of 'a' and 'b'.  The smaller is moved into the
 * larger, so that a run moves at most log2(max_runs) times; the lower id (the
 * one opened first) stays.
 */
static enum err
join(struct correlate *c, struct run *a, struct run *b)
{
	struct incident *x, *y;
	struct run *last = NULL;

	if (a->incident == NULL && incident_new(c, a) == NULL) {
		return ERR_NOMEM;
	}
	if (b->incident == NULL && incident_new(c, b) == NULL) {
		return ERR_NOMEM;
	}
	x = a->incident;
	y = b->incident;
	if (x == y) {
		return ERR_OK;
	}
	if (x->n_members < y->n_members) {
		struct incident *swap = x;

		x = y;
		y = swap;
	}
	for (struct run *r = y->members; r != NULL; r = r->next_member) {
		r->incident = x;
		mark_dirty(c, r);
		last = r;
	}
	last->next_member = x->members;
	x->members = y->members;
	x->n_members += y->n_members;
	x->dirty = true;
	if (x->id == 0 || (y->id != 0 && y->id < x->id)) {
		int64_t swap = x->id;

		x->id = y->id;
		y->id = swap;
	}
	if (y->id != 0 && y->id != x->id && !note_merged(c, y->id, x->id)) {
		return ERR_NOMEM;
	}
	incident_drop(c, y);
	return ERR_OK;
}

static bool
qualifies(const struct correlate *c, const struct run *r)
{
	unsigned n_sites = 0, n_owners = 0;

	if (r->kind > KEY_HOST) {
		return false;
	}
	if (r->stages != NULL &&
	    stage_progress(r->stages, c->cfg.slack_us) >= c->cfg.min_stages) {
		return true;
	}
	if (!conducts(r)) {
		return false;
	}
	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		bool site_new = s->strong != 0, owner_new = site_new;

		if (s->owner[0] == '\0') {
			owner_new = false;
		}
		for (const struct run_site *t = r->sites; t != s; t = t->next) {
			if (t->strong != 0) {
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

/* Looks again at whether 'r' qualifies, and ties it to its links if so. */
static enum err
requalify(struct correlate *c, struct run *r)
{
	enum err e = ERR_OK;

	if (c->loading || r->qualified || !qualifies(c, r)) {
		return ERR_OK;
	}
	r->qualified = true;
	if (r->incident == NULL && incident_new(c, r) == NULL) {
		return ERR_NOMEM;
	}
	for (struct run_link *l = r->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		if (ties(r, l->other)) {
			e = join(c, r, l->other);
		}
	}
	r->incident->dirty = true;
	return e;
}

static struct run_link *
find_link(const struct run *a, const struct run *b)
{
	struct run_link *l = a->links;

	while (l != NULL && l->other != b) {
		l = l->next;
	}
	return l;
}

static bool
half_link(struct run *a, struct run *b, int64_t alert, bool is_new)
{
	struct run_link *l = malloc(sizeof(*l));

	if (l == NULL) {
		return false;
	}
	*l = (struct run_link){ b, alert, is_new, a->links };
	a->links = l;
	a->n_links++;
	return true;
}

static void
unlink_half(struct run *a, const struct run *b)
{
	for (struct run_link **p = &a->links; *p != NULL; p = &(*p)->next) {
		if ((*p)->other == b) {
			struct run_link *l = *p;

			*p = l->next;
			a->n_links--;
			free(l);
			return;
		}
	}
}

static enum err
add_link(struct correlate *c, struct run *a, struct run *b, int64_t alert)
{
	/* The shorter of the two lists knows. */
	struct run *x = a->n_links < b->n_links ? a : b;
	struct run *y = x == a ? b : a;
	struct run_link *l = find_link(x, y);

	if (a == b) {
		return ERR_OK;
	}
	if (l == NULL) {
		if (a->n_links >= MAX_RUN_LINKS ||
		    b->n_links >= MAX_RUN_LINKS ||
		    c->n_links >= c->cfg.max_links) {
			c->links_refused++;
			return ERR_OK;
		}
		if (!half_link(a, b, alert, !c->loading)) {
			return ERR_NOMEM;
		}
		if (!half_link(b, a, alert, !c->loading)) {
			unlink_half(a, b);
			return ERR_NOMEM;
		}
		c->n_links++;
		mark_dirty(c, a);
		mark_dirty(c, b);
	}
	if (!c->loading && ties(a, b)) {
		return join(c, a, b);
	}
	return ERR_OK;
}

static struct run *
run_new(struct correlate *c, uint64_t id, const char *exercise,
	enum key_kind kind, const char *key)
{
	size_t len = strlen(key);
	struct run *r = calloc(1, sizeof(*r) + len + 1);
	struct run **bucket;

	if (r == NULL) {
		return NULL;
	}
	r->id = id;
	r->kind = kind;
	r->severity = 4;
	memcpy(r->key, key, len + 1);
	len = MIN(strlen(exercise), sizeof(r->exercise) - 1);
	memcpy(r->exercise, exercise, len);
	r->hash = key_hash(r->exercise, kind, key);
	bucket = &c->buckets[r->hash & (c->n_buckets - 1)];
	r->next_hash = *bucket;
	*bucket = r;
	c->n_runs++;
	return r;
}

static void
unhash(struct correlate *c, struct run *r)
{
	struct run **p = &c->buckets[r->hash & (c->n_buckets - 1)];

	while (*p != r) {
		p = &(*p)->next_hash;
	}
	*p = r->next_hash;
	c->n_runs--;
}

static void
leave_incident(struct correlate *c, struct run *r)
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

/* Takes 'r' out of every structure; it must not be needed any more. */
static void
run_drop(struct correlate *c, struct run *r)
{
	for (struct run_link *l = r->links; l != NULL; l = l->next) {
		unlink_half(l->other, r);
		c->n_links--;
	}
	if (r->in_dirty_list) {
		struct run **p = &c->dirty;

		while (*p != r) {
			p = &(*p)->next_dirty;
		}
		*p = r->next_dirty;
	}
	leave_incident(c, r);
	unhash(c, r);
	run_free(r);
}

static enum err
add_site(struct run *r, const struct run_site *from)
{
	struct run_site **p = &r->sites;
	unsigned n = 0;

	/* In order of name, so that what comes out has one order too. */
	for (; *p != NULL; p = &(*p)->next, n++) {
		int cmp = strcmp((*p)->site, from->site);

		if (cmp == 0) {
			cmp = strcmp((*p)->owner, from->owner);
		}
		if (cmp == 0) {
			(*p)->first_us = MIN((*p)->first_us, from->first_us);
			(*p)->last_us = MAX((*p)->last_us, from->last_us);
			(*p)->count += from->count;
			(*p)->strong += from->strong;
			return ERR_OK;
		}
		if (cmp > 0) {
			break;
		}
	}
	if (n < MAX_RUN_SITES) {
		struct run_site *s = malloc(sizeof(*s));

		if (s == NULL) {
			return ERR_NOMEM;
		}
		*s = *from;
		s->next = *p;
		*p = s;
	}
	return ERR_OK;
}

/* 'b' turned out to be the same run as 'a': a sighting fell between them. */
static enum err
absorb(struct correlate *c, struct run *a, struct run *b)
{
	enum err e = ERR_OK;

	a->first_us = MIN(a->first_us, b->first_us);
	a->last_us = MAX(a->last_us, b->last_us);
	a->severity = MIN(a->severity, b->severity);
	a->confidence = MAX(a->confidence, b->confidence);
	for (struct run_site *s = b->sites; s != NULL && e == ERR_OK;
	     s = s->next) {
		e = add_site(a, s);
	}
	if (b->stages != NULL && a->stages == NULL) {
		a->stages = b->stages;
		b->stages = NULL;
	} else if (b->stages != NULL) {
		stage_merge(a->stages, b->stages);
	}
	if (e == ERR_OK && b->incident != NULL) {
		e = join(c, a, b);
	}
	a->qualified = a->qualified || b->qualified;
	for (struct run_link *l = b->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		e = add_link(c, a, l->other, l->alert);
		mark_dirty(c, l->other);
	}
	/* Links that 'a' had already are tied anew, now that 'b's claims
	 * are its own. */
	for (struct run_link *l = a->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		if (ties(a, l->other)) {
			e = join(c, a, l->other);
		}
	}
	if (e == ERR_OK && !note_gone(c, b->id)) {
		e = ERR_NOMEM;
	}
	mark_dirty(c, a);
	run_drop(c, b);
	return e;
}

/*
 * The run that a sighting of [first, last] belongs to; opened when there is
 * none, and made one when the sighting bridges several.
 */
static enum err
run_at(struct correlate *c, const struct sighting_set *s,
       const struct sighting_key *k, struct run **out)
{
	uint64_t w = c->cfg.window_us;
	uint64_t h = key_hash(s->exercise, k->kind, k->text);
	struct run *r, *next, *found = NULL;
	enum err e = ERR_OK;

	for (r = c->buckets[h & (c->n_buckets - 1)]; r != NULL && e == ERR_OK;
	     r = next) {
		next = r->next_hash;
		if (r->hash != h || r->kind != k->kind ||
		    strcmp(r->key, k->text) != 0 ||
		    strcmp(r->exercise, s->exercise) != 0 ||
		    s->first_us > r->last_us + w ||
		    r->first_us > s->last_us + w) {
			continue;
		}
		if (found == NULL) {
			found = r;
		} else if (found->id < r->id) {
			e = absorb(c, found, r);
		} else {
			e = absorb(c, r, found);
			found = r;
		}
	}
	if (e == ERR_OK && found == NULL) {
		found = run_new(c, c->next_id, s->exercise,
				(enum key_kind)k->kind, k->text);
		if (found == NULL) {
			return ERR_NOMEM;
		}
		c->next_id++;
		found->first_us = s->first_us;
		found->last_us = s->last_us;
	}
	*out = found;
	return e;
}

static int
cmp_u64(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

/* Lets go of runs silent since before 'limit'. */
static void
evict_before(struct correlate *c, uint64_t limit, bool members)
{
	for (size_t i = 0; i < c->n_buckets; i++) {
		struct run *r = c->buckets[i], *next;

		for (; r != NULL; r = next) {
			next = r->next_hash;
			if (r->last_us <= limit && !r->dirty &&
			    (members || r->incident == NULL)) {
				run_drop(c, r);
				c->evicted++;
			}
		}
	}
}

/*
 * Makes room: the quarter that was silent longest goes, those that belong to
 * no incident first.  What goes stays in the store.
 */
static enum err
make_room(struct correlate *c)
{
	uint64_t *last = malloc(c->n_runs * sizeof(*last));

	if (last == NULL) {
		return ERR_NOMEM;
	}
	for (int members = 0; members < 2; members++) {
		size_t n = 0;

		for (size_t i = 0; i < c->n_buckets; i++) {
			for (struct run *r = c->buckets[i]; r != NULL;
			     r = r->next_hash) {
				if (!r->dirty &&
				    (members || r->incident == NULL)) {
					last[n++] = r->last_us;
				}
			}
		}
		if (n > 0) {
			qsort(last, n, sizeof(*last), cmp_u64);
			evict_before(c, last[(n - 1) / 4], members != 0);
		}
		if (c->n_runs < c->cfg.max_runs / 8 * 7) {
			break;
		}
	}
	free(last);
	return ERR_OK;
}

enum err
correlate_add(struct correlate *c, const struct sighting_set *s)
{
	struct run *runs[SIGHTING_MAX_KEYS];
	struct run_site site = { .first_us = s->first_us,
				 .last_us = s->last_us,
				 .count = s->count,
				 .strong = s->strong ? s->count : 0 };
	unsigned n = 0;
	enum err e = ERR_OK;

	memcpy(site.site, s->site, sizeof(site.site));
	memcpy(site.owner, s->owner, sizeof(site.owner));
	for (unsigned i = 0; i < s->n_keys && e == ERR_OK; i++) {
		struct run *r = NULL;

		/* A host of ours is worth remembering when attacked. */
		if (s->keys[i].kind == KEY_HOST && !s->strong) {
			continue;
		}
		e = run_at(c, s, &s->keys[i], &r);
		if (e != ERR_OK) {
			break;
		}
		r->first_us = MIN(r->first_us, s->first_us);
		r->last_us = MAX(r->last_us, s->last_us);
		r->severity = MIN(r->severity, s->severity);
		r->confidence = MAX(r->confidence, s->confidence);
		e = add_site(r, &site);
		if (s->stages != 0 && r->kind <= KEY_HOST && e == ERR_OK) {
			if (r->stages == NULL) {
				r->stages = calloc(1, sizeof(*r->stages));
			}
			if (r->stages == NULL) {
				return ERR_NOMEM;
			}
			for (unsigned k = 0; k < STAGE_COUNT; k++) {
				if ((s->stages >> k & 1) != 0) {
					stage_add(r->stages, k, s->first_us,
						  s->last_us);
				}
			}
		}
		mark_dirty(c, r);
		if (r->kind <= KEY_HOST) {
			runs[n++] = r;
		}
	}
	for (unsigned i = 0; s->strong && i < n && e == ERR_OK; i++) {
		for (unsigned j = i + 1; j < n && e == ERR_OK; j++) {
			e = add_link(c, runs[i], runs[j], s->alert);
		}
	}
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = requalify(c, runs[i]);
		/* What an incident touches changes with its links' counts. */
		for (struct run_link *l = runs[i]->links;
		     runs[i]->kind == KEY_HOST && l != NULL; l = l->next) {
			if (l->other->incident != NULL) {
				l->other->incident->dirty = true;
			}
		}
	}
	return e;
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
	for (struct incident *i = c->incidents; i != NULL && e == ERR_OK;
	     i = i->next) {
		if (i->dirty) {
			e = sink->incident(sink->arg, i);
			i->dirty = false;
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

struct run *
correlate_load_run(struct correlate *c, uint64_t id, const char *exercise,
		   enum key_kind kind, const char *key, uint64_t first_us,
		   uint64_t last_us, uint8_t severity, uint8_t confidence,
		   const struct stage_times *stages)
{
	struct run *r;

	if (c->n_by_id == c->cap_by_id) {
		size_t cap = MAX(c->cap_by_id * 2, (size_t)1024);
		struct run **p = realloc(c->by_id, cap * sizeof(struct run *));

		if (p == NULL) {
			return NULL;
		}
		c->by_id = p;
		c->cap_by_id = cap;
	}
	c->loading = true;
	r = run_new(c, id, exercise, kind, key);
	if (r == NULL) {
		return NULL;
	}
	c->by_id[c->n_by_id++] = r;
	r->first_us = first_us;
	r->last_us = last_us;
	r->severity = severity;
	r->confidence = confidence;
	c->next_id = MAX(c->next_id, id + 1);
	if (stages != NULL) {
		r->stages = malloc(sizeof(*stages));
		if (r->stages != NULL) {
			*r->stages = *stages;
		}
	}
	return r;
}

/* Runs were loaded in order of id. */
struct run *
correlate_find_run(struct correlate *c, uint64_t id)
{
	size_t lo = 0, hi = c->n_by_id;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->by_id[mid]->id < id) {
			lo = mid + 1;
		} else {
			hi = mid;
		}
	}
	return lo < c->n_by_id && c->by_id[lo]->id == id ? c->by_id[lo] : NULL;
}

enum err
correlate_load_site(struct correlate *c, struct run *r,
		    const struct run_site *s)
{
	(void)c;
	return add_site(r, s);
}

enum err
correlate_load_link(struct correlate *c, struct run *a, struct run *b,
		    int64_t alert)
{
	return add_link(c, a, b, alert);
}

enum err
correlate_load_incident(struct correlate *c, struct run *r, int64_t id)
{
	struct run *prev = c->last_loaded;

	if (r->incident == NULL && incident_new(c, r) == NULL) {
		return ERR_NOMEM;
	}
	r->incident->id = id;
	c->last_loaded = r;
	if (prev != NULL && prev->incident->id == id) {
		return join(c, prev, r);
	}
	return ERR_OK;
}

/* What was tied together is found out again rather than believed. */
enum err
correlate_load_end(struct correlate *c)
{
	enum err e = ERR_OK;

	c->loading = false;
	for (size_t i = 0; i < c->n_by_id && e == ERR_OK; i++) {
		e = requalify(c, c->by_id[i]);
	}
	for (size_t i = 0; i < c->n_by_id && e == ERR_OK; i++) {
		struct run *r = c->by_id[i];

		for (struct run_link *l = r->links; l != NULL && e == ERR_OK;
		     l = l->next) {
			if (ties(r, l->other)) {
				e = join(c, r, l->other);
			}
		}
	}
	/* All this is in the store already, except for what a change of
	 * configuration made anew. */
	for (struct incident *i = c->incidents; i != NULL; i = i->next) {
		i->dirty = i->id == 0;
	}
	free(c->by_id);
	c->last_loaded = NULL;
	c->by_id = NULL;
	c->n_by_id = c->cap_by_id = 0;
	return e;
}

void
correlate_stats(const struct correlate *c, struct correlate_stats *out)
{
	*out = (struct correlate_stats){ c->n_runs, c->n_links, c->n_incidents,
					 c->evicted, c->links_refused };
}
