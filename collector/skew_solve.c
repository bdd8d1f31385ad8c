/* SPDX-License-Identifier: Apache-2.0 */
/* From the samples of pairs to offsets, and from those of pairs to sensors. */
#include "collector/skew_state.h"

#include <math.h>
#include <stdlib.h>

/* Quartz is better than this by far; more is not a drift. */
#define MAX_DRIFT 0.001
#define ROUNDS 20
/* So many in a row that all disagree with the rest: the clock was set. */
#define STEP_SAMPLES 10
#define STEP_US 50000.0
/* Below it, noise is not told apart: the resolution of what is wanted. */
#define FLOOR_US 200.0
/* By so much the ways between three taps may differ. */
#define TRIANGLE_US 200000.0

static int
by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 != 0 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* The i-th sample from the oldest one on. */
static const struct skew_sample *
sample(const struct skew_pair *p, uint32_t i)
{
	return &p->ring[(p->next + SKEW_SAMPLES - p->n + i) % SKEW_SAMPLES];
}

/* Time since the first sample, in microseconds; may be negative. */
static double
since(const struct skew_pair *p, uint32_t i)
{
	return (double)(int64_t)(sample(p, i)->at_us - sample(p, 0)->at_us);
}

/*
 * The median of the slopes between samples half the ring apart: a third of
 * them may be wrong.
 */
static double
slope_of(const struct skew_pair *p)
{
	double v[SKEW_SAMPLES];
	uint32_t half = p->n / 2, n = 0;

	for (uint32_t i = 0; i + half < p->n; i++) {
		double t = since(p, i + half) - since(p, i);

		if (fabs(t) >= 1e6) {
			v[n++] = (double)(sample(p, i + half)->diff_us -
					  sample(p, i)->diff_us) /
				 t;
		}
	}
	return n >= SKEW_MIN_SAMPLES ? median(v, n) : 0;
}

/* Offset at the last sample for a drift, and the median of what is left. */
static double
fit(const struct skew_pair *p, double drift, double *spread)
{
	double v[SKEW_SAMPLES], end = since(p, p->n - 1), offset;

	for (uint32_t i = 0; i < p->n; i++) {
		v[i] = (double)sample(p, i)->diff_us -
		       drift * (since(p, i) - end);
	}
	offset = median(v, p->n);
	for (uint32_t i = 0; i < p->n; i++) {
		v[i] = fabs((double)sample(p, i)->diff_us -
			    drift * (since(p, i) - end) - offset);
	}
	*spread = MAX(1.4826 * median(v, p->n), FLOOR_US);
	return offset;
}

/* Whether the latest samples all stand off, on one side and close together:
 * then the older ones are of a clock that is no more. */
static bool
stepped(const struct skew_pair *p, double offset, double spread)
{
	double least = 0, most = 0;

	if (p->n < 2 * STEP_SAMPLES) {
		return false;
	}
	for (uint32_t i = p->n - STEP_SAMPLES; i < p->n; i++) {
		double off = (double)sample(p, i)->diff_us - offset;

		least = i == p->n - STEP_SAMPLES ? off : MIN(least, off);
		most = i == p->n - STEP_SAMPLES ? off : MAX(most, off);
	}
	return (least > 0 || most < 0) &&
	       MIN(fabs(least), fabs(most)) > 6 * spread + STEP_US &&
	       most - least < 6 * spread + STEP_US;
}

void
skew_estimate(struct skew_pair *p)
{
	double spread, flat, with, offset, drift;

	p->error_us = UINT64_MAX;
	if (p->n < SKEW_MIN_SAMPLES) {
		return;
	}
	drift = slope_of(p);
	offset = fit(p, 0, &flat);
	spread = flat;
	if (fabs(drift) <= MAX_DRIFT && drift != 0) {
		with = fit(p, drift, &spread);
		/* Only when it explains what stays the same would not. */
		if (spread < 0.7 * flat) {
			offset = with;
		} else {
			spread = flat;
			drift = 0;
		}
	} else {
		drift = 0;
	}
	if (stepped(p, offset, spread)) {
		p->n = STEP_SAMPLES;
		skew_estimate(p);
		return;
	}
	p->offset_us = llround(offset);
	p->drift = drift;
	p->error_us = (uint64_t)llround(3 * spread / sqrt((double)p->n));
	p->at_us = sample(p, p->n - 1)->at_us;
}

/* -------------------------------------------------- from pairs to sensors */

struct vote {
	double value, weight;
};

static int
by_vote(const void *x, const void *y)
{
	const struct vote *a = x, *b = y;

	return a->value < b->value ? -1 : a->value > b->value;
}

/* The value with half of the weight on either side; where several have, that
 * nearest to 'now': two that contradict each other move nothing. */
static double
weighted_median(struct vote *v, size_t n, double now)
{
	double all = 0, sum = 0;

	qsort(v, n, sizeof(*v), by_vote);
	for (size_t i = 0; i < n; i++) {
		all += v[i].weight;
	}
	for (size_t i = 0; i < n; i++) {
		sum += v[i].weight;
		if (fabs(sum - all / 2) < all * 1e-9 && i + 1 < n) {
			return MAX(v[i].value, MIN(now, v[i + 1].value));
		}
		if (sum > all / 2) {
			return v[i].value;
		}
	}
	return n > 0 ? v[n - 1].value : now;
}

/* One pair as the solver sees it. */
struct edge {
	unsigned a, b;
	double offset, drift, weight, error;
	unsigned triangles; /* with a third sensor, that close */
	bool open; /* there are some, and none closes */
};

struct graph {
	struct skew *s;
	struct edge *edges;
	unsigned n;
	struct vote *votes;
};

/*
 * Of three sensors the offsets must add up to nothing.  A pair that is part of
 * such triangles, none of which adds up, is left out: one of both lies, and if
 * three agree, these are not among them.  '*row' has the edges of 'a' by the
 * other end.
 */
static void
judge(const struct graph *g, struct edge *e, struct edge *const *row)
{
	bool any = false;

	for (unsigned k = 0; k < g->n; k++) {
		const struct edge *f = &g->edges[k], *h;
		double way;

		if (f == e || (f->a != e->b && f->b != e->b)) {
			continue;
		}
		h = row[f->a == e->b ? f->b : f->a];
		if (h == NULL) {
			continue;
		}
		any = true;
		way = (h->a == e->a ? h->offset : -h->offset) +
		      (f->b == e->b ? f->offset : -f->offset);
		e->triangles += fabs(way - e->offset) <
				TRIANGLE_US + e->error + f->error + h->error;
	}
	e->open = any && e->triangles == 0;
}

static void
judge_all(struct graph *g)
{
	struct edge *row[SKEW_SENSORS];
	unsigned kept = 0;

	for (unsigned i = 0; i < g->s->n_sensors; i++) {
		memset(row, 0, sizeof(row));
		for (unsigned k = 0; k < g->n; k++) {
			struct edge *e = &g->edges[k];

			if (e->a == i || e->b == i) {
				row[e->a == i ? e->b : e->a] = e;
			}
		}
		for (unsigned k = 0; k < g->n; k++) {
			if (g->edges[k].a == i) {
				judge(g, &g->edges[k], row);
			}
		}
	}
	for (unsigned k = 0; k < g->n; k++) {
		if (!g->edges[k].open) {
			g->edges[kept++] = g->edges[k];
		}
	}
	g->n = kept;
}

static int
by_weight(const void *x, const void *y)
{
	const struct edge *a = x, *b = y;

	if (a->triangles != b->triangles) {
		return a->triangles > b->triangles ? -1 : 1;
	}
	return a->weight > b->weight ? -1 : a->weight < b->weight;
}

/*
 * A first guess: along the pairs that know best, each sensor once.  What hangs
 * together gets one number.
 */
static void
span(struct graph *g)
{
	struct skew *s = g->s;
	unsigned component = 0;

	for (unsigned i = 0; i < s->n_sensors; i++) {
		s->sensors[i].component = 0;
		s->sensors[i].offset = s->sensors[i].drift = 0;
	}
	qsort(g->edges, g->n, sizeof(*g->edges), by_weight);
	for (unsigned i = 0; i < g->n; i++) {
		bool more = true;

		if (s->sensors[g->edges[i].a].component != 0) {
			continue;
		}
		s->sensors[g->edges[i].a].component = ++component;
		while (more) {
			more = false;
			for (unsigned k = 0; k < g->n; k++) {
				struct edge *e = &g->edges[k];
				struct skew_sensor *a = &s->sensors[e->a],
						   *b = &s->sensors[e->b];

				if ((a->component == component) ==
				    (b->component == component)) {
					continue;
				}
				more = true;
				if (a->component == component) {
					b->component = component;
					b->offset = a->offset + e->offset;
					b->drift = a->drift + e->drift;
				} else {
					a->component = component;
					a->offset = b->offset - e->offset;
					a->drift = b->drift - e->drift;
				}
				break; /* the best pair again first */
			}
		}
	}
}

/* What the pairs of sensor 'i' say of it, by the others as they stand. */
static void
adjust(struct graph *g, unsigned i)
{
	struct skew_sensor *v = g->s->sensors;
	size_t n = 0;

	for (unsigned k = 0; k < g->n; k++) {
		const struct edge *e = &g->edges[k];

		if (e->b == i) {
			g->votes[n++] =
				(struct vote){ v[e->a].offset + e->offset,
					       e->weight };
		} else if (e->a == i) {
			g->votes[n++] =
				(struct vote){ v[e->b].offset - e->offset,
					       e->weight };
		}
	}
	if (n > 1) {
		v[i].offset = weighted_median(g->votes, n, v[i].offset);
	}
}

/* What a sensor's pairs say, to its row. */
static void
settle(struct graph *g, unsigned i, double middle, double drift, unsigned size)
{
	struct skew_sensor *v = &g->s->sensors[i];
	struct skew_clock *c = &v->clock, was = *c;
	unsigned agree = 0;

	c->shared = c->others = 0;
	c->error_us = UINT64_MAX;
	c->offset_us = llround(v->offset - middle);
	c->drift = v->drift - drift;
	for (unsigned k = 0; k < g->s->n_pairs; k++) {
		const struct skew_pair *p = g->s->pairs[k];
		bool mine = p->a == c->sensor || p->b == c->sensor;

		if (mine && p->error_us != UINT64_MAX) {
			const struct skew_sensor *o = &g->s->sensors[skew_find(
				g->s, p->a == c->sensor ? p->b : p->a)];
			double d = p->a == c->sensor ? -(double)p->offset_us
						     : (double)p->offset_us;

			c->others++;
			c->shared += p->total;
			c->error_us = MIN(c->error_us, p->error_us);
			c->at_us = MAX(c->at_us, p->at_us);
			agree += fabs(o->offset + d - v->offset) <
				 SKEW_FLAG_US / 2.0;
		}
	}
	c->state = size < 3 ? SKEW_RELATIVE
		   : (uint64_t)llabs(c->offset_us) < SKEW_FLAG_US + c->error_us
			   ? SKEW_GOOD
		   : agree >= 2 ? SKEW_OFF
				: SKEW_RELATIVE;
	c->turned = c->turned || c->state != was.state;
	c->changed = c->changed || c->state != was.state ||
		     c->offset_us != was.offset_us || c->shared != was.shared;
}

/* Those of one component: the middle of them is right. */
static void
settle_component(struct graph *g, unsigned component)
{
	struct skew *s = g->s;
	double offsets[SKEW_SENSORS], drifts[SKEW_SENSORS];
	double middle, drift;
	unsigned n = 0, first = SKEW_SENSORS;

	for (unsigned i = 0; i < s->n_sensors; i++) {
		if (s->sensors[i].component == component) {
			offsets[n] = s->sensors[i].offset;
			drifts[n++] = s->sensors[i].drift;
			if (first == SKEW_SENSORS ||
			    s->sensors[i].clock.sensor <
				    s->sensors[first].clock.sensor) {
				first = i;
			}
		}
	}
	if (n == 0) {
		return;
	}
	/* One that exists, not a mean of two. */
	qsort(offsets, n, sizeof(*offsets), by_value);
	qsort(drifts, n, sizeof(*drifts), by_value);
	middle = n < 3 ? s->sensors[first].offset : offsets[(n - 1) / 2];
	drift = n < 3 ? s->sensors[first].drift : drifts[(n - 1) / 2];
	for (unsigned i = 0; i < s->n_sensors; i++) {
		if (s->sensors[i].component == component) {
			settle(g, i, middle, drift, n);
		}
	}
}

void
skew_solve(struct skew *s)
{
	struct graph g = { .s = s };

	if (!s->dirty) {
		return;
	}
	g.edges = malloc((s->n_pairs + 1) * sizeof(*g.edges));
	g.votes = malloc((s->n_pairs + 1) * sizeof(*g.votes));
	if (g.edges == NULL || g.votes == NULL) {
		free(g.edges);
		free(g.votes);
		return; /* the former offsets stay until the next time */
	}
	s->dirty = false;
	for (unsigned i = 0; i < s->n_pairs; i++) {
		struct skew_pair *p = s->pairs[i];

		if (p->changed) {
			skew_estimate(p);
		}
		if (p->error_us != UINT64_MAX) {
			g.edges[g.n++] = (struct edge){ skew_find(s, p->a),
							skew_find(s, p->b),
							(double)p->offset_us,
							p->drift,
							sqrt((double)p->n),
							(double)p->error_us,
							0,
							false };
		}
	}
	judge_all(&g);
	span(&g);
	for (unsigned r = 0; r < ROUNDS; r++) {
		for (unsigned i = 0; i < s->n_sensors; i++) {
			adjust(&g, i);
		}
	}
	for (unsigned i = 1; i <= s->n_sensors; i++) {
		settle_component(&g, i);
	}
	for (unsigned i = 0; i < s->n_sensors; i++) {
		struct skew_clock *c = &s->sensors[i].clock;

		if (s->sensors[i].component == 0 && c->state != SKEW_UNKNOWN) {
			*c = (struct skew_clock){ .sensor = c->sensor,
						  .error_us = UINT64_MAX,
						  .changed = true };
		}
	}
	free(g.edges);
	free(g.votes);
}
