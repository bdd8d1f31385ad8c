/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_exercise.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/order_send.h"
#include "collector/pipeline_state.h"
#include "collector/store_exercise.h"
#include "collector/straggler.h"
#include "common/clock.h"
#include "common/log.h"

#define LOOK_US (US_PER_S / 2)
#define SENSORS_US (2 * US_PER_S)
#define MAX_EXERCISES 256 /* the newest; sensors mark four at a time */
#define SIGNATURE_CAP 160

struct known {
	int64_t id;
	struct exercise *exercise;
	bool ended;
	uint64_t version, end_version, until_us;
	uint64_t misplaced; /* in this transaction */
};

/* What this transaction adds for one inject at one site. */
struct hit {
	unsigned known;
	char site[SIGHTING_NAME_CAP], signature[SIGNATURE_CAP];
	struct store_exercise_hit is;
};

struct pipeline_exercise {
	struct pipeline *p;
	struct known known[MAX_EXERCISES];
	unsigned n;
	uint64_t state; /* store_exercise_state() that was looked at */
	unsigned judged; /* which of the known the latest inject is of */
	struct hit *hit;
	unsigned n_hits, cap_hits;
	struct stragglers stragglers;
	struct order_send sending;
	uint64_t next_look_us, next_sensors_us;
	bool misplaced_told;
	enum err err; /* within a callback */
};

static void
forget_known(struct pipeline_exercise *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		exercise_free(t->known[i].exercise);
	}
	t->n = 0;
}

void
pipeline_exercise_free(struct pipeline_exercise *t)
{
	if (t != NULL) {
		forget_known(t);
		stragglers_free(&t->stragglers);
		free(t->hit);
		free(t);
	}
}

static void
note_known(void *arg, const struct store_exercise *e)
{
	struct pipeline_exercise *t = arg;
	struct known *k = &t->known[t->n];
	struct diag why;

	if (t->n == MAX_EXERCISES || t->err != ERR_OK) {
		return;
	}
	t->err = store_exercise_token(e->token, &k->exercise, &why);
	if (t->err == ERR_FORMAT) {
		log_err("exercise %s: its token cannot be read: %s", e->name,
			why.msg);
		t->err = ERR_OK;
	} else if (t->err == ERR_OK) {
		k->id = e->id;
		k->ended = e->end_us != 0;
		k->version = e->version;
		k->end_version = e->end_version;
		k->until_us = e->until_us;
		k->misplaced = 0;
		t->n++;
	}
}

static enum err
load(struct pipeline_exercise *t)
{
	enum err e;

	forget_known(t);
	t->err = ERR_OK;
	t->state = store_exercise_state(store_db(t->p->store));
	e = store_exercise_each(store_db(t->p->store), NULL, note_known, t);
	return e == ERR_OK ? t->err : e;
}

enum err
pipeline_exercise_new(struct pipeline_exercise **out, struct pipeline *p,
		      struct diag *d)
{
	struct pipeline_exercise *t = calloc(1, sizeof(*t));
	enum err e = ERR_NOMEM;

	if (t != NULL) {
		t->p = p;
		t->sending.what = "exercise";
		e = load(t);
	}
	if (e != ERR_OK) {
		pipeline_exercise_free(t);
		return diag_set(d, e, "exercises cannot be read: %s",
				e == ERR_NOMEM ? "out of memory"
					       : store_error(p->store));
	}
	*out = t;
	return ERR_OK;
}

/* --- to the sensors --- */

static bool
send(struct pipeline_exercise *t, const struct known *k, const char *site,
     const char *sensor, uint64_t *version)
{
	struct control_doc doc = { .action = k->ended ? CONTROL_EXERCISE_END
						      : CONTROL_EXERCISE,
				   .token = k->exercise };

	snprintf(doc.exercise, sizeof(doc.exercise), "%s", k->exercise->name);
	return order_send(&t->sending, ingest_pool(t->p->ingest),
			  t->p->cfg.control_key, &doc, site, sensor, version);
}

static enum err
tell(struct pipeline_exercise *t, struct known *k)
{
	uint64_t *version = k->ended ? &k->end_version : &k->version;
	struct store *s = t->p->store;
	enum err e;

	if (*version != 0 || (k->ended && k->version == 0) ||
	    !send(t, k, "", "", version)) {
		return ERR_OK;
	}
	log_info("exercise %s %s", k->exercise->name,
		 k->ended ? "ends" : "begins");
	e = store_begin(s);
	if (e == ERR_OK) {
		e = store_exercise_told(store_db(s), k->id, k->ended, *version);
		e = e == ERR_OK ? store_commit(s) : e;
	}
	return e;
}

/* Whether 'name' is one of those parted by blanks. */
static bool
is_listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; (p = strstr(p, name)) != NULL; p += n) {
		if ((p == list || p[-1] == ' ') &&
		    (p[n] == '\0' || p[n] == ' ')) {
			return true;
		}
	}
	return false;
}

static void
look_at_sensor(void *arg, int64_t id, const char *site, const char *sensor,
	       const char *exercises)
{
	struct pipeline_exercise *t = arg;
	uint64_t now = clock_wall_us(), version;

	for (unsigned i = 0; i < t->n; i++) {
		const struct known *k = &t->known[i];
		bool on = !k->ended && k->version != 0 && now < k->until_us;
		bool off = k->ended && k->end_version != 0;

		if ((on || off) &&
		    is_listed(exercises, k->exercise->name) != on &&
		    straggler_due(&t->stragglers, id, k->id * 2 + k->ended) &&
		    send(t, k, site, sensor, &version)) {
			log_info("exercise %s: sensor %s/%s is told again",
				 k->exercise->name, site, sensor);
		}
	}
}

static enum err
look(struct pipeline_exercise *t, uint64_t now)
{
	sqlite3 *db = store_db(t->p->store);
	enum err e = ERR_OK;

	if (store_exercise_state(db) != t->state) {
		e = load(t);
	}
	for (unsigned i = t->n; i-- > 0 && e == ERR_OK;) {
		e = tell(t, &t->known[i]);
	}
	if (e == ERR_OK && t->n > 0 && now >= t->next_sensors_us) {
		t->next_sensors_us = now + SENSORS_US;
		straggler_look(&t->stragglers);
		e = store_exercise_sensors(db, look_at_sensor, t);
		straggler_looked(&t->stragglers);
	}
	return e;
}

enum err
pipeline_exercise_turn(struct pipeline_exercise *t, struct diag *d)
{
	uint64_t now = clock_mono_us();
	enum err e;

	if (now < t->next_look_us) {
		return ERR_OK;
	}
	t->next_look_us = now + LOOK_US;
	order_send_look(&t->sending);
	e = look(t, now);
	if (e != ERR_OK) {
		/* A full disk mends: it is tried again. */
		store_rollback(t->p->store);
		log_warn("exercises: %s: trying on", store_error(t->p->store));
		e = load(t);
	}
	return e == ERR_OK
		       ? e
		       : diag_set(d, e, "%s: %s: restart when it is mended",
				  t->p->cfg.store, store_error(t->p->store));
}

/* --- alerts --- */

const struct alert *
pipeline_exercise_judge(struct pipeline_exercise *t, const struct alert *a,
			struct alert *real, int *inject)
{
	struct view hosts[4] = { a->http_host, a->dns_rrname, a->tls_sni };
	const struct exercise_facts f = {
		.a = &a->src,
		.b = &a->dst,
		.at_us = a->timestamp_us,
		.hosts = hosts,
		.n_hosts = ARRAY_LEN(hosts),
		.gid = a->gid,
		.sid = a->sid,
		.indicator = a->has_indicator ? a->indicator.value : VIEW_NONE,
	};

	*inject = EXERCISE_REAL;
	if (a->exercise.len == 0) {
		return a;
	}
	if (a->has_indicator &&
	    view_eq(a->indicator.type, VIEW_LIT("domain"))) {
		hosts[3] = a->indicator.value;
	}
	for (unsigned i = 0; i < t->n; i++) {
		struct known *k = &t->known[i];

		if (!view_eq(a->exercise, view_cstr(k->exercise->name))) {
			continue;
		}
		*inject = exercise_inject_of(k->exercise, &f);
		if (*inject != EXERCISE_REAL) {
			t->judged = i;
			return a;
		}
		k->misplaced++;
		if (!t->misplaced_told) {
			log_warn("exercise %s: an alert of %.*s/%.*s is marked "
				 "as its own and is of none of its injects: "
				 "taken as real, as all of that kind",
				 k->exercise->name, (int)a->site.len,
				 (const char *)a->site.p, (int)a->sensor.len,
				 (const char *)a->sensor.p);
			t->misplaced_told = true;
		}
		*real = *a;
		real->exercise = VIEW_NONE;
		return real;
	}
	return a;
}

static struct hit *
hit_of(struct pipeline_exercise *t, unsigned inject, const char *site)
{
	struct hit *h;

	for (unsigned i = 0; i < t->n_hits; i++) {
		h = &t->hit[i];
		if (h->known == t->judged && h->is.inject == inject &&
		    strcmp(h->site, site) == 0) {
			return h;
		}
	}
	if (t->n_hits == t->cap_hits) {
		h = realloc(t->hit, (t->cap_hits * 2 + 16) * sizeof(*h));
		if (h == NULL) {
			return NULL;
		}
		t->hit = h;
		t->cap_hits = t->cap_hits * 2 + 16;
	}
	h = &t->hit[t->n_hits++];
	memset(h, 0, sizeof(*h));
	h->known = t->judged;
	h->is.inject = inject;
	snprintf(h->site, sizeof(h->site), "%s", site);
	return h;
}

enum err
pipeline_exercise_note(struct pipeline_exercise *t, const struct alert *a,
		       const char *site, int inject, int64_t id)
{
	struct hit *h = hit_of(t,
			       inject == EXERCISE_BESIDE ? STORE_EXERCISE_BESIDE
							 : (unsigned)inject,
			       site);

	if (h == NULL) {
		return ERR_NOMEM;
	}
	if (h->is.count++ == 0 || a->timestamp_us < h->is.first_us) {
		h->is.first_us = a->timestamp_us;
		h->is.alert = id;
		snprintf(h->signature, sizeof(h->signature), "%.*s",
			 (int)MIN(a->signature.len, (size_t)SIGNATURE_CAP - 1),
			 a->signature.len > 0 ? (const char *)a->signature.p
					      : "");
	}
	h->is.last_us = MAX(h->is.last_us, a->timestamp_us);
	return ERR_OK;
}

enum err
pipeline_exercise_keep(struct pipeline_exercise *t)
{
	sqlite3 *db = store_db(t->p->store);
	enum err e = ERR_OK;

	for (unsigned i = 0; i < t->n_hits && e == ERR_OK; i++) {
		struct hit *h = &t->hit[i];

		h->is.site = h->site;
		h->is.signature = h->signature;
		h->is.seen_us = t->p->now_us;
		e = store_exercise_hit(db, t->known[h->known].id, &h->is);
	}
	t->n_hits = 0;
	for (unsigned i = 0; i < t->n && e == ERR_OK; i++) {
		if (t->known[i].misplaced > 0) {
			e = store_exercise_misplaced(db, t->known[i].id,
						     t->known[i].misplaced);
			t->known[i].misplaced = 0;
		}
	}
	return e;
}

void
pipeline_exercise_forget(struct pipeline_exercise *t)
{
	t->n_hits = 0;
	for (unsigned i = 0; i < t->n; i++) {
		t->known[i].misplaced = 0;
	}
}
