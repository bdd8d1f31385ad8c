/* SPDX-License-Identifier: Apache-2.0 */
/* Indicators that are out of force, and what is left of what they told. */
#include "collector/correlate_state.h"

/* What may be spent on one link; beyond it, what is together stays so. */
#define LINK_STEPS 512

/* ------------------------------------------------------------ what is left */

/* Whether an indicator in force that was seen with 'r' was seen at 's' too. */
static bool
has_site(const struct run *v, const struct run_site *s, unsigned *steps)
{
	for (const struct run_site *t = v->sites; t != NULL && *steps > 0;
	     t = t->next, --*steps) {
		if (t->strong > 0 && strcmp(t->site, s->site) == 0 &&
		    strcmp(t->owner, s->owner) == 0) {
			return true;
		}
	}
	return *steps == 0;
}

/* A mute takes nothing back that was seen before. */
static bool
in_force(const struct run *v)
{
	return v->kind == KEY_INDICATOR && !v->refuted;
}

/* An analyst who puts two together has not seen them in one alert. */
static bool
vouches(const struct run_link *l)
{
	return l->alert != 0 && in_force(l->other);
}

bool
correlate_vouched(const struct run *r, const struct run_site *s,
		  unsigned *steps)
{
	if (s->strong > s->told) {
		return true;
	}
	for (const struct run_link *l = r->links; l != NULL && *steps > 0;
	     l = l->next, --*steps) {
		if (vouches(l) && has_site(l->other, s, steps)) {
			return true;
		}
	}
	/* In doubt what is together stays so. */
	return *steps == 0;
}

bool
correlate_vouched_link(const struct run *a, const struct run *b)
{
	const struct run *x = a->n_links < b->n_links ? a : b;
	const struct run *y = x == a ? b : a;
	unsigned steps = LINK_STEPS;

	for (const struct run_link *l = x->links; l != NULL && steps > 0;
	     l = l->next, steps--) {
		const struct run_link *m = vouches(l) ? l->other->links : NULL;

		for (; m != NULL && steps > 0; m = m->next, steps--) {
			if (m->other == y && m->alert != 0) {
				return true;
			}
		}
		if (steps == 0) {
			break;
		}
	}
	return steps == 0;
}

/* What of the stages 'had' one that vouches knows of too. */
static void
vouch_stages(const struct stage_times *had, const struct stage_times *v,
	     struct stage_times *out)
{
	uint32_t both = stage_mask(had) & stage_mask(v);

	for (unsigned k = 0; k < STAGE_COUNT; k++) {
		uint64_t first = MAX(had->first[k], v->first[k]);
		uint64_t last = MIN(had->last[k], v->last[k]);

		if ((both >> k & 1) != 0 && first <= last) {
			stage_add(out, k, first, last);
		}
	}
}

void
correlate_vouched_stages(const struct run *r, struct stage_times *out)
{
	*out = r->own != NULL ? *r->own : (struct stage_times){ { 0 }, { 0 } };
	for (const struct run_link *l = r->links; l != NULL; l = l->next) {
		if (vouches(l) && l->other->stages != NULL) {
			vouch_stages(r->stages, l->other->stages, out);
		}
	}
}

bool
correlate_vouched_flood(const struct correlate *c, const struct run *r)
{
	uint64_t n = 0;

	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		n += s->strong - s->told;
	}
	if (n >= (r->kind == KEY_RULE ? c->cfg.flood_rule_alerts
				      : c->cfg.flood_alerts)) {
		return true;
	}
	for (const struct run_link *l = r->links; l != NULL; l = l->next) {
		if (vouches(l) && l->other->flooded) {
			return true;
		}
	}
	return false;
}

bool
correlate_stands(const struct incident *i)
{
	for (const struct run *r = i->members; r != NULL; r = r->next_member) {
		if (r->qualified) {
			return true;
		}
		for (const struct run_link *l = r->links; l != NULL;
		     l = l->next) {
			if (l->by_hand && l->other->incident == i) {
				return true;
			}
		}
	}
	return false;
}

enum err
correlate_vouch(struct correlate *c, struct run *const *runs, unsigned n)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && c->doubts && e == ERR_OK; i++) {
		struct run_link *l = in_force(runs[i]) ? runs[i]->links : NULL;

		for (; l != NULL && e == ERR_OK; l = l->next) {
			if (l->other->doubted) {
				e = correlate_requalify(c, l->other);
			}
		}
		if (e == ERR_OK && runs[i]->doubted) {
			e = correlate_join_links(c, runs[i]);
		}
	}
	return e;
}

/* ------------------------------------------------------- refuted, believed */

static struct run *
first_of(const struct correlate *c, uint64_t h)
{
	return c->buckets[h & (c->n_buckets - 1)];
}

static bool
is_of(const struct run *r, uint64_t h, const char *key)
{
	return r->hash == h && r->kind == KEY_INDICATOR &&
	       strcmp(r->key, key) == 0;
}

static bool
to_refute(const struct run *r, uint64_t h, const char *key, uint64_t until_us)
{
	return is_of(r, h, key) && !r->refuted && r->first_us > until_us;
}

bool
correlate_would_refute(const struct correlate *c, const char *key,
		       uint64_t until_us)
{
	uint64_t h = correlate_key_hash("", KEY_INDICATOR, key);
	const struct run *r = first_of(c, h);

	while (r != NULL && !to_refute(r, h, key, until_us)) {
		r = r->next_hash;
	}
	return r != NULL;
}

bool
correlate_would_believe(const struct correlate *c, const char *key)
{
	uint64_t h = correlate_key_hash("", KEY_INDICATOR, key);
	const struct run *r = first_of(c, h);

	while (r != NULL && !(is_of(r, h, key) && r->refuted)) {
		r = r->next_hash;
	}
	return r != NULL;
}

static void
touch(struct correlate_touched *t, struct incident *i)
{
	for (unsigned k = 0; k < t->n; k++) {
		if (t->of[k] == i) {
			return;
		}
	}
	if (i != NULL && t->n < CORRELATE_TOUCHED) {
		t->of[t->n++] = i;
	}
}

/* What 'r' and what it told are part of, with the parts that are connected now.
 * What an indicator ties is one, unless analysts hold it apart: the bound is
 * enough. */
static enum err
gather(struct run *r, struct correlate_touched *t)
{
	unsigned n = t->n;

	touch(t, r->incident);
	for (struct run_link *l = r->links; l != NULL; l = l->next) {
		touch(t, l->other->incident);
	}
	for (; n < t->n; n++) {
		if (correlate_connect(t->of[n]) == 0) {
			return ERR_NOMEM;
		}
	}
	return ERR_OK;
}

/* 'r' is refuted: what it told of others is doubted. */
static void
doubt(struct correlate *c, struct run *r)
{
	for (struct run_link *l = r->links; l != NULL; l = l->next) {
		if (l->other->kind != KEY_INDICATOR) {
			l->other->doubted = c->doubts = true;
			correlate_mark_dirty(c, l->other);
		}
	}
}

/* What of that counts no more. */
static void
unqualify(struct correlate *c, struct run *r)
{
	for (struct run_link *l = r->links; l != NULL; l = l->next) {
		struct run *o = l->other;

		if (o->qualified && o->doubted &&
		    correlate_rule_of(c, o) == CORRELATE_RULES) {
			o->qualified = false;
		}
	}
}

enum err
correlate_refute(struct correlate *c, const char *key, uint64_t until_us,
		 struct correlate_touched *t)
{
	uint64_t h = correlate_key_hash("", KEY_INDICATOR, key);
	enum err e = ERR_OK;

	t->n = 0;
	for (struct run *r = first_of(c, h); r != NULL && e == ERR_OK;
	     r = r->next_hash) {
		if (to_refute(r, h, key, until_us)) {
			e = gather(r, t);
		}
	}
	for (struct run *r = first_of(c, h); r != NULL && e == ERR_OK;
	     r = r->next_hash) {
		if (to_refute(r, h, key, until_us)) {
			correlate_mark_dirty(c, r);
			r->refuted = r->muted = true;
			r->qualified = false;
			doubt(c, r);
		}
	}
	for (struct run *r = first_of(c, h); r != NULL && e == ERR_OK;
	     r = r->next_hash) {
		if (is_of(r, h, key) && r->refuted) {
			unqualify(c, r);
		}
	}
	for (unsigned i = 0; i < t->n && e == ERR_OK; i++) {
		e = correlate_loosen(c, t->of[i]);
	}
	return e;
}

/* Whether an indicator that is refuted was seen with it. */
static bool
is_doubted(const struct run *r)
{
	const struct run_link *l = r->links;

	while (l != NULL && !l->other->refuted) {
		l = l->next;
	}
	return l != NULL;
}

static enum err
believe(struct correlate *c, struct run *r)
{
	enum err e;

	r->refuted = false;
	r->muted = correlate_mute_find(c, r->hash, r->exercise, r->kind,
				       r->key) != NULL;
	correlate_mark_dirty(c, r);
	e = correlate_requalify(c, r);
	for (struct run_link *l = r->links; l != NULL && e == ERR_OK;
	     l = l->next) {
		l->other->doubted = l->other->doubted && is_doubted(l->other);
		correlate_mark_dirty(c, l->other);
		e = correlate_requalify(c, l->other);
		if (e == ERR_OK) {
			e = correlate_join_links(c, l->other);
		}
	}
	return e == ERR_OK ? correlate_join_links(c, r) : e;
}

enum err
correlate_believe(struct correlate *c, const char *key,
		  struct correlate_touched *t)
{
	uint64_t h = correlate_key_hash("", KEY_INDICATOR, key);
	enum err e = ERR_OK;

	t->n = 0;
	for (struct run *r = first_of(c, h); r != NULL && e == ERR_OK;
	     r = r->next_hash) {
		if (is_of(r, h, key) && r->refuted) {
			e = believe(c, r);
		}
	}
	/* When all have joined: what is one now is told of once. */
	for (struct run *r = first_of(c, h); r != NULL && e == ERR_OK;
	     r = r->next_hash) {
		if (is_of(r, h, key)) {
			touch(t, r->incident);
		}
	}
	return e;
}

bool
correlate_each_indicator(const struct correlate *c, size_t *at, size_t max,
			 void (*fn)(void *arg, const char *key), void *arg)
{
	for (; *at < c->n_buckets && max > 0; ++*at, max--) {
		for (const struct run *r = c->buckets[*at]; r != NULL;
		     r = r->next_hash) {
			if (r->kind == KEY_INDICATOR) {
				fn(arg, r->key);
			}
		}
	}
	return *at >= c->n_buckets;
}
