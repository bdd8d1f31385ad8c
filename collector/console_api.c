/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_api.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "collector/store_json.h"
#include "common/clock.h"

#define DEFAULT_ROWS 200
#define MAX_EVIDENCE 50
#define MAX_WHO 64
/* How many steps of SQLite's machine go between looks at the clock. */
#define PROGRESS_STEPS 10000

struct console_api {
	pthread_mutex_t lock; /* over 'store' and 'deadline_us' */
	struct store_reader *store;
	uint64_t deadline_us;
	const struct mission_map *missions;
};

/* What was asked, as it was understood. */
struct question {
	struct console_api *a;
	const struct api_request *r;
	struct json *j;
	struct store_alert_filter f;
	unsigned limit, offset;
	uint64_t step_s;
	const char *wrong; /* the parameter that made no sense */
};

static int
out_of_time(void *arg)
{
	const struct console_api *a = arg;

	return clock_mono_us() > a->deadline_us;
}

enum err
console_api_new(struct console_api **out, const char *store,
		const struct mission_map *missions, struct diag *d)
{
	struct console_api *a = calloc(1, sizeof(*a));
	enum err e;

	*out = NULL;
	if (a == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	e = store_reader_open(&a->store, store, d);
	if (e != ERR_OK) {
		free(a);
		return e;
	}
	pthread_mutex_init(&a->lock, NULL);
	a->missions = missions;
	sqlite3_progress_handler(a->store->db, PROGRESS_STEPS, out_of_time, a);
	*out = a;
	return ERR_OK;
}

void
console_api_free(struct console_api *a)
{
	if (a != NULL) {
		store_reader_close(a->store);
		pthread_mutex_destroy(&a->lock);
		free(a);
	}
}

static unsigned
refuse(struct json *j, unsigned status, const char *why)
{
	json_reset(j);
	json_obj(j, NULL);
	json_cstr(j, "error", why);
	json_obj_end(j);
	return status;
}

static unsigned
failure(struct json *j, enum err e)
{
	return e == ERR_NOTFOUND
		       ? refuse(j, 404, "there is no such thing")
		       : refuse(j, 503,
				"the store did not answer in time: narrow the "
				"question or ask again");
}

/* -------------------------------------------------------------- parameters */

static uint64_t
number_param(struct question *q, const char *name, uint64_t fallback,
	     uint64_t max)
{
	const char *s = q->r->param(q->r->arg, name);
	char *end;
	uint64_t v;

	if (s == NULL || *s == '\0') {
		return fallback;
	}
	errno = 0;
	v = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 || v > max) {
		q->wrong = name;
		return fallback;
	}
	return v;
}

static const char *
text_param(struct question *q, const char *name)
{
	const char *s = q->r->param(q->r->arg, name);

	return s != NULL && *s != '\0' ? s : NULL;
}

static uint64_t
time_param(struct question *q, const char *name)
{
	const char *s = text_param(q, name);
	uint64_t us = 0;

	if (s != NULL && !clock_parse_iso(view_cstr(s), &us)) {
		q->wrong = name;
	}
	return us;
}

static void
read_params(struct question *q)
{
	struct store_alert_filter *f = &q->f;
	const char *s = text_param(q, "address");

	if (s != NULL) {
		f->has_addr = addr_parse(view_cstr(s), &f->addr);
		q->wrong = f->has_addr ? q->wrong : "address";
	}
	f->exercise = text_param(q, "exercise");
	f->scope = f->exercise == NULL             ? STORE_REAL
		   : strcmp(f->exercise, "*") == 0 ? STORE_BOTH
						   : STORE_EXERCISE;
	f->site = text_param(q, "site");
	f->sensor = text_param(q, "sensor");
	f->text = text_param(q, "text");
	f->sid = (uint32_t)number_param(q, "sid", 0, UINT32_MAX);
	f->max_severity = (uint8_t)number_param(q, "severity", 0, UINT8_MAX);
	f->from_us = time_param(q, "from");
	f->to_us = time_param(q, "to");
	f->before_id = (int64_t)number_param(q, "before", 0, INT64_MAX);
	f->after_id = (int64_t)number_param(q, "after", 0, INT64_MAX);
	q->limit = (unsigned)number_param(q, "limit", DEFAULT_ROWS,
					  STORE_MAX_ROWS);
	q->limit = MIN(q->limit, (unsigned)API_MAX_ROWS);
	q->offset = (unsigned)number_param(q, "offset", 0, 1000000000);
	q->step_s = number_param(q, "step", 60, 31536000);
}

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
console_api_status(struct store_reader *r, uint64_t alerts_per_minute,
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
	return console_api_status(q->a->store, q->r->alerts_per_minute, q->j);
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
	json_cstr(j, "owner_title",
		  mission_owner_title(s->q->a->missions, owner));
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
	if (store_read_sensors(s.q->a->store, sum_mapped, &s) == ERR_OK) {
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

	mission_each_site(s->q->a->missions, is_mapped, &m);
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
	mission_each_site(q->a->missions, on_mapped_site, q);
	e = store_read_sensors(q->a->store, sum_unmapped, &s);
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
	e = store_read_sensors(q->a->store, on_sensor, q);
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
	json_obj(q->j, NULL);
	json_arr(q->j, "missions");
	mission_each_mission(q->a->missions, on_mission, q);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return ERR_OK;
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
	e = store_read_alerts(q->a->store, &q->f, q->limit, on_alert, q);
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
	e = store_read_groups(q->a->store, &q->f, q->offset, q->limit, on_group,
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
	e = store_read_timeline(q->a->store, &q->f, q->step_s, on_bucket, q);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

/* --------------------------------------------------------------- incidents */

struct incident_list {
	struct question *q;
	unsigned skipped, shown;
};

static void
on_incident(void *arg, const struct store_incident *i)
{
	struct incident_list *l = arg;
	const struct question *q = l->q;

	if ((q->f.scope == STORE_EXERCISE &&
	     strcmp(i->exercise, q->f.exercise) != 0) ||
	    l->shown == q->limit) {
		return;
	}
	if (l->skipped < q->offset) {
		l->skipped++;
		return;
	}
	l->shown++;
	store_json_incident(q->j, NULL, i);
	json_obj_end(q->j);
}

static enum err
get_incidents(struct question *q)
{
	struct incident_list l = { .q = q };
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "incidents");
	e = store_read_incidents(q->a->store, q->f.scope,
				 text_param(q, "state"), 0, STORE_MAX_ROWS,
				 on_incident, &l);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e;
}

static void
on_log(void *arg, const struct store_log *l)
{
	store_json_log(arg, l);
}

static void
on_sighting(void *arg, const struct store_sighting *s)
{
	store_json_sighting(arg, s);
}

/* One incident, and the alerts that its summary names as evidence. */
struct incident_page {
	struct question *q;
	int64_t evidence[MAX_EVIDENCE];
	unsigned n_evidence;
};

static void
on_page(void *arg, const struct store_incident *i)
{
	struct incident_page *p = arg;
	json_t *summary = json_loads(i->summary, 0, NULL);
	const json_t *ids = json_object_get(summary, "evidence");

	for (size_t k = 0; k < json_array_size(ids) && k < MAX_EVIDENCE; k++) {
		p->evidence[p->n_evidence++] =
			json_integer_value(json_array_get(ids, k));
	}
	json_decref(summary);
	store_json_incident(p->q->j, NULL, i);
}

static enum err
get_incident(struct question *q, int64_t id)
{
	struct incident_page p = { .q = q };
	struct store_reader *r = q->a->store;
	struct json *j = q->j;
	enum err e = store_read_incident(r, id, on_page, &p);

	if (e != ERR_OK) {
		return e;
	}
	json_arr(j, "log");
	e = store_read_incident_log(r, id, on_log, j);
	json_arr_end(j);
	json_arr(j, "sightings");
	if (e == ERR_OK) {
		e = store_read_sightings(r, id, API_MAX_ROWS, on_sighting, j);
	}
	json_arr_end(j);
	json_arr(j, "evidence");
	for (unsigned k = 0; k < p.n_evidence && e == ERR_OK; k++) {
		e = store_read_alert(r, p.evidence[k], on_alert, q);
		/* Old alerts may be gone while the incident is kept. */
		e = e == ERR_NOTFOUND ? ERR_OK : e;
	}
	json_arr_end(j);
	json_obj_end(j);
	return e;
}

/* "note" and "who" of the body; both may be absent, as may the body. */
static bool
read_change(struct view body, json_t **doc, const char **who, const char **note)
{
	*who = "console";
	*note = "";
	*doc = NULL;
	if (body.len == 0) {
		return true;
	}
	*doc = json_loadb((const char *)body.p, body.len,
			  JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(*doc)) {
		return false;
	}
	for (unsigned i = 0; i < 2; i++) {
		const json_t *v =
			json_object_get(*doc, i == 0 ? "note" : "who");
		size_t cap = i == 0 ? API_MAX_NOTE : MAX_WHO;

		if (v == NULL) {
			continue;
		}
		if (!json_is_string(v) || json_string_length(v) > cap) {
			return false;
		}
		if (i == 0) {
			*note = json_string_value(v);
		} else if (json_string_length(v) > 0) {
			*who = json_string_value(v);
		}
	}
	return true;
}

static unsigned
change_incident(struct question *q, int64_t id, const char *verb)
{
	static const struct {
		const char *verb, *state;
	} verbs[] = { { "ack", "ack" },
		      { "close", "closed" },
		      { "reopen", "open" } };
	const char *state = NULL, *who, *note;
	struct diag d = { "" };
	json_t *doc;
	enum err e;

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		state = strcmp(verb, verbs[i].verb) == 0 ? verbs[i].state
							 : state;
	}
	if (state == NULL) {
		return failure(q->j, ERR_NOTFOUND);
	}
	if (!read_change(q->r->body, &doc, &who, &note)) {
		json_decref(doc);
		return refuse(q->j, 400,
			      "the body must be a JSON object with \"note\" "
			      "and \"who\" as short texts");
	}
	/* On a connection of its own: no lock is held while it waits. */
	e = store_incident_set_state(q->a->store, id, state, who, note, &d);
	json_decref(doc);
	if (e != ERR_OK) {
		return refuse(q->j,
			      e == ERR_NOTFOUND ? 404
			      : e == ERR_USAGE  ? 409
						: 503,
			      e == ERR_NOTFOUND || e == ERR_USAGE
				      ? d.msg
				      : "the store is busy: try again");
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "id", id);
	json_cstr(q->j, "state", state);
	json_obj_end(q->j);
	return 200;
}

/* ------------------------------------------------------------------ routing */

static const struct {
	const char *path;
	enum err (*get)(struct question *q);
} lists[] = {
	{ "/api/status", get_status },       { "/api/sites", get_sites },
	{ "/api/sensors", get_sensors },     { "/api/missions", get_missions },
	{ "/api/incidents", get_incidents }, { "/api/alerts", get_alerts },
	{ "/api/groups", get_groups },       { "/api/timeline", get_timeline },
};

/* "PREFIX" then a number, then "" or "/VERB"; false when it is not that. */
static bool
read_id(const char *path, const char *prefix, int64_t *id, const char **verb)
{
	size_t n = strlen(prefix), digits;

	if (strncmp(path, prefix, n) != 0) {
		return false;
	}
	path += n;
	digits = strspn(path, "0123456789");
	if (digits == 0 || digits > 18 ||
	    (path[digits] != '\0' && path[digits] != '/')) {
		return false;
	}
	*id = strtoll(path, NULL, 10);
	*verb = path[digits] == '/' ? path + digits + 1 : NULL;
	return *id > 0;
}

static enum err
route(struct question *q)
{
	const char *path = q->r->path, *verb = NULL;
	int64_t id = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strcmp(lists[i].path, path) == 0) {
			return lists[i].get(q);
		}
	}
	if (read_id(path, "/api/incidents/", &id, &verb) && verb == NULL) {
		return get_incident(q, id);
	}
	if (read_id(path, "/api/alerts/", &id, &verb) && verb == NULL) {
		return store_read_alert(q->a->store, id, on_alert, q);
	}
	return ERR_NOTFOUND;
}

unsigned
console_api_answer(struct console_api *a, const struct api_request *r,
		   struct json *j)
{
	struct question q = { .a = a, .r = r, .j = j };
	const char *verb = NULL;
	int64_t id = 0;
	enum err e;

	json_reset(j);
	if (r->post) {
		if (!read_id(r->path, "/api/incidents/", &id, &verb) ||
		    verb == NULL) {
			return failure(j, ERR_NOTFOUND);
		}
		return change_incident(&q, id, verb);
	}
	read_params(&q);
	if (q.wrong != NULL) {
		char why[128];

		snprintf(why, sizeof(why), "%s: this value makes no sense",
			 q.wrong);
		return refuse(j, 400, why);
	}
	pthread_mutex_lock(&a->lock);
	a->deadline_us = clock_mono_us() + API_PATIENCE_US;
	e = route(&q);
	pthread_mutex_unlock(&a->lock);
	if (e == ERR_OK && !j->failed) {
		return 200;
	}
	return failure(j, e);
}

bool
console_api_healthy(struct console_api *a)
{
	struct store_status s;
	bool ok;

	pthread_mutex_lock(&a->lock);
	a->deadline_us = clock_mono_us() + API_PATIENCE_US;
	ok = store_read_status(a->store, &s) == ERR_OK;
	pthread_mutex_unlock(&a->lock);
	return ok;
}
