/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/finding_state_parts.h"

#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAX_PLACES 2048
#define MAX_LANES 8 /* of a site */

const unsigned finding_state_bounds[STATE_KINDS] = {
	[STATE_SWEEP] = 32768,   [STATE_VOLUME] = 65536, [STATE_PAIR] = 131072,
	[STATE_SERVICE] = 32768, [STATE_ADMIN] = 16384,  [STATE_TALK] = 4096,
	[STATE_TARGET] = 32768,  [STATE_PORT] = 4096,
};

size_t
finding_body_size(enum state_kind k)
{
	static const size_t size[STATE_KINDS] = {
		[STATE_SWEEP] = sizeof(struct state_sweep),
		[STATE_VOLUME] = sizeof(struct volume),
		[STATE_PAIR] = sizeof(struct state_pair),
		[STATE_SERVICE] = sizeof(struct state_service),
		[STATE_ADMIN] = sizeof(struct state_admin),
		[STATE_TALK] = sizeof(struct state_talk),
		[STATE_TARGET] = sizeof(struct state_target),
		[STATE_PORT] = sizeof(struct state_port),
	};

	return size[k];
}

/* ----------------------------------------------------------------- lists */

static struct state_list *
list_of(struct state *st)
{
	return &st->place->list[st->key.kind][st->old];
}

static void
unlink_state(struct state *st)
{
	struct state_list *l = list_of(st);

	*(st->prev != NULL ? &st->prev->next : &l->first) = st->next;
	*(st->next != NULL ? &st->next->prev : &l->last) = st->prev;
	st->prev = st->next = NULL;
}

static void
append(struct state *st)
{
	struct state_list *l = list_of(st);

	st->prev = l->last;
	*(l->last != NULL ? &l->last->next : &l->first) = st;
	l->last = st;
}

void
finding_states_settle(struct state *st)
{
	if (!st->old) {
		unlink_state(st);
		st->old = true;
		st->place->n_young[st->key.kind]--;
		append(st);
	}
}

static uint64_t
hash_of(const struct state_place *p, const struct state_key *k)
{
	uint64_t h = (uint64_t)k->kind << 32 | (uint64_t)k->shared << 31 |
		     (uint64_t)k->port << 8 | k->proto;

	h = XXH3_64bits_withSeed(p->lane, strlen(p->lane), h);
	if (!k->shared) {
		h = XXH3_64bits_withSeed(p->site, strlen(p->site), h);
	}
	h = XXH3_64bits_withSeed(k->a.b, sizeof(k->a.b), h);
	return XXH3_64bits_withSeed(k->b.b, sizeof(k->b.b), h);
}

static bool
is_of(const struct state *st, const struct state_place *p,
      const struct state_key *k)
{
	const struct state_key *o = &st->key;

	return o->kind == k->kind && o->shared == k->shared &&
	       o->port == k->port && o->proto == k->proto &&
	       addr_eq(&o->a, &k->a) && addr_eq(&o->b, &k->b) &&
	       (k->shared ? strcmp(st->place->lane, p->lane) == 0
			  : st->place == p);
}

static struct state **
bucket(struct finding_states *s, uint64_t hash)
{
	return &s->buckets[hash % STATE_BUCKETS];
}

/* --------------------------------------------------------------- letting go */

static bool
note_dropped(struct finding_states *s, int64_t id)
{
	if (s->n_dropped == s->cap_dropped) {
		size_t cap = MAX(s->cap_dropped * 2, (size_t)64);
		int64_t *p = realloc(s->dropped, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		s->dropped = p;
		s->cap_dropped = cap;
	}
	s->dropped[s->n_dropped++] = id;
	return true;
}

static void
remove_state(struct finding_states *s, struct state *st)
{
	struct state **p = bucket(s, st->hash);

	while (*p != st) {
		p = &(*p)->next_hash;
	}
	*p = st->next_hash;
	unlink_state(st);
	st->place->n[st->key.kind]--;
	st->place->n_young[st->key.kind] -= !st->old;
	s->n[st->key.kind]--;
	if (st->dirty) {
		*st->dirty_at = st->next_dirty;
		if (st->next_dirty != NULL) {
			st->next_dirty->dirty_at = st->dirty_at;
		}
	}
	free(st);
}

static void
evict(struct finding_states *s, struct state *st)
{
	s->evicted[st->key.kind]++;
	if (!note_dropped(s, st->id)) {
		s->failed = true;
	}
	remove_state(s, st);
}

/* The place that has more than its share: the one that asks, if it has. */
static struct state_place *
who_gives(struct finding_states *s, struct state_place *asks, enum state_kind k)
{
	struct state_place *most = asks;
	unsigned users = 0;

	for (struct state_place *p = s->places; p != NULL; p = p->next) {
		users += p->n[k] > 0;
		most = p->n[k] > most->n[k] ? p : most;
	}
	return users > 0 && asks->n[k] >= s->bounds[k] / users ? asks : most;
}

static void
make_room(struct finding_states *s, struct state_place *asks, enum state_kind k)
{
	struct state_place *p = who_gives(s, asks, k);
	bool young = p->n_young[k] > p->n[k] / 4 || p->list[k][1].first == NULL;
	struct state *st = p->list[k][young ? 0 : 1].first;

	if (st != NULL) {
		evict(s, st);
	}
}

/* ------------------------------------------------------------------ places */

struct state_place *
finding_states_add_place(struct finding_states *s, uint32_t id)
{
	struct state_place *p = calloc(1, sizeof(*p));

	if (p != NULL) {
		p->id = id;
		p->next = s->places;
		s->places = p;
		s->n_places++;
	}
	return p;
}

static bool
note_dropped_place(struct finding_states *s, uint32_t id)
{
	if (s->n_dropped_places == s->cap_dropped_places) {
		size_t cap = MAX(s->cap_dropped_places * 2, (size_t)16);
		uint32_t *p = realloc(s->dropped_places, cap * sizeof(*p));

		if (p == NULL) {
			return false;
		}
		s->dropped_places = p;
		s->cap_dropped_places = cap;
	}
	s->dropped_places[s->n_dropped_places++] = id;
	return true;
}

static void
drop_place(struct finding_states *s, struct state_place *gone)
{
	struct state_place **p = &s->places;

	for (unsigned k = 0; k < STATE_KINDS; k++) {
		for (unsigned old = 0; old < 2; old++) {
			while (gone->list[k][old].first != NULL) {
				evict(s, gone->list[k][old].first);
			}
		}
	}
	if (!note_dropped_place(s, gone->id)) {
		s->failed = true;
	}
	while (*p != gone) {
		p = &(*p)->next;
	}
	*p = gone->next;
	free(gone);
	s->n_places--;
}

static void
move_to_front(struct finding_states *s, struct state_place **at)
{
	struct state_place *p = *at;

	*at = p->next;
	p->next = s->places;
	s->places = p;
}

static enum err
new_place(struct finding_states *s, const char *lane, const char *site,
	  uint64_t t, struct state_place **out)
{
	struct state_place *oldest = NULL;
	unsigned lanes = 0;

	for (struct state_place *p = s->places; p != NULL; p = p->next) {
		/* What is real stays, however many exercises are invented. */
		if (strcmp(p->site, site) == 0 && p->lane[0] != '\0') {
			lanes++;
			oldest = oldest == NULL || p->last_us < oldest->last_us
					 ? p
					 : oldest;
		}
	}
	if (lane[0] != '\0' && lanes >= MAX_LANES) {
		drop_place(s, oldest);
	}
	if (s->n_places >= MAX_PLACES) {
		return ERR_LIMIT;
	}
	*out = finding_states_add_place(s, s->next_place);
	if (*out == NULL) {
		return ERR_NOMEM;
	}
	s->next_place++;
	snprintf((*out)->lane, sizeof((*out)->lane), "%s", lane);
	snprintf((*out)->site, sizeof((*out)->site), "%s", site);
	(*out)->since_us = t;
	(*out)->dirty = true;
	return ERR_OK;
}

enum err
finding_states_place(struct finding_states *s, const char *lane,
		     const char *site, const char *owner, uint64_t t,
		     struct state_place **out)
{
	struct state_place **p = &s->places;
	enum err e;

	while (*p != NULL && (strcmp((*p)->site, site) != 0 ||
			      strcmp((*p)->lane, lane) != 0)) {
		p = &(*p)->next;
	}
	if (*p != NULL) {
		move_to_front(s, p);
		*out = s->places;
	} else if ((e = new_place(s, lane, site, t, out)) != ERR_OK) {
		return e;
	}
	if (owner[0] != '\0' && strcmp((*out)->owner, owner) != 0) {
		snprintf((*out)->owner, sizeof((*out)->owner), "%s", owner);
		(*out)->dirty = true;
	}
	if (t < (*out)->since_us) {
		(*out)->since_us = t;
		(*out)->dirty = true;
	}
	/* Which lane was silent longest needs no more than minutes. */
	if (t > (*out)->last_us) {
		(*out)->dirty |= t - (*out)->last_us > 60 * US_PER_S;
		(*out)->last_us = t;
	}
	return ERR_OK;
}

const struct state_place *
finding_states_place_of(struct finding_states *s, uint32_t id)
{
	const struct state_place *p = s->places;

	while (p != NULL && p->id != id) {
		p = p->next;
	}
	return p;
}

/* ------------------------------------------------------------------ states */

struct state *
finding_states_insert(struct finding_states *s, struct state_place *p,
		      const struct state_key *key)
{
	size_t size = finding_body_size(key->kind);
	struct state *st = calloc(1, offsetof(struct state, body) + size);
	struct state **at;

	if (st == NULL) {
		return NULL;
	}
	st->key = *key;
	st->place = p;
	st->hash = hash_of(p, key);
	at = bucket(s, st->hash);
	st->next_hash = *at;
	*at = st;
	append(st);
	p->n[key->kind]++;
	p->n_young[key->kind]++;
	s->n[key->kind]++;
	return st;
}

struct state *
finding_states_find(struct finding_states *s, struct state_place *p,
		    const struct state_key *key)
{
	uint64_t hash = hash_of(p, key);
	struct state *st = *bucket(s, hash);

	while (st != NULL && (st->hash != hash || !is_of(st, p, key))) {
		st = st->next_hash;
	}
	return st;
}

struct state *
finding_states_get(struct finding_states *s, struct state_place *p,
		   const struct state_key *key, uint64_t t,
		   const struct marking *mark)
{
	struct state *st = finding_states_find(s, p, key);
	const struct marking *joined;

	if (st == NULL) {
		while (s->n[key->kind] >= s->bounds[key->kind]) {
			make_room(s, p, key->kind);
		}
		st = finding_states_insert(s, p, key);
		if (st == NULL) {
			return NULL;
		}
		st->id = s->next_id++;
	} else {
		unlink_state(st);
		append(st);
	}
	st->touched_us = MAX(st->touched_us, t);
	joined = mark_set_join(s->marks, st->mark,
			       mark_set_keep(s->marks, mark));
	if (joined != st->mark) {
		st->mark = joined;
		finding_states_changed(s, st);
	}
	return st;
}

void
finding_states_changed(struct finding_states *s, struct state *st)
{
	if (!st->dirty) {
		st->dirty = true;
		st->next_dirty = s->dirty;
		st->dirty_at = &s->dirty;
		if (s->dirty != NULL) {
			s->dirty->dirty_at = &st->next_dirty;
		}
		s->dirty = st;
	}
}

void
finding_sites_add(struct state_sites *sites, uint32_t place)
{
	for (unsigned i = 0; i < FINDING_SITES; i++) {
		if (sites->id[i] == place) {
			return;
		}
		if (sites->id[i] == 0) {
			sites->id[i] = place;
			return;
		}
	}
}

void
finding_states_bound(struct finding_states *s,
		     const unsigned bounds[STATE_KINDS])
{
	for (unsigned i = 0; i < STATE_KINDS; i++) {
		s->bounds[i] = MAX(bounds[i], 1u);
	}
}

void
finding_states_empty(struct finding_states *s)
{
	for (size_t i = 0; i < STATE_BUCKETS; i++) {
		while (s->buckets[i] != NULL) {
			struct state *st = s->buckets[i];

			s->buckets[i] = st->next_hash;
			free(st);
		}
	}
	while (s->places != NULL) {
		struct state_place *p = s->places;

		s->places = p->next;
		free(p);
	}
	memset(s->n, 0, sizeof(s->n));
	s->dirty = NULL;
	s->n_places = 0;
	s->n_dropped = s->n_dropped_places = 0;
	s->failed = false;
}

void
finding_states_count(const struct finding_states *s,
		     struct finding_states_count *out)
{
	memcpy(out->n, s->n, sizeof(out->n));
	memcpy(out->evicted, s->evicted, sizeof(out->evicted));
	out->places = s->n_places;
}
