/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are muted. */
#include "collector/correlate_state.h"

#include <stdlib.h>

struct mute *
correlate_mute_find(const struct correlate *c, uint64_t hash,
		    const char *exercise, enum key_kind kind, const char *key)
{
	struct mute *m =
		c->n_mutes > 0 ? c->mutes[hash % CORRELATE_MUTE_BUCKETS] : NULL;

	while (m != NULL && (m->hash != hash || m->kind != kind ||
			     strcmp(m->key, key) != 0 ||
			     strcmp(m->exercise, exercise) != 0)) {
		m = m->next;
	}
	return m;
}

void
correlate_mutes_free(struct correlate *c)
{
	for (size_t i = 0; i < CORRELATE_MUTE_BUCKETS; i++) {
		while (c->mutes[i] != NULL) {
			struct mute *next = c->mutes[i]->next;

			free(c->mutes[i]);
			c->mutes[i] = next;
		}
	}
	c->n_mutes = 0;
}

static bool
is_of(const struct run *r, const struct mute *m)
{
	return r->hash == m->hash && r->kind == m->kind &&
	       strcmp(r->key, m->key) == 0 &&
	       strcmp(r->exercise, m->exercise) == 0;
}

static enum err
add_mute(struct correlate *c, const char *exercise, enum key_kind kind,
	 const char *key, struct mute **out)
{
	size_t len = strlen(key);
	size_t n = MIN(strlen(exercise), (size_t)SIGHTING_NAME_CAP - 1);
	struct mute *m, **bucket;

	if (c->n_mutes >= CORRELATE_MUTES) {
		return ERR_LIMIT;
	}
	m = calloc(1, sizeof(*m) + len + 1);
	if (m == NULL) {
		return ERR_NOMEM;
	}
	m->kind = kind;
	memcpy(m->exercise, exercise, n);
	memcpy(m->key, key, len + 1);
	m->hash = correlate_key_hash(m->exercise, kind, key);
	bucket = &c->mutes[m->hash % CORRELATE_MUTE_BUCKETS];
	m->next = *bucket;
	*bucket = m;
	c->n_mutes++;
	*out = m;
	return ERR_OK;
}

enum err
correlate_mute(struct correlate *c, const char *exercise, enum key_kind kind,
	       const char *key)
{
	uint64_t h = correlate_key_hash(exercise, kind, key);
	struct mute *m = correlate_mute_find(c, h, exercise, kind, key);
	struct run *r;
	enum err e;

	if (m != NULL) {
		return ERR_OK;
	}
	e = add_mute(c, exercise, kind, key, &m);
	if (e != ERR_OK) {
		return e;
	}
	for (r = c->buckets[m->hash & (c->n_buckets - 1)];
	     r != NULL && e == ERR_OK; r = r->next_hash) {
		struct incident *i = r->incident;

		if (!is_of(r, m)) {
			continue;
		}
		if (i != NULL && correlate_connect(i) == 0) {
			return ERR_NOMEM;
		}
		r->muted = true;
		r->qualified = false;
		if (i != NULL) {
			e = correlate_loosen(c, i);
		}
	}
	return e;
}

enum err
correlate_unmute(struct correlate *c, const char *exercise, enum key_kind kind,
		 const char *key)
{
	uint64_t h = correlate_key_hash(exercise, kind, key);
	struct mute *m = correlate_mute_find(c, h, exercise, kind, key);
	struct mute **p = &c->mutes[h % CORRELATE_MUTE_BUCKETS];
	enum err e = ERR_OK;

	if (m == NULL) {
		return ERR_OK;
	}
	while (*p != m) {
		p = &(*p)->next;
	}
	*p = m->next;
	c->n_mutes--;
	for (struct run *r = c->buckets[h & (c->n_buckets - 1)];
	     r != NULL && e == ERR_OK; r = r->next_hash) {
		if (is_of(r, m)) {
			r->muted = r->refuted;
			e = correlate_requalify(c, r);
		}
		/* What others tie it to is theirs to say. */
		if (is_of(r, m) && e == ERR_OK) {
			e = correlate_join_links(c, r);
		}
	}
	free(m);
	return e;
}

unsigned
correlate_incidents_of(const struct correlate *c, const char *exercise,
		       enum key_kind kind, const char *key, int64_t *out,
		       unsigned max)
{
	uint64_t h = correlate_key_hash(exercise, kind, key);
	unsigned n = 0;

	for (const struct run *r = c->buckets[h & (c->n_buckets - 1)];
	     r != NULL && n < max; r = r->next_hash) {
		bool known = r->hash != h || r->kind != kind ||
			     r->incident == NULL || r->incident->id == 0 ||
			     strcmp(r->key, key) != 0 ||
			     strcmp(r->exercise, exercise) != 0;

		for (unsigned i = 0; i < n && !known; i++) {
			known = out[i] == r->incident->id;
		}
		if (!known) {
			out[n++] = r->incident->id;
		}
	}
	return n;
}

bool
correlate_count_muted(struct correlate *c, const struct sighting_set *s)
{
	bool told = false;

	for (unsigned i = 0; i < s->n_keys && c->n_mutes > 0; i++) {
		enum key_kind kind = (enum key_kind)s->keys[i].kind;
		const char *key = s->keys[i].text;
		struct mute *m = correlate_mute_find(
			c, correlate_key_hash(s->exercise, kind, key),
			s->exercise, kind, key);

		if (m != NULL) {
			m->alerts += s->count;
			told = told || kind == KEY_RULE ||
			       kind == KEY_INDICATOR;
		}
	}
	return told;
}

enum err
correlate_each_muted(struct correlate *c,
		     enum err (*fn)(void *arg, const char *exercise,
				    enum key_kind kind, const char *key,
				    uint64_t alerts),
		     void *arg)
{
	enum err e = ERR_OK;

	for (size_t i = 0; c->n_mutes > 0 && i < CORRELATE_MUTE_BUCKETS; i++) {
		for (struct mute *m = c->mutes[i]; m != NULL && e == ERR_OK;
		     m = m->next) {
			if (m->alerts > 0) {
				e = fn(arg, m->exercise, m->kind, m->key,
				       m->alerts);
				m->alerts = 0;
			}
		}
	}
	return e;
}
