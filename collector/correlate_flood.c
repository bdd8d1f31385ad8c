/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floods: so many alerts of one key within one piece of time that whatever
 * causes them is an incident by itself.
 *
 * Time is cut in pieces of flood_seconds.  Of a run the newest piece and the
 * one before are counted, so that sensors may be late by as much; what comes
 * later still counts for nothing here.  So would all that is told for as long
 * as one clock runs ahead: what is of a time to come counts for the next piece.
 */
#include "collector/correlate_state.h"

static uint64_t
length_us(const struct correlate *c)
{
	return c->cfg.flood_seconds * UINT64_C(1000000);
}

/* Where the piece of that time begins. */
static uint64_t
piece_of(const struct correlate *c, uint64_t us)
{
	if (c->now_us != 0) {
		us = MIN(us, c->now_us + length_us(c));
	}
	return us - us % length_us(c);
}

/* 'at' is where a piece begins. */
static void
add(const struct correlate *c, struct run_flood *f, uint64_t at, uint64_t n)
{
	if (at > f->at) {
		f->before = at - f->at <= length_us(c) ? f->n : 0;
		f->n = 0;
		f->at = at;
	}
	if (at == f->at) {
		f->n += n;
	} else if (f->at - at <= length_us(c)) {
		f->before += n;
	}
}

static void
judge(const struct correlate *c, struct run *r)
{
	uint64_t enough = r->kind == KEY_RULE ? c->cfg.flood_rule_alerts
					      : c->cfg.flood_alerts;

	r->flooded = r->flooded || MAX(r->flood.n, r->flood.before) >= enough;
}

/* A cause that is more than a rule, which says only how it was seen. */
static bool
is_actor(const struct run *r)
{
	return r->kind < KEY_CONDUCTS;
}

void
correlate_flood_add(const struct correlate *c, struct run *const *runs,
		    unsigned n, const struct sighting_set *s)
{
	uint64_t at = piece_of(c, s->last_us);
	bool caused = false;

	/* What is told of the past did not come as a flood. */
	if (!c->cfg.flood || !s->strong || s->past) {
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		/* A key that is muted explains what comes with it. */
		caused = caused || runs[i]->muted;
		if (is_actor(runs[i]) && !runs[i]->muted) {
			add(c, &runs[i]->flood, at, s->count);
			judge(c, runs[i]);
			caused = caused || runs[i]->flooded;
		}
	}
	/* One flood is one incident: a rule is the cause where no actor is. */
	for (unsigned i = 0; i < n && !caused; i++) {
		if (runs[i]->kind == KEY_RULE) {
			add(c, &runs[i]->flood, at, s->count);
			judge(c, runs[i]);
		}
	}
}

void
correlate_flood_merge(const struct correlate *c, struct run *a,
		      const struct run *b)
{
	a->flooded = a->flooded || b->flooded;
	add(c, &a->flood, b->flood.at, b->flood.n);
	if (b->flood.at >= length_us(c)) {
		add(c, &a->flood, b->flood.at - length_us(c), b->flood.before);
	}
	if (c->cfg.flood) {
		judge(c, a);
	}
}
