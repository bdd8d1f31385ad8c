/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/armed_set.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct armed_set {
	struct ioc_live *live;
	struct pattern_list *patterns;
	struct sign_key *key;
	struct delta_reader *reader;
	struct delta_head base; /* that is being read */
	bool dry;
	struct armed_counts n; /* the writer's own */
	void (*tell)(void *arg, const struct indicator *i, bool on);
	void *tell_arg;
	pthread_mutex_t lock; /* of what others see: */
	struct armed_counts shown;
};

enum err
armed_set_new(struct armed_set **out, struct ioc_live *live,
	      struct pattern_list *patterns, struct sign_key *key,
	      struct diag *d)
{
	struct armed_set *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		sign_key_free(key);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	a->live = live;
	a->patterns = patterns;
	a->key = key;
	a->reader = delta_reader_new();
	pthread_mutex_init(&a->lock, NULL);
	if (a->reader == NULL) {
		armed_set_free(a);
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	*out = a;
	return ERR_OK;
}

void
armed_set_free(struct armed_set *a)
{
	if (a == NULL) {
		return;
	}
	pthread_mutex_destroy(&a->lock);
	delta_reader_free(a->reader);
	sign_key_free(a->key);
	free(a);
}

void
armed_set_key(struct armed_set *a, struct sign_key *key)
{
	sign_key_free(a->key);
	a->key = key;
}

void
armed_set_tell(struct armed_set *a,
	       void (*fn)(void *arg, const struct indicator *i, bool on),
	       void *arg)
{
	a->tell = fn;
	a->tell_arg = arg;
}

/* What others see is of one moment. */
static void
show(struct armed_set *a)
{
	pthread_mutex_lock(&a->lock);
	a->shown = a->n;
	pthread_mutex_unlock(&a->lock);
}

void
armed_set_read(struct armed_set *a, struct armed_counts *out)
{
	pthread_mutex_lock(&a->lock);
	*out = a->shown;
	pthread_mutex_unlock(&a->lock);
}

static enum armed_verdict
count(struct armed_set *a, enum armed_verdict v)
{
	a->n.old += v == ARMED_OLD;
	a->n.gaps += v == ARMED_GAP;
	a->n.forged += v == ARMED_FORGED;
	a->n.bad += v == ARMED_BAD;
	show(a);
	return v;
}

static enum armed_verdict
verdict_of(enum err e)
{
	return e == ERR_OK     ? ARMED_TAKEN
	       : e == ERR_AUTH ? ARMED_FORGED
			       : ARMED_BAD;
}

/* The list says itself what it refuses, and no longer once that is gone. */
static enum err
apply_pattern(struct armed_set *a, const struct delta_change *c, struct diag *d)
{
	struct pattern_list_counts before, after;
	enum err e = ERR_OK;

	pattern_list_read(a->patterns, &before);
	if (c->armed) {
		e = pattern_list_arm(a->patterns, &c->i, d);
	} else {
		(void)pattern_list_disarm(a->patterns, c->i.value);
	}
	pattern_list_read(a->patterns, &after);
	if (after.changes != before.changes) {
		*(c->armed ? &a->n.armed : &a->n.disarmed) += 1;
	}
	a->n.refused += e == ERR_USAGE; /* had no room */
	return e == ERR_NOMEM ? e : ERR_OK;
}

static enum err
apply_one(struct armed_set *a, const struct delta_change *c, struct diag *d)
{
	uint64_t before = ioc_live_changes(a->live);
	uint64_t n = ioc_live_count(a->live);
	enum err e = ERR_OK;

	if (!c->known) {
		a->n.refused++;
		return ERR_OK;
	}
	if (c->i.kind == INDICATOR_PATTERN) {
		return apply_pattern(a, c, d);
	}
	if (c->armed) {
		e = ioc_live_arm(a->live, &c->i, d);
		a->n.refused += e == ERR_FORMAT || e == ERR_USAGE;
	} else {
		ioc_live_disarm(a->live, c->i.kind, c->i.value);
	}
	if (e == ERR_NOMEM || e == ERR_LIMIT) {
		return e;
	}
	if (ioc_live_changes(a->live) != before) {
		*(c->armed ? &a->n.armed : &a->n.disarmed) += 1;
		if (a->tell != NULL && ioc_live_count(a->live) != n) {
			a->tell(a->tell_arg, &c->i, c->armed);
		}
	}
	return ERR_OK;
}

/* Of one document all, or up to where it is wrong. */
static enum err
apply(struct armed_set *a, struct diag *d)
{
	struct delta_change c;
	enum err e;

	while ((e = delta_next(a->reader, &c, d)) == ERR_OK) {
		if (!a->dry) {
			e = apply_one(a, &c, d);
			if (e != ERR_OK) {
				return e;
			}
		}
	}
	return e == ERR_EOF ? ERR_OK : e;
}

enum armed_verdict
armed_set_delta(struct armed_set *a, struct view doc, struct diag *d)
{
	struct delta_head h;
	enum err e = delta_open(a->reader, doc, a->key, &h, d);

	if (e == ERR_OK && h.kind != DELTA_CHANGES) {
		e = diag_set(d, ERR_FORMAT, "no delta");
	}
	if (e != ERR_OK) {
		return count(a, verdict_of(e));
	}
	if (h.epoch < a->n.epoch ||
	    (h.epoch == a->n.epoch && h.to <= a->n.version)) {
		return count(a, ARMED_OLD);
	}
	if (h.epoch > a->n.epoch || h.from > a->n.version) {
		return count(a, ARMED_GAP);
	}
	a->dry = false;
	e = apply(a, d);
	if (e != ERR_OK) {
		return count(a, ARMED_BAD);
	}
	a->n.version = h.to;
	a->n.deltas++;
	return count(a, ARMED_TAKEN);
}

enum armed_verdict
armed_set_base(struct armed_set *a, struct view doc, bool dry,
	       struct delta_head *h, struct diag *d)
{
	enum err e = delta_open(a->reader, doc, a->key, h, d);

	if (e == ERR_OK && h->kind != DELTA_WHOLE) {
		e = diag_set(d, ERR_FORMAT, "no base");
	}
	if (e != ERR_OK) {
		return count(a, verdict_of(e));
	}
	if (!dry && (h->epoch < a->n.epoch ||
		     (h->epoch == a->n.epoch && h->to <= a->n.version))) {
		return ARMED_OLD; /* what stands there always: not counted */
	}
	a->base = *h;
	a->dry = dry;
	if (!dry) {
		a->n.refused = 0;
		ioc_live_begin(a->live);
		pattern_list_begin(a->patterns);
	}
	return ARMED_TAKEN;
}

enum armed_verdict
armed_set_part(struct armed_set *a, struct view doc, uint32_t part,
	       struct diag *d)
{
	struct delta_head h;
	enum err e = delta_open(a->reader, doc, a->key, &h, d);

	if (e == ERR_OK && (h.kind != DELTA_PART || h.epoch != a->base.epoch ||
			    h.base != a->base.base || h.part != part ||
			    part >= a->base.parts)) {
		e = diag_set(d, ERR_FORMAT,
			     "not part %" PRIu32 " of base %" PRIu64, part,
			     a->base.base);
	}
	if (e == ERR_OK) {
		e = apply(a, d);
	}
	return count(a, verdict_of(e));
}

void
armed_set_base_end(struct armed_set *a)
{
	if (!a->dry) {
		a->n.disarmed += ioc_live_sweep(a->live);
		a->n.disarmed += pattern_list_sweep(a->patterns);
		a->n.epoch = a->base.epoch;
		a->n.version = a->base.to;
		a->n.bases++;
	}
	show(a);
}

void
armed_set_clear(struct armed_set *a)
{
	ioc_live_begin(a->live);
	ioc_live_sweep(a->live);
	pattern_list_begin(a->patterns);
	(void)pattern_list_sweep(a->patterns);
	a->n.epoch = a->n.version = a->n.refused = 0;
	show(a);
}
