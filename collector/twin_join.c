/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking again.  Observations that came before two clocks were compared stand
 * at times that have nothing to do with each other, or were taken for look-alikes
 * that are too far apart.  Once the clocks are known they are put where they
 * belong, and events that are one are joined.
 */
#include "collector/twin_state.h"

/* So many are looked at in one go, and of one sensor: whoever's clock moves all
 * the time does not keep the others waiting. */
#define LOOKS 2048
#define OWNER_LOOKS 512

static void
look_at_all_of(struct twins *t, struct owner *o)
{
	t->n_looking += o->look == NONE && o->oldest != NONE;
	o->look = o->oldest;
}

void
twins_look_again(struct twins *t)
{
	for (uint32_t i = 0; i < TWIN_SENSORS; i++) {
		if (t->owners[i].n > 0) {
			look_at_all_of(t, &t->owners[i]);
		}
	}
}

bool
twins_looking(const struct twins *t)
{
	return t->n_looking > 0;
}

/* Whether an observation belongs elsewhere by more than matters. */
static bool
is_off(const struct seen *s, const struct twins_clock *c)
{
	bool known;
	uint64_t us = c->right(c->arg, s->sensor, s->told_us, &known);

	return known != s->clock_known ||
	       (us > s->us ? us - s->us : s->us - us) > TWINS_RETIME_US;
}

void
twins_retime(struct twins *t, const struct twins_clock *c)
{
	for (uint32_t i = 0; i < TWIN_SENSORS; i++) {
		struct owner *o = &t->owners[i];

		if (o->n == 0 || (!is_off(&t->v[o->oldest], c) &&
				  !is_off(&t->v[o->newest], c))) {
			continue;
		}
		for (uint32_t at = o->oldest; at != NONE;
		     at = t->v[at].younger) {
			struct seen *s = &t->v[at];

			s->us = c->right(c->arg, s->sensor, s->told_us,
					 &s->clock_known);
		}
		look_at_all_of(t, o);
	}
}

/* Makes one ring of those of 'a' and 'b'; false: they were one event before. */
static bool
join(struct twins *t, uint32_t a, uint32_t b, struct twins_joined *out)
{
	uint32_t later = t->v[a].event > t->v[b].event ? a : b, at = later;
	uint32_t peer = t->v[a].peer;

	out->was = t->v[later].event;
	out->event = t->v[later == a ? b : a].event;
	do {
		t->v[at].event = out->event;
		at = t->v[at].peer;
	} while (at != later);
	t->v[a].peer = t->v[b].peer;
	t->v[b].peer = peer;
	out->sensor = twin_first_sensor(t, a);
	return out->was != out->event;
}

/* Looks at some of one sensor's. */
static unsigned
look(struct twins *t, struct owner *o, unsigned *looks,
     struct twins_joined *out, unsigned cap)
{
	unsigned mine = MIN(*looks, (unsigned)OWNER_LOOKS), n = 0;

	while (o->look != NONE && mine > 0 && n < cap) {
		uint32_t i = o->look, with = twin_find(t, &t->v[i], i);

		o->look = t->v[i].younger;
		t->n_looking -= o->look == NONE;
		mine--;
		(*looks)--;
		if (with != NONE && join(t, i, with, &out[n])) {
			n++;
		}
	}
	return n;
}

unsigned
twins_rejoin(struct twins *t, struct twins_joined *out, unsigned cap)
{
	unsigned looks = LOOKS, n = 0;

	for (uint32_t i = 0;
	     i < TWIN_SENSORS && t->n_looking > 0 && looks > 0 && n < cap;
	     i++) {
		t->turn = (t->turn + 1) % TWIN_SENSORS;
		if (t->owners[t->turn].n > 0) {
			n += look(t, &t->owners[t->turn], &looks, out + n,
				  cap - n);
		}
	}
	t->stats.rejoined += n;
	return n;
}
