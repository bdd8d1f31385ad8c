/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_posture.h"

#include <inttypes.h>
#include <stdlib.h>

#include "collector/store_posture.h"
#include "collector/store_sql.h"

#define ORDERS_SHOWN 10
#define MAX_SITES 4096
#define NAME_CAP 64

/* What holds at one site, or at all. */
struct held {
	char site[NAME_CAP], level[POSTURE_NAME_CAP];
	uint64_t version;
};

struct picture {
	struct ctl *c;
	struct held *held;
	unsigned n, behind, sensors, orders;
	bool untold; /* the newest order was not told to the sensors */
};

static void
note_held(void *arg, const struct store_posture_order *o)
{
	struct picture *p = arg;
	struct held *h = &p->held[p->n++];

	snprintf(h->site, sizeof(h->site), "%s", o->site);
	snprintf(h->level, sizeof(h->level), "%s", o->level);
	h->version = o->version;
}

/* Orders are handed out newest first: the first that is for the site holds. */
static const struct held *
held_at(const struct picture *p, const char *site)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->held[i].site[0] == '\0' ||
		    strcmp(p->held[i].site, site) == 0) {
			return &p->held[i];
		}
	}
	return NULL;
}

/* "": it does; else why not. */
static const char *
trouble(const struct picture *p, const struct store_posture_sensor *s)
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
	struct picture *p = arg;
	struct json *j = &p->c->j;
	const struct held *h = held_at(p, s->site);
	const char *why = trouble(p, s);

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

static enum err
show_json(struct picture *p)
{
	struct ctl *c = p->c;
	struct json *j = &c->j;
	const struct held *all = held_at(p, "");
	enum err e;

	json_obj(j, NULL);
	json_cstr(j, "posture", all != NULL ? all->level : "");
	json_arr(j, "levels");
	e = store_posture_each_level(c->store, json_level, j);
	json_arr_end(j);
	json_obj(j, "settings");
	if (e == ERR_OK) {
		e = store_posture_each_level(c->store, json_settings, j);
	}
	json_obj_end(j);
	json_arr(j, "orders");
	if (e == ERR_OK) {
		e = store_posture_each(c->store->db, false,
				       c->limited ? c->limit : ORDERS_SHOWN,
				       json_order, j);
	}
	json_arr_end(j);
	json_arr(j, "sensors");
	if (e == ERR_OK) {
		e = store_posture_sensors(c->store->db, json_sensor, p);
	}
	json_arr_end(j);
	json_obj_end(j);
	return e == ERR_OK ? ctl_flush_json(c) : e;
}

static void
text_level(void *arg, const char *name, const char *settings)
{
	struct ctl_text *x = arg;

	(void)settings;
	fprintf(x->out, " %s", ctl_clean(x, name));
}

/* What each level changes: {"a":"1","b":"2"} as "a=1, b=2". */
static void
text_settings(void *arg, const char *name, const char *settings)
{
	struct ctl_text *x = arg;
	const char *s;
	bool quoted = false;

	if (strcmp(settings, "{}") == 0) {
		return;
	}
	fprintf(x->out, "  %s: ", ctl_clean(x, name));
	for (s = ctl_clean(x, settings); *s != '\0'; s++) {
		quoted = *s == '"' ? !quoted : quoted;
		if (quoted && *s != '"') {
			fputc(*s, x->out);
		} else if (*s == ':') {
			fputc('=', x->out);
		} else if (*s == ',') {
			fputs(", ", x->out);
		}
	}
	fputc('\n', x->out);
}

static void
text_order(void *arg, const struct store_posture_order *o)
{
	struct picture *p = arg;
	struct ctl_text *x = &p->c->text;

	p->untold |= p->orders == 0 && o->version == 0;
	p->orders++;
	ctl_column(x, 20, ctl_time(x, o->at_us));
	ctl_column(x, 14, o->level);
	ctl_column(x, 14, o->site[0] != '\0' ? o->site : "all sites");
	ctl_column(x, 12, o->who);
	fprintf(x->out, "%s\n", ctl_clean(x, o->why));
}

static void
text_sensor(void *arg, const struct store_posture_sensor *s)
{
	struct picture *p = arg;
	struct ctl_text *x = &p->c->text;
	const char *why = trouble(p, s);

	p->sensors++;
	p->behind += why[0] != '\0';
	ctl_column(x, 14, s->site);
	ctl_column(x, 14, s->sensor);
	ctl_column(x, 14, s->level[0] != '\0' ? s->level : "-");
	fprintf(x->out, "%s%s%s\n", ctl_sgr(x, why[0] != '\0' ? "31;1" : "0"),
		ctl_clean(x, why), ctl_sgr(x, "0"));
}

static enum err
show_text(struct picture *p)
{
	struct ctl *c = p->c;
	struct ctl_text *x = &c->text;
	const struct held *all = held_at(p, "");
	enum err e;

	fprintf(x->out, "Posture  %s\nLevels  ",
		all != NULL ? ctl_clean(x, all->level)
			    : "none ordered: all is as the settings say");
	e = store_posture_each_level(c->store, text_level, x);
	fputc('\n', x->out);
	if (e == ERR_OK) {
		e = store_posture_each_level(c->store, text_settings, x);
	}
	fputc('\n', x->out);
	if (e == ERR_OK && p->n > 0) {
		ctl_column(x, 20, "ORDERED");
		ctl_column(x, 14, "LEVEL");
		ctl_column(x, 14, "SITE");
		ctl_column(x, 12, "BY");
		fputs("WHY\n", x->out);
		e = store_posture_each(c->store->db, false,
				       c->limited ? c->limit : ORDERS_SHOWN,
				       text_order, p);
		if (e == ERR_OK && p->untold) {
			fputs("the newest is not told to the sensors: it is "
			      "once a "
			      "collector runs that has a control.sign-key\n",
			      x->out);
		}
		fputc('\n', x->out);
	}
	if (e == ERR_OK) {
		ctl_column(x, 14, "SITE");
		ctl_column(x, 14, "SENSOR");
		ctl_column(x, 14, "POSTURE");
		fputc('\n', x->out);
		e = store_posture_sensors(c->store->db, text_sensor, p);
	}
	if (e == ERR_OK) {
		fprintf(x->out,
			"%u sensor%s running, %u of them not as "
			"ordered\n",
			p->sensors, p->sensors == 1 ? "" : "s", p->behind);
	}
	return e;
}

enum err
ctl_posture(struct ctl *c)
{
	struct picture p = { .c = c };
	enum err e = ERR_NOMEM;

	p.held = calloc(MAX_SITES, sizeof(*p.held));
	if (p.held != NULL) {
		e = store_posture_each(c->store->db, true, MAX_SITES, note_held,
				       &p);
	}
	if (e == ERR_OK) {
		e = c->json ? show_json(&p) : show_text(&p);
	}
	free(p.held);
	return e;
}

/* An order for a site that was misspelt is obeyed by nobody, ever. */
static void
warn_of_site(struct ctl *c, const char *site)
{
	sqlite3_stmt *st = NULL;
	const char *known = NULL;

	if (sqlite3_prepare_v2(c->store->db,
			       "SELECT (SELECT group_concat(site, ', ') FROM"
			       " (SELECT DISTINCT site FROM sensors ORDER BY 1"
			       "  LIMIT 20))"
			       " WHERE NOT EXISTS"
			       " (SELECT 1 FROM sensors WHERE site=?)",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_bind_text(st, 1, site, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW) {
		known = sql_text(st, 0);
		fprintf(stderr,
			"picketctl: warning: no sensor of a site '%s' ever "
			"reported, so nobody obeys now; sites with sensors: "
			"%s\n",
			ctl_clean(&c->text, site),
			known != NULL && known[0] != '\0'
				? ctl_clean(&c->text, known)
				: "none");
	}
	sqlite3_finalize(st);
}

enum err
ctl_posture_order(struct ctl *c, const char *level, const char *who,
		  const char *why, struct diag *d)
{
	const char *site = c->filter.site != NULL ? c->filter.site : "";
	int64_t id = 0;
	enum err e;

	if (strlen(site) >= NAME_CAP) {
		return diag_set(d, ERR_USAGE,
				"--site: a name of up to %d letters",
				NAME_CAP - 1);
	}
	e = store_posture_order(c->store, level, site, who,
				why != NULL ? why : "", &id, d);
	if (e != ERR_OK) {
		return e;
	}
	if (site[0] != '\0') {
		warn_of_site(c, site);
	}
	if (c->json) {
		json_obj(&c->j, NULL);
		json_i64(&c->j, "order", id);
		json_cstr(&c->j, "level", level);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	fprintf(c->text.out,
		"order %" PRId64 ": %s%s%s; picketctl posture shows who "
		"obeys\n",
		id, ctl_clean(&c->text, level), site[0] != '\0' ? " at " : "",
		ctl_clean(&c->text, site));
	return ERR_OK;
}
