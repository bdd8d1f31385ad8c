/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_posture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/correlate_case.h"
#include "collector/order_send.h"
#include "collector/pipeline_state.h"
#include "collector/store_posture.h"
#include "collector/straggler.h"
#include "common/clock.h"
#include "common/log.h"

#define LOOK_US (US_PER_S / 2)
#define SENSORS_US (2 * US_PER_S)
#define MAX_ORDERS 4096 /* that hold: one a site */

/* An order that holds, by number of level. */
struct order {
	int64_t id;
	uint64_t version;
	const struct posture *posture; /* NULL: its level is there no more */
	char site[CONTROL_NAME_CAP];
};

struct pipeline_posture {
	struct pipeline *p;
	struct correlate_config base; /* as the settings have it */
	unsigned consult_level; /* of the settings */
	bool consult_due; /* that of the posture is not applied yet */
	uint64_t next_look_us, next_sensors_us;
	int64_t newest; /* order that was looked at */
	bool untold; /* one of the orders was not sent yet */
	struct order *order; /* the newest first */
	unsigned n, cap;
	struct stragglers stragglers;
	struct order_send sending;
	unsigned sensors, behind;
	bool failed; /* out of memory, within a callback */
};

void
pipeline_posture_free(struct pipeline_posture *t)
{
	if (t != NULL) {
		free(t->order);
		stragglers_free(&t->stragglers);
		free(t);
	}
}

/* One more at the end of an array; false without memory. */
static bool
grow(void **array, unsigned n, unsigned *cap, size_t size)
{
	void *more;

	if (n < *cap) {
		return true;
	}
	more = realloc(*array, (*cap * 2 + 16) * size);
	if (more != NULL) {
		*array = more;
		*cap = *cap * 2 + 16;
	}
	return more != NULL;
}

static void
note_order(void *arg, const struct store_posture_order *o)
{
	struct pipeline_posture *t = arg;
	struct order *to;

	if (!grow((void **)&t->order, t->n, &t->cap, sizeof(*to))) {
		t->failed = true;
		return;
	}
	to = &t->order[t->n++];
	*to = (struct order){
		.id = o->id,
		.version = o->version,
		.posture = posture_levels_find(t->p->cfg.postures, o->level),
	};
	snprintf(to->site, sizeof(to->site), "%s", o->site);
	t->untold |= o->version == 0;
	if (to->posture == NULL && o->version == 0) {
		log_warn("posture: order %" PRId64 ": no level is called %s "
			 "any more; order one that there is",
			 o->id, o->level);
	}
}

/* What holds for a site; NULL: nothing was ordered. */
static struct order *
order_for(const struct pipeline_posture *t, const char *site)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->order[i].site[0] == '\0' ||
		    strcmp(t->order[i].site, site) == 0) {
			return &t->order[i];
		}
	}
	return NULL;
}

static const struct posture *
level_of_all(const struct pipeline_posture *t)
{
	const struct order *o = order_for(t, "");

	return o != NULL ? o->posture : NULL;
}

static struct correlate_config
thresholds_of(const struct pipeline_posture *t, const struct posture *p)
{
	struct correlate_config c = t->base;

	if (p != NULL) {
		c.window_us = posture_number(p, "correlate.window",
					     c.window_us / US_PER_S) *
			      US_PER_S;
		c.min_sites = (unsigned)posture_number(p, "correlate.min-sites",
						       c.min_sites);
		c.min_owners = (unsigned)posture_number(
			p, "correlate.min-owners", c.min_owners);
		c.min_stages = (unsigned)posture_number(
			p, "correlate.min-stages", c.min_stages);
	}
	return c;
}

static bool
any(void *arg, const struct incident *i)
{
	(void)arg;
	(void)i;
	return true;
}

static unsigned
consult_of(const struct pipeline_posture *t, const struct posture *p)
{
	return p == NULL ? t->consult_level
			 : (unsigned)posture_number(p, "consult.level",
						    t->consult_level);
}

/* Owners talk from another level on; what is there already may be worth it. */
static enum err
apply_consult(struct pipeline_posture *t)
{
	struct pipeline *p = t->p;
	unsigned was = p->cfg.consult.level;
	unsigned now = consult_of(t, level_of_all(t));
	enum err e = ERR_OK;

	if (now == was) {
		return ERR_OK;
	}
	p->cfg.consult.level = now;
	log_info("consultations: from level %u on", now);
	if (now > was) {
		return ERR_OK;
	}
	p->now_us = clock_wall_us();
	p->weigh_anew = correlate_look_again(p->correlate, any, NULL) > 0;
	if (p->weigh_anew) {
		e = store_begin(p->store);
		e = e == ERR_OK ? pipeline_incidents(p) : e;
		e = e == ERR_OK ? store_commit(p->store) : e;
	}
	p->weigh_anew = false;
	if (e == ERR_OK) {
		p->committed = p->stats;
		return ERR_OK;
	}
	/* It is applied anew, and memory read again by whoever failed. */
	p->cfg.consult.level = was;
	p->stats = p->committed;
	if (p->feed != NULL) {
		feed_drop(p->feed);
	}
	return e;
}

/*
 * Correlates by other thresholds: what is known is looked at anew, so that what
 * was too little before may be an incident now.
 */
static enum err
apply_here(struct pipeline_posture *t)
{
	struct pipeline *p = t->p;
	struct correlate_config c = thresholds_of(t, level_of_all(t)), was;
	enum err e;

	if (c.window_us == p->cfg.correlate.window_us &&
	    c.min_sites == p->cfg.correlate.min_sites &&
	    c.min_owners == p->cfg.correlate.min_owners &&
	    c.min_stages == p->cfg.correlate.min_stages) {
		return apply_consult(t);
	}
	was = p->cfg.correlate;
	p->cfg.correlate = c;
	p->now_us = clock_wall_us();
	e = pipeline_reload(p);
	if (e == ERR_OK) {
		e = store_begin(p->store);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
		e = e == ERR_OK ? store_commit(p->store) : e;
	}
	if (e == ERR_OK) {
		p->committed = p->stats;
		e = pipeline_correlators_declare(p);
		e = e == ERR_OK ? apply_consult(t) : e;
	} else {
		/* It is applied anew: what was told and counted is not so. */
		p->cfg.correlate = was;
		p->stats = p->committed;
		if (p->feed != NULL) {
			feed_drop(p->feed);
		}
	}
	return e;
}

static bool
send(struct pipeline_posture *t, const struct posture *level, const char *site,
     const char *sensor, uint64_t *version)
{
	struct control_doc doc = { .action = CONTROL_POSTURE,
				   .posture = *level };

	return order_send(&t->sending, ingest_pool(t->p->ingest),
			  t->p->cfg.control_key, &doc, site, sensor, version);
}

/* The oldest first: what holds for a site goes over what holds for all. */
static enum err
tell_orders(struct pipeline_posture *t)
{
	struct store *s = t->p->store;
	enum err e = ERR_OK;

	t->untold = false;
	for (unsigned i = t->n; i-- > 0 && e == ERR_OK;) {
		struct order *o = &t->order[i];

		if (o->version != 0 || o->posture == NULL) {
			continue;
		}
		if (!send(t, o->posture, o->site, "", &o->version)) {
			t->untold = true;
			return ERR_OK;
		}
		log_info("posture: %s%s%s", o->posture->level,
			 o->site[0] != '\0' ? " at site " : "", o->site);
		e = store_begin(s);
		if (e == ERR_OK) {
			e = store_posture_told(store_db(s), o->id, o->version);
			e = e == ERR_OK ? store_commit(s) : e;
		}
	}
	return e;
}

/* Those that hold. */
static enum err
read_orders(struct pipeline_posture *t)
{
	enum err e;

	t->n = 0;
	t->failed = t->untold = false;
	e = store_posture_each(store_db(t->p->store), true, MAX_ORDERS,
			       note_order, t);
	return e == ERR_OK && t->failed ? ERR_NOMEM : e;
}

static enum err
look_at_orders(struct pipeline_posture *t)
{
	int64_t newest = store_posture_newest(store_db(t->p->store));
	enum err e = ERR_OK;

	if (t->consult_due) {
		e = apply_consult(t);
		t->consult_due = e != ERR_OK;
	}
	if (e != ERR_OK || newest == t->newest) {
		return e == ERR_OK && t->untold ? tell_orders(t) : e;
	}
	e = read_orders(t);
	if (e == ERR_OK) {
		e = apply_here(t);
	}
	if (e == ERR_OK) {
		t->newest = newest;
		e = tell_orders(t);
	}
	return e;
}

enum err
pipeline_posture_new(struct pipeline_posture **out, struct pipeline *p,
		     struct diag *d)
{
	struct pipeline_posture *t = calloc(1, sizeof(*t));
	enum err e = ERR_NOMEM;

	if (t != NULL) {
		t->p = p;
		t->sending.what = "posture";
		t->base = p->cfg.correlate;
		t->consult_level = p->cfg.consult.level;
		e = ERR_OK;
	}
	if (e == ERR_OK && p->cfg.postures != NULL) {
		e = store_begin(p->store);
		if (e == ERR_OK) {
			e = store_posture_levels(store_db(p->store),
						 p->cfg.postures);
			e = e == ERR_OK ? store_commit(p->store) : e;
		}
	}
	/* What was ordered before holds for the first batch. */
	if (e == ERR_OK && p->cfg.postures != NULL) {
		t->newest = store_posture_newest(store_db(p->store));
		e = read_orders(t);
		p->cfg.correlate = thresholds_of(t, level_of_all(t));
		/* A lower one with the first look: it weighs what is there. */
		p->cfg.consult.level =
			MAX(t->consult_level, consult_of(t, level_of_all(t)));
		t->consult_due = true;
	}
	if (e != ERR_OK) {
		pipeline_posture_free(t);
		return diag_set(d, e, "postures cannot be kept: %s",
				e == ERR_NOMEM ? "out of memory"
					       : store_error(p->store));
	}
	*out = t;
	return ERR_OK;
}

/* --- those that do not obey --- */

static void
look_at_sensor(void *arg, const struct store_posture_sensor *is)
{
	struct pipeline_posture *t = arg;
	const struct order *o = order_for(t, is->site);
	uint64_t version;

	t->sensors++;
	if (o == NULL || o->posture == NULL || o->version == 0 ||
	    (is->version >= o->version &&
	     strcmp(is->level, o->posture->level) == 0)) {
		return;
	}
	t->behind++;
	if (straggler_due(&t->stragglers, is->id, o->id) &&
	    send(t, o->posture, is->site, is->sensor, &version)) {
		log_info("posture: sensor %s/%s is told again: %s", is->site,
			 is->sensor, o->posture->level);
	}
}

static enum err
look_at_sensors(struct pipeline_posture *t)
{
	enum err e;

	t->sensors = t->behind = 0;
	straggler_look(&t->stragglers);
	e = store_posture_sensors(store_db(t->p->store), look_at_sensor, t);
	straggler_looked(&t->stragglers);
	return e;
}

enum err
pipeline_posture_turn(struct pipeline_posture *t, struct diag *d)
{
	uint64_t now = clock_mono_us();
	enum err e = ERR_OK;

	if (t->p->cfg.postures == NULL || now < t->next_look_us) {
		return ERR_OK;
	}
	t->next_look_us = now + LOOK_US;
	order_send_look(&t->sending);
	e = look_at_orders(t);
	if (e == ERR_OK && t->n > 0 && now >= t->next_sensors_us) {
		t->next_sensors_us = now + SENSORS_US;
		e = look_at_sensors(t);
	}
	if (e != ERR_OK) {
		/* A full disk mends; what was not written is tried again. */
		store_rollback(t->p->store);
		log_warn("posture: %s: trying on", store_error(t->p->store));
		t->newest = 0;
		t->untold = true;
		e = pipeline_reload(t->p);
	}
	if (e != ERR_OK) {
		return diag_set(d, e, "%s: %s: restart when it is mended",
				t->p->cfg.store, store_error(t->p->store));
	}
	return t->p->feed != NULL ? feed_flush(t->p->feed, d) : ERR_OK;
}

void
pipeline_posture_facts(const struct pipeline_posture *t,
		       struct pipeline_facts *out)
{
	const struct posture *p = level_of_all(t);

	out->posture_number = p != NULL ? p->number : 0;
	out->posture_sensors = t->sensors;
	out->posture_behind = t->behind;
}
