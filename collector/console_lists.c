/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_lists.h"

#include <stdio.h>

#include "collector/blind_json.h"
#include "collector/store_json.h"
#include "collector/taps_json.h"
#include "common/clock.h"

/* ------------------------------------------------------------ status, sites */

struct states {
	unsigned live, silent, other;
};

static void
count_state(struct states *t, const char *state)
{
	t->live += strcmp(state, "live") == 0;
	t->silent += strcmp(state, "silent") == 0;
	t->other += strcmp(state, "live") != 0 && strcmp(state, "silent") != 0;
}

static void
on_state(void *arg, const struct store_sensor *s)
{
	count_state(arg, s->state);
}

static void
put_states(struct json *j, const char *key, const struct states *t)
{
	json_obj(j, key);
	json_u64(j, "live", t->live);
	json_u64(j, "silent", t->silent);
	json_u64(j, "other", t->other);
	json_obj_end(j);
}

static void
on_exercise(void *arg, const char *name, uint64_t alerts)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_cstr(j, "name", name);
	json_u64(j, "alerts", alerts);
	json_obj_end(j);
}

enum err
console_list_status(struct store_reader *r, uint64_t alerts_per_minute,
		    struct json *j)
{
	struct states t = { 0 };
	struct store_status s;
	enum err e = store_read_status(r, &s);

	if (e == ERR_OK) {
		e = store_read_sensors(r, on_state, &t);
	}
	if (e != ERR_OK) {
		return e;
	}
	json_obj(j, NULL);
	json_time(j, "now", clock_wall_us());
	store_json_status(j, "store", &s);
	put_states(j, "sensors", &t);
	json_u64(j, "alerts_per_minute", alerts_per_minute);
	json_arr(j, "exercises");
	e = store_read_exercises(r, on_exercise, j);
	json_arr_end(j);
	json_obj_end(j);
	return e;
}

static enum err
get_status(struct question *q)
{
	return console_list_status(q->store, q->r->alerts_per_minute, q->j);
}

/* Sensors of one site added up; sensors come in order of their site. */
struct site_sum {
	struct question *q;
	const char *only; /* the site that is summed; NULL: those not mapped */
	char current[256];
	char owner[256];
	struct states states;
	uint64_t alerts, last_us, seen_us, lost, missing;
	bool any;
};

static void
put_site(struct site_sum *s, const char *owner, const char *place, double lat,
	 double lon)
{
	struct json *j = s->q->j;

	json_obj(j, NULL);
	json_cstr(j, "site", s->current);
	json_cstr(j, "owner", owner);
	json_cstr(j, "owner_title", mission_owner_title(s->q->missions, owner));
	json_cstr(j, "location", place);
	if (lat == lat && lon == lon) { /* not NAN */
		json_f64(j, "latitude", lat);
		json_f64(j, "longitude", lon);
	}
	put_states(j, "sensors", &s->states);
	json_u64(j, "alerts", s->alerts);
	json_u64(j, "lost_events", s->lost);
	json_u64(j, "missing_frames", s->missing);
	if (s->last_us != 0) {
		json_time(j, "last", s->last_us);
	}
	if (s->seen_us != 0) {
		json_time(j, "seen", s->seen_us);
	}
	json_obj_end(j);
}

static void
add_to_site(struct site_sum *s, const struct store_sensor *x)
{
	count_state(&s->states, x->state);
	s->alerts += x->alerts;
	s->lost += x->lost_events;
	s->missing += x->missing_frames;
	s->last_us = MAX(s->last_us, x->last_us);
	s->seen_us = MAX(s->seen_us, x->seen_us);
	s->any = true;
}

static void
start_site(struct site_sum *s, const char *site, const char *owner)
{
	struct question *q = s->q;

	*s = (struct site_sum){ .q = q };
	snprintf(s->current, sizeof(s->current), "%s", site);
	snprintf(s->owner, sizeof(s->owner), "%s", owner);
}

static void
sum_mapped(void *arg, const struct store_sensor *x)
{
	struct site_sum *s = arg;

	if (strcmp(x->site, s->current) == 0) {
		add_to_site(s, x);
	}
}

static void
on_mapped_site(void *arg, const char *site, const char *owner,
	       const char *place, double lat, double lon)
{
	struct site_sum s = { .q = arg };

	start_site(&s, site, owner);
	if (store_read_sensors(s.q->store, sum_mapped, &s) == ERR_OK) {
		put_site(&s, owner, place, lat, lon);
	}
}

struct mapped {
	const char *site;
	bool yes;
};

static void
is_mapped(void *arg, const char *site, const char *owner, const char *place,
	  double lat, double lon)
{
	struct mapped *m = arg;

	(void)owner;
	(void)place;
	(void)lat;
	(void)lon;
	m->yes |= strcmp(m->site, site) == 0;
}

static void
put_unmapped(struct site_sum *s)
{
	if (s->any) {
		put_site(s, s->owner, "", __builtin_nan(""), __builtin_nan(""));
	}
}

static void
sum_unmapped(void *arg, const struct store_sensor *x)
{
	struct site_sum *s = arg;
	struct mapped m = { .site = x->site };

	mission_each_site(s->q->missions, is_mapped, &m);
	if (m.yes) {
		return;
	}
	if (!s->any || strcmp(s->current, x->site) != 0) {
		put_unmapped(s);
		start_site(s, x->site, x->owner);
	}
	add_to_site(s, x);
}

static enum err
get_sites(struct question *q)
{
	struct site_sum s = { .q = q };
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "sites");
	mission_each_site(q->missions, on_mapped_site, q);
	e = store_read_sensors(q->store, sum_unmapped, &s);
	put_unmapped(&s);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

static void
on_sensor(void *arg, const struct store_sensor *s)
{
	store_json_sensor(((struct question *)arg)->j, s);
}

static enum err
get_sensors(struct question *q)
{
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "sensors");
	e = store_read_sensors(q->store, on_sensor, q);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

static void
on_mission(void *arg, const char *mission, const char *owner,
	   unsigned criticality, const char *services)
{
	struct question *q = arg;

	json_obj(q->j, NULL);
	json_cstr(q->j, "mission", mission);
	json_cstr(q->j, "owner", owner);
	json_u64(q->j, "criticality", criticality);
	json_cstr(q->j, "services", services);
	json_obj_end(q->j);
}

static enum err
get_missions(struct question *q)
{
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "missions");
	mission_each_mission(q->missions, on_mission, q);
	json_arr_end(q->j);
	e = blind_json_missions(q->store, q->j, "states");
	json_obj_end(q->j);
	return e;
}

/* ------------------------------------------------- alerts, groups, timeline */

static void
on_alert(void *arg, const struct store_alert *a)
{
	store_json_alert(((struct question *)arg)->j, a);
}

static enum err
get_alerts(struct question *q)
{
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "alerts");
	e = store_read_alerts(q->store, &q->f, q->limit, on_alert, q);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

static void
on_group(void *arg, const struct store_group *g)
{
	store_json_group(((struct question *)arg)->j, g);
}

static enum err
get_groups(struct question *q)
{
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "groups");
	e = store_read_groups(q->store, &q->f, q->offset, q->limit, on_group,
			      q);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

static void
on_bucket(void *arg, const struct store_bucket *b)
{
	store_json_bucket(((struct question *)arg)->j, b);
}

static enum err
get_timeline(struct question *q)
{
	enum err e;

	json_obj(q->j, NULL);
	json_u64(q->j, "step", MAX((q->step_s + 59) / 60, (uint64_t)1) * 60);
	json_arr(q->j, "buckets");
	e = store_read_timeline(q->store, &q->f, q->step_s, on_bucket, q);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

/* ---------------------------------------------------------------- coverage */

/* A day back, or from where the question says. */
static enum err
get_coverage(struct question *q)
{
	const uint64_t day = 86400 * US_PER_S;
	uint64_t now = clock_wall_us();
	unsigned n;

	return blind_json(
		q->store, q->f.from_us != 0 ? q->f.from_us : now - day,
		q->f.site, question_text(q, "asset"), q->limit, q->j, &n);
}

static enum err
get_clocks(struct question *q)
{
	enum err e;

	json_obj(q->j, NULL);
	e = taps_json_clocks(q->store, q->j, "clocks");
	json_obj_end(q->j);
	return e;
}

enum err
console_list_taps(struct question *q, int64_t id)
{
	enum err e;

	json_obj(q->j, NULL);
	json_i64(q->j, "id", id);
	e = taps_json_event(q->store, id, q->j, "taps");
	json_obj_end(q->j);
	return e;
}

/* ----------------------------------------------------------------- by name */

static const struct {
	const char *path;
	enum err (*get)(struct question *q);
} known[] = {
	{ "/api/status", get_status },     { "/api/sites", get_sites },
	{ "/api/sensors", get_sensors },   { "/api/missions", get_missions },
	{ "/api/alerts", get_alerts },     { "/api/groups", get_groups },
	{ "/api/timeline", get_timeline }, { "/api/coverage", get_coverage },
	{ "/api/clocks", get_clocks },
};

enum err
console_list(struct question *q)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i].path, q->r->path) == 0) {
			return known[i].get(q);
		}
	}
	return ERR_NOTFOUND;
}
