/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_posture.h"

#include <inttypes.h>

#include "collector/posture_view.h"
#include "collector/store_sql.h"

#define NAME_CAP 64

struct picture {
	struct ctl *c;
	struct posture_view *view;
	unsigned behind, sensors, orders;
	bool untold; /* the newest order was not told to the sensors */
};

static enum err
show_json(struct picture *p)
{
	struct ctl *c = p->c;
	enum err e;

	json_obj(&c->j, NULL);
	e = posture_view_json(p->view, c->store,
			      c->limited ? c->limit : POSTURE_VIEW_ORDERS,
			      &c->j);
	json_obj_end(&c->j);
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
	const char *why = posture_view_trouble(p->view, s);

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
	const char *all = posture_view_level(p->view, "");
	enum err e;

	fprintf(x->out, "Posture  %s\nLevels  ",
		all != NULL ? ctl_clean(x, all)
			    : "none ordered: all is as the settings say");
	e = store_posture_each_level(c->store, text_level, x);
	fputc('\n', x->out);
	if (e == ERR_OK) {
		e = store_posture_each_level(c->store, text_settings, x);
	}
	fputc('\n', x->out);
	if (e == ERR_OK && store_posture_newest(c->store->db) > 0) {
		ctl_column(x, 20, "ORDERED");
		ctl_column(x, 14, "LEVEL");
		ctl_column(x, 14, "SITE");
		ctl_column(x, 12, "BY");
		fputs("WHY\n", x->out);
		e = store_posture_each(c->store->db, false,
				       c->limited ? c->limit
						  : POSTURE_VIEW_ORDERS,
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
	enum err e = posture_view_new(&p.view, c->store);

	if (e == ERR_OK) {
		e = c->json ? show_json(&p) : show_text(&p);
	}
	posture_view_free(p.view);
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
