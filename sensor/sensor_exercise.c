/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exercises that the collector told: what their injects cause is marked, from
 * the next round on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/sensor.h"

struct retired_lanes {
	struct event_lanes *lanes;
	struct retired_lanes *before;
};

static void
lanes_free(struct event_lanes *l)
{
	if (l != NULL) {
		for (unsigned i = 0; i < l->n; i++) {
			exercise_free(l->exercise[i]);
		}
		free(l);
	}
}

/* The exercises of 'from', which may be NULL, but that of 'name' and those that
 * are over; NULL without memory. */
static struct event_lanes *
lanes_without(const struct event_lanes *from, const char *name)
{
	struct event_lanes *l = calloc(1, sizeof(*l));
	uint64_t now = clock_wall_us();

	for (unsigned i = 0; l != NULL && from != NULL && i < from->n; i++) {
		const struct exercise *e = from->exercise[i];

		/* A capture that is replayed may be of any time: what is over
		 * makes room for a day only. */
		if (strcmp(e->name, name) == 0 ||
		    e->until_us + 86400 * US_PER_S < now) {
			continue;
		}
		l->exercise[l->n] = exercise_copy(e);
		if (l->exercise[l->n] == NULL) {
			lanes_free(l);
			return NULL;
		}
		l->n++;
	}
	return l;
}

/* With the one that begins, or without the one that ends. */
static struct event_lanes *
lanes_after(const struct event_lanes *from, const struct control_doc *doc,
	    struct view text, struct diag *d)
{
	struct event_lanes *l = lanes_without(from, doc->exercise);

	if (l == NULL) {
		diag_set(d, ERR_NOMEM, "out of memory");
		return NULL;
	}
	if (doc->action == CONTROL_EXERCISE_END) {
		return l;
	}
	if (l->n == EVENT_LANES_MAX) {
		diag_set(d, ERR_LIMIT, "%d others are on", EVENT_LANES_MAX);
		lanes_free(l);
		return NULL;
	}
	if (control_exercise(text, &l->exercise[l->n], d) != ERR_OK) {
		lanes_free(l);
		return NULL;
	}
	l->n++;
	return l;
}

void
sensor_exercise_told(struct sensor *s, const struct control_doc *doc,
		     struct view text)
{
	struct sensor_exercises *x = &s->exercises;
	const struct event_lanes *from;
	struct event_lanes *next;
	struct diag d = { "" };

	pthread_mutex_lock(&x->lock);
	/* Two may come before the first is on. */
	from = x->waits ? x->told : s->lanes;
	next = lanes_after(from, doc, text, &d);
	if (next != NULL) {
		if (x->waits) {
			lanes_free(x->told);
		}
		x->told = next;
		x->waits = true;
	} else {
		x->refused++;
		log_err("exercise %s is not marked: %s", doc->exercise, d.msg);
	}
	pthread_mutex_unlock(&x->lock);
	__atomic_store_n(&sensor_idle_wanted, 1, __ATOMIC_RELAXED);
}

void
sensor_exercise_facts(struct sensor *s, struct presence_facts *out)
{
	pthread_mutex_lock(&s->exercises.lock);
	snprintf(out->exercises, sizeof(out->exercises), "%s",
		 s->exercises.names);
	pthread_mutex_unlock(&s->exercises.lock);
}

/* Parted by blanks. */
static void
note_names(struct sensor_exercises *x, const struct event_lanes *l)
{
	size_t n = 0;

	x->names[0] = '\0';
	for (unsigned i = 0; l != NULL && i < l->n; i++) {
		n += (size_t)snprintf(x->names + n, sizeof(x->names) - n,
				      "%s%s", i > 0 ? " " : "",
				      l->exercise[i]->name);
	}
}

void
sensor_exercise_turn(struct sensor *s, bool idle)
{
	struct sensor_exercises *x = &s->exercises;
	const struct event_lanes *was = s->lanes;
	struct retired_lanes *r;
	struct posture running;
	struct diag d = { "" };

	pthread_mutex_lock(&x->lock);
	r = x->waits && idle ? malloc(sizeof(*r)) : NULL;
	if (r == NULL) {
		if (x->waits) {
			__atomic_store_n(&sensor_idle_wanted, 1,
					 __ATOMIC_RELAXED);
		}
		pthread_mutex_unlock(&x->lock);
		return;
	}
	*r = (struct retired_lanes){ x->told, x->retired };
	x->retired = r;
	x->waits = false;
	s->lanes = r->lanes;
	note_names(x, r->lanes);
	pthread_mutex_unlock(&x->lock);
	pthread_mutex_lock(&s->posture.lock);
	running = s->posture.running;
	pthread_mutex_unlock(&s->posture.lock);
	if (sensor_put_in_force(s, &running, &d) != ERR_OK) {
		log_err("exercises are not marked: %s", d.msg);
		pthread_mutex_lock(&x->lock);
		s->lanes = was;
		note_names(x, was);
		pthread_mutex_unlock(&x->lock);
		return;
	}
	if (s->retro != NULL) {
		retro_set_lanes(s->retro, s->lanes);
	}
	log_info("exercises that are on: %s",
		 x->names[0] != '\0' ? x->names : "none");
}

void
sensor_exercise_free(struct sensor *s)
{
	struct sensor_exercises *x = &s->exercises;

	if (x->waits) {
		lanes_free(x->told);
	}
	while (x->retired != NULL) {
		struct retired_lanes *r = x->retired;

		x->retired = r->before;
		lanes_free(r->lanes);
		free(r);
	}
}
