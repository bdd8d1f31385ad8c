/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/posture_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SITES 4096
#define NAME_CAP 64

/* What holds at one site, or at all. */
struct held {
	char site[NAME_CAP], level[POSTURE_NAME_CAP];
	uint64_t version;
};

struct posture_view {
	struct held *held;
	unsigned n;
	struct json *j;
};

static void
note_held(void *arg, const struct store_posture_order *o)
{
	struct posture_view *p = arg;
	struct held *h = &p->held[p->n++];

	snprintf(h->site, sizeof(h->site), "%s", o->site);
	snprintf(h->level, sizeof(h->level), "%s", o->level);
	h->version = o->version;
}

/* Orders are handed out newest first: the first that is for the site holds. */
static const struct held *
held_at(const struct posture_view *p, const char *site)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->held[i].site[0] == '\0' ||
		    strcmp(p->held[i].site, site) == 0) {
			return &p->held[i];
		}
	}
	return NULL;
}

enum err
posture_view_new(struct posture_view **out, struct store_reader *r)
{
	struct posture_view *p = calloc(1, sizeof(*p));
	enum err e = ERR_NOMEM;

	*out = NULL;
	if (p != NULL) {
		p->held = calloc(MAX_SITES, sizeof(*p->held));
	}
	if (p != NULL && p->held != NULL) {
		e = store_posture_each(r->db, true, MAX_SITES, note_held, p);
	}
	if (e != ERR_OK) {
		posture_view_free(p);
		return e;
	}
	*out = p;
	return ERR_OK;
}

void
posture_view_free(struct posture_view *p)
{
	if (p != NULL) {
		free(p->held);
		free(p);
	}
}

const char *
posture_view_level(const struct posture_view *p, const char *site)
{
	const struct held *h = held_at(p, site);

	return h != NULL ? h->level : NULL;
}

const char *
posture_view_trouble(const struct posture_view *p,
		     const struct store_posture_sensor *s)
{
	const struct held *h = held_at(p, s->site);

	if (s->error[0] != '\0') {
		return s->error;
	}
	if (h == NULL || (h->version != 0 && s->version >= h->version &&
			  strcmp(s->level, h->level) == 0)) {
		return "";
	}
	return h->version == 0 ? "not told yet" : "does not obey yet";
}

static void
json_level(void *arg, const char *name, const char *settings)
{
	(void)settings;
	json_cstr(arg, NULL, name);
}

static void
json_settings(void *arg, const char *name, const char *settings)
{
	json_raw(arg, name, view_cstr(settings));
}

static void
json_order(void *arg, const struct store_posture_order *o)
{
	struct json *j = arg;

	json_obj(j, NULL);
	json_i64(j, "order", o->id);
	json_time(j, "at", o->at_us);
	json_cstr(j, "level", o->level);
	if (o->site[0] != '\0') {
		json_cstr(j, "site", o->site);
	}
	json_cstr(j, "who", o->who);
	json_cstr(j, "why", o->why);
	json_u64(j, "version", o->version);
	json_obj_end(j);
}

static void
json_sensor(void *arg, const struct store_posture_sensor *s)
{
	struct posture_view *p = arg;
	struct json *j = p->j;
	const struct held *h = held_at(p, s->site);
	const char *why = posture_view_trouble(p, s);

	json_obj(j, NULL);
	json_cstr(j, "site", s->site);
	json_cstr(j, "sensor", s->sensor);
	json_cstr(j, "posture", s->level);
	json_cstr(j, "ordered", h != NULL ? h->level : "");
	json_u64(j, "version", s->version);
	json_bool(j, "obeys", why[0] == '\0');
	json_cstr(j, "trouble", why);
	json_obj_end(j);
}

enum err
posture_view_json(struct posture_view *p, struct store_reader *r,
		  unsigned orders, struct json *j)
{
	const struct held *all = held_at(p, "");
	enum err e;

	p->j = j;
	json_cstr(j, "posture", all != NULL ? all->level : "");
	json_arr(j, "levels");
	e = store_posture_each_level(r, json_level, j);
	json_arr_end(j);
	json_obj(j, "settings");
	if (e == ERR_OK) {
		e = store_posture_each_level(r, json_settings, j);
	}
	json_obj_end(j);
	json_arr(j, "orders");
	if (e == ERR_OK) {
		e = store_posture_each(r->db, false, orders, json_order, j);
	}
	json_arr_end(j);
	json_arr(j, "sensors");
	if (e == ERR_OK) {
		e = store_posture_sensors(r->db, json_sensor, p);
	}
	json_arr_end(j);
	return e;
}
