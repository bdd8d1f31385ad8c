/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of keys: their sites, their links, and what makes two of them one. */
#include "collector/correlate_state.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* One run is linked to no more others: a scanner that touches every host
 * must not cost by the number of hosts each time it is looked at. */
#define MAX_RUN_LINKS 4096

/* And is told apart at no more sites. */
#define MAX_RUN_SITES 1024

void
correlate_mark_dirty(struct correlate *c, struct run *r)
{
	/* What is being read from the store is there. */
	if (c->loading) {
		return;
	}
	r->dirty = true;
	if (!r->in_dirty_list) {
		r->in_dirty_list = true;
		r->next_dirty = c->dirty;
		c->dirty = r;
	}
	/* What is muted changes no picture. */
	if (r->incident != NULL && !r->muted) {
		r->incident->dirty = true;
	}
}

uint64_t
correlate_key_hash(const char *exercise, enum key_kind kind, const char *key)
{
	size_t len = kind == KEY_INDICATOR ? 0 : strlen(exercise);
	uint64_t h = XXH3_64bits_withSeed(exercise, len, kind);

	return XXH3_64bits_withSeed(key, strlen(key), h);
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

void
correlate_run_free(struct run *r)
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
	free(r->own);
	free(r);
}

/* What is found comes to the front: keys that meet once meet again, and a list
 * may be thousands long. */
struct run_link *
correlate_find_link(struct run *a, const struct run *b)
{
	struct run_link **at = &a->links, *l;

	while (*at != NULL && (*at)->other != b) {
		at = &(*at)->next;
	}
	l = *at;
	if (l != NULL && l != a->links) {
		*at = l->next;
		l->next = a->links;
		a->links = l;
	}
	return l;
}

static bool
half_link(struct run *a, struct run *b, int64_t alert, bool is_new, bool told)
{
	struct run_link *l = malloc(sizeof(*l));

	if (l == NULL) {
		return false;
	}
	*l = (struct run_link){ .other = b,
				.alert = alert,
				.is_new = is_new,
				.told = told,
				.next = a->links };
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

/* As correlate_add_link(), but joins nothing. */
static enum err
note_link(struct correlate *c, struct run *a, struct run *b, int64_t alert,
	  bool told)
{
	/* The shorter of the two lists knows. */
	struct run *x = a->n_links < b->n_links ? a : b;
	struct run *y = x == a ? b : a;
	struct run_link *l = correlate_find_link(x, y);

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
		if (!half_link(a, b, alert, !c->loading, told)) {
			return ERR_NOMEM;
		}
		if (!half_link(b, a, alert, !c->loading, told)) {
			unlink_half(a, b);
			return ERR_NOMEM;
		}
		c->n_links++;
		correlate_mark_dirty(c, a);
		correlate_mark_dirty(c, b);
	} else if (l->told && !told) {
		struct run_link *m = correlate_find_link(y, x);

		l->told = m->told = false;
		l->is_new = m->is_new = true;
		correlate_mark_dirty(c, a);
		correlate_mark_dirty(c, b);
	}
	return ERR_OK;
}

enum err
correlate_add_link(struct correlate *c, struct run *a, struct run *b,
		   int64_t alert, bool told)
{
	enum err e = note_link(c, a, b, alert, told);
	const struct run_link *l;

	if (e != ERR_OK || a == b || c->loading || !correlate_ties(a, b)) {
		return e;
	}
	/* One that there was no room for ties what it can. */
	l = a->doubted && b->doubted ? correlate_find_link(a, b) : NULL;
	return l == NULL || correlate_link_ties(a, l) ? correlate_join(c, a, b)
						      : e;
}

enum err
correlate_add_hand(struct correlate *c, struct run *a, struct run *b,
		   int64_t alert, bool told)
{
	enum err e = note_link(c, a, b, alert, told);
	struct run_link *x = correlate_find_link(a, b),
			*y = correlate_find_link(b, a);

	/* No room: they stay together for as long as no mute parts them. */
	if (e == ERR_OK && x != NULL && y != NULL) {
		x->by_hand = y->by_hand = true;
		if (!c->loading) {
			x->is_new = y->is_new = true;
			correlate_mark_dirty(c, a);
			correlate_mark_dirty(c, b);
		}
	}
	return e;
}

struct run *
correlate_run_new(struct correlate *c, uint64_t id, const char *exercise,
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
	r->what = INDICATOR_KINDS;
	memcpy(r->key, key, len + 1);
	len = MIN(strlen(exercise), sizeof(r->exercise) - 1);
	memcpy(r->exercise, exercise, len);
	r->hash = correlate_key_hash(r->exercise, kind, key);
	r->muted =
		correlate_mute_find(c, r->hash, r->exercise, kind, key) != NULL;
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

void
correlate_run_drop(struct correlate *c, struct run *r)
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
	correlate_leave(c, r);
	unhash(c, r);
	correlate_run_free(r);
}

enum err
correlate_add_site(struct correlate *c, struct run *r,
		   const struct run_site *from)
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
			(*p)->told += from->told;
			(*p)->mark =
				mark_set_join(c->marks, (*p)->mark, from->mark);
			(*p)->events += from->events;
			(*p)->past += from->past;
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

/*
 * 'a' and 'b' are one, and so are their incidents; unless those are held apart,
 * or the key is muted: 'b's goes on without it then if there is more to it.
 */
static enum err
unite(struct correlate *c, struct run *a, struct run *b)
{
	struct incident *i = b->incident;

	if (a->incident == NULL || a->incident == i ||
	    (!a->muted && !correlate_is_apart(a->incident, i))) {
		return correlate_join(c, a, b);
	}
	if (i->n_members == 1) {
		return correlate_join_by_hand(c, a, b);
	}
	i->dirty = true;
	return ERR_OK;
}

static void
take_stages(struct stage_times **a, struct stage_times **b)
{
	if (*b != NULL && *a == NULL) {
		*a = *b;
		*b = NULL;
	} else if (*b != NULL) {
		stage_merge(*a, *b);
	}
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
	a->what = MIN(a->what, b->what);
	a->said = mark_set_join(c->marks, a->said, b->said);
	a->mark = mark_set_join(c->marks, a->mark, b->mark);
	for (struct run_site *s = b->sites; s != NULL && e == ERR_OK;
	     s = s->next) {
		e = correlate_add_site(c, a, s);
	}
	take_stages(&a->stages, &b->stages);
	take_stages(&a->own, &b->own);
	/* In force at one of the times: so it is a reason. */
	a->muted = a->muted && (!a->refuted || b->muted);
	a->refuted = a->refuted && b->refuted;
	a->doubted = a->doubted || b->doubted;
	correlate_flood_merge(c, a, b);
	if (e == ERR_OK && b->incident != NULL) {
		e = unite(c, a, b);
	}
	a->qualified = a->qualified || b->qualified;
	for (struct run_link *l = b->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		e = l->by_hand ? correlate_add_hand(c, a, l->other, l->alert,
						    l->told)
			       : note_link(c, a, l->other, l->alert, l->told);
		correlate_mark_dirty(c, l->other);
	}
	/* Links that 'a' had already are tied anew too, now that 'b's claims
	 * are its own. */
	if (e == ERR_OK) {
		e = correlate_join_links(c, a);
	}
	if (e == ERR_OK && !note_gone(c, b->id)) {
		e = ERR_NOMEM;
	}
	correlate_mark_dirty(c, a);
	correlate_run_drop(c, b);
	return e;
}

enum err
correlate_run_at(struct correlate *c, const struct sighting_set *s,
		 const struct sighting_key *k, struct run **out)
{
	uint64_t w = c->cfg.window_us;
	uint64_t h = correlate_key_hash(s->exercise, k->kind, k->text);
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
		found = correlate_run_new(c, c->next_id, s->exercise,
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
