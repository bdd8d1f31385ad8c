/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_show.h"

#include <inttypes.h>

#include "collector/severity.h"
#include "collector/situation.h"
#include "common/json_read.h"

enum err
ctl_flush_json(struct ctl *c)
{
	if (c->j.failed) {
		return ERR_NOMEM;
	}
	fwrite(c->j.p, 1, c->j.len, c->text.out);
	fputc('\n', c->text.out);
	return ERR_OK;
}

/* ------------------------------------------------------------------ status */

struct tally {
	struct ctl *c;
	unsigned live, silent, other;
	unsigned exercises;
};

static void
count_sensor(void *arg, const struct store_sensor *s)
{
	struct tally *t = arg;

	if (strcmp(s->state, "live") == 0) {
		t->live++;
	} else if (strcmp(s->state, "silent") == 0) {
		t->silent++;
	} else {
		t->other++;
	}
}

static void
put_exercise(void *arg, const char *name, uint64_t alerts)
{
	struct tally *t = arg;

	t->exercises++;
	if (t->c->json) {
		json_obj(&t->c->j, NULL);
		json_cstr(&t->c->j, "name", name);
		json_u64(&t->c->j, "alerts", alerts);
		json_obj_end(&t->c->j);
	} else {
		fprintf(t->c->text.out,
			word(t->c->text.lang,
			     "Exercise    %s, %" PRIu64 " alerts\n"),
			ctl_clean(&t->c->text, name), alerts);
	}
}

static void
put_counter(void *arg, const char *name, uint64_t value)
{
	struct json *j = arg;

	/* Names are the collector's, but escape them all the same. */
	json_obj(j, NULL);
	json_cstr(j, "name", name);
	json_u64(j, "value", value);
	json_obj_end(j);
}

static enum err
status_json(struct ctl *c, const struct store_status *s, struct tally *t)
{
	struct json *j = &c->j;
	enum err e;

	json_obj(j, NULL);
	store_json_status(j, "store", s);
	json_obj(j, "sensors");
	json_u64(j, "live", t->live);
	json_u64(j, "silent", t->silent);
	json_u64(j, "other", t->other);
	json_obj_end(j);
	json_arr(j, "exercises");
	e = store_read_exercises(c->store, put_exercise, t);
	json_arr_end(j);
	json_arr(j, "counters");
	if (e == ERR_OK) {
		e = store_read_counters(c->store, put_counter, j);
	}
	json_arr_end(j);
	json_obj_end(j);
	return e == ERR_OK ? ctl_flush_json(c) : e;
}

enum err
ctl_status(struct ctl *c)
{
	struct tally t = { .c = c };
	struct ctl_text *x = &c->text;
	struct store_status s;
	enum err e = store_read_status(c->store, &s);

	if (e == ERR_OK) {
		e = store_read_sensors(c->store, count_sensor, &t);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (c->json) {
		return status_json(c, &s, &t);
	}
	fprintf(x->out,
		word(x->lang, "Sensors     %u live, %s%u silent%s, %u ended or "
			      "unknown\n"),
		t.live, t.silent > 0 ? ctl_sgr(x, "31;1") : "", t.silent,
		t.silent > 0 ? ctl_sgr(x, "0") : "", t.other);
	fprintf(x->out,
		word(x->lang,
		     "Incidents   %" PRIu64 " open, %" PRIu64 " in all\n"),
		s.incidents_open, s.incidents);
	fprintf(x->out,
		word(x->lang, "Alerts      %" PRIu64 " in %" PRIu64 " frames"),
		s.alerts, s.frames);
	if (s.last_us != 0) {
		fprintf(x->out, word(x->lang, ", from %s to %s"),
			ctl_time(x, s.first_us), ctl_time(x, s.last_us));
	}
	fputc('\n', x->out);
	fprintf(x->out,
		word(x->lang, "Not here    %" PRIu64
			      " events lost at sensors (declared), %" PRIu64
			      " frames missing\n"),
		s.lost_events, s.missing_frames);
	fprintf(x->out,
		word(x->lang,
		     "Refused     %" PRIu64 " lines, %" PRIu64
		     " frames; %" PRIu64 " repeated frames counted once\n"),
		s.lines_refused, s.frames_refused, s.duplicates);
	if (s.expired_frames > 0) {
		fprintf(x->out,
			word(x->lang,
			     "Expired     %" PRIu64 " alerts in %" PRIu64
			     " frames, by the store's limits\n"),
			s.expired_alerts, s.expired_frames);
	}
	fprintf(x->out,
		word(x->lang,
		     "Store       %.1f MB, schema %d, last commit %s\n"),
		(double)s.bytes / 1e6, s.schema, ctl_time(x, s.committed_us));
	return store_read_exercises(c->store, put_exercise, &t);
}

/* ----------------------------------------------------------------- sensors */

/* What a sensor said of its rules; all empty when it said nothing. */
struct told {
	struct view loaded, failed, version, error, confined, signed_by;
};

/* Views borrow from 'r' and from the presence. */
static struct told
read_told(struct json_reader *r, const char *presence)
{
	static const char *const names[] = { "rules_loaded",  "rules_failed",
					     "rules_version", "reload_error",
					     "confined",      "signed_by" };
	struct told t = { .loaded = VIEW_NONE };
	struct view *const to[] = { &t.loaded, &t.failed,   &t.version,
				    &t.error,  &t.confined, &t.signed_by };

	if (presence == NULL || !json_read(r, view_cstr(presence))) {
		return t;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct json_value *v =
			json_member(r, json_root(r), view_cstr(names[i]));

		if (v != NULL && v->type == JSON_STRING) {
			*to[i] = v->text;
		}
	}
	return t;
}

/* On a line of its own, if there is any. */
static void
put_told(struct ctl_text *x, const char *words, struct view what)
{
	char text[512];

	if (what.len > 0) {
		snprintf(text, sizeof(text), "%.*s",
			 (int)MIN(what.len, sizeof(text) - 1),
			 (const char *)what.p);
		fprintf(x->out, "        %s %s\n", words, ctl_clean(x, text));
	}
}

/* "LOADED/FAILED vVERSION", and what a reload failed of on its own line. */
static void
put_rules(struct ctl_text *x, const char *presence)
{
	struct json_reader r;
	struct told t;
	char text[64] = "-";

	json_reader_init(&r);
	t = read_told(&r, presence);
	if (t.loaded.len > 0) {
		snprintf(text, sizeof(text), "%.*s/%.*s v%.*s",
			 (int)MIN(t.loaded.len, 12), (const char *)t.loaded.p,
			 (int)MIN(t.failed.len, 12), (const char *)t.failed.p,
			 (int)MIN(t.version.len, 20),
			 (const char *)t.version.p);
	}
	fprintf(x->out, "  %s\n", ctl_clean(x, text));
	put_told(x, word(x->lang, "reload failed:"), t.error);
	put_told(x, word(x->lang, "confined:"), t.confined);
	put_told(x, word(x->lang, "signs with key"), t.signed_by);
	json_reader_fini(&r);
}

struct sensors {
	struct ctl *c;
	unsigned shown;
};

static void
put_sensor(void *arg, const struct store_sensor *s)
{
	struct sensors *l = arg;
	struct ctl *c = l->c;
	struct ctl_text *x = &c->text;
	const char *colour = strcmp(s->state, "live") == 0 ? ctl_sgr(x, "32")
			     : strcmp(s->state, "silent") == 0
				     ? ctl_sgr(x, "31;1")
				     : ctl_sgr(x, "2");

	if (c->json) {
		store_json_sensor(&c->j, s);
		return;
	}
	l->shown++;
	fputs(colour, x->out);
	ctl_column(x, 7, ctl_name(x, s->state));
	fputs(colour[0] != '\0' ? ctl_sgr(x, "0") : "", x->out);
	ctl_column(x, 20, s->site);
	ctl_column(x, 14, s->sensor);
	ctl_column(x, 10, s->owner);
	ctl_column(x, 20, ctl_time(x, s->seen_us));
	fprintf(x->out, "%10" PRIu64 " %8" PRIu64 " %8" PRIu64, s->alerts,
		s->lost_events, s->missing_frames);
	put_rules(x, s->presence);
}

static void
sensors_head(struct ctl_text *x)
{
	static const struct {
		const char *label;
		unsigned width;
		bool right;
	} columns[] = {
		{ WORD("STATE"), 7, false },      { WORD("SITE"), 20, false },
		{ WORD("SENSOR"), 14, false },    { WORD("OWNER"), 10, false },
		{ WORD("LAST SEEN"), 20, false }, { WORD("ALERTS"), 10, true },
		{ WORD("LOST"), 8, true },        { WORD("MISSING"), 8, true },
	};

	fputs(ctl_sgr(x, "1"), x->out);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const char *label = word(x->lang, columns[i].label);

		if (columns[i].right) {
			ctl_column_right(x, columns[i].width, label);
		} else {
			ctl_column(x, columns[i].width, label);
		}
	}
	fprintf(x->out, " %s%s\n", word(x->lang, "RULES"), ctl_sgr(x, "0"));
}

enum err
ctl_sensors(struct ctl *c)
{
	struct sensors l = { .c = c };
	enum err e;

	if (!c->json) {
		sensors_head(&c->text);
		e = store_read_sensors(c->store, put_sensor, &l);
		if (e == ERR_OK && l.shown == 0) {
			fputs(word(c->text.lang,
				   "no sensor has reported yet\n"),
			      c->text.out);
		}
		return e == ERR_OK ? ctl_refused(c, NULL, NULL) : e;
	}
	json_obj(&c->j, NULL);
	json_arr(&c->j, "sensors");
	e = store_read_sensors(c->store, put_sensor, &l);
	json_arr_end(&c->j);
	if (e == ERR_OK) {
		e = ctl_refused(c, NULL, NULL);
	}
	json_obj_end(&c->j);
	return e == ERR_OK ? ctl_flush_json(c) : e;
}

/* --------------------------------------------------------------- incidents */

struct list {
	struct ctl *c;
	unsigned shown;
	enum err e;
};

static bool
is_wanted(const struct ctl *c, const struct store_incident *i)
{
	const char *name = c->filter.exercise;

	return (c->all || strcmp(i->state, "closed") != 0) &&
	       (name == NULL || strcmp(name, i->exercise) == 0);
}

static void
put_incident(void *arg, const struct store_incident *i)
{
	struct list *l = arg;
	struct ctl *c = l->c;
	struct ctl_text *x = &c->text;
	struct situation s;

	if (l->e != ERR_OK || !is_wanted(c, i) || l->shown == c->limit) {
		return;
	}
	l->shown++;
	l->e = situation_of(c->store->db, i->id, &s);
	if (l->e != ERR_OK) {
		return;
	}
	if (c->json) {
		store_json_incident(&c->j, NULL, i);
		situation_json(&c->j, &s);
		json_obj_end(&c->j);
		return;
	}
	fprintf(x->out, "%4" PRId64 "  %s%3u ", i->id, ctl_level(x, i->level),
		i->score);
	ctl_column(x, 9, word(x->lang, i->level_name));
	fputs(ctl_sgr(x, "0"), x->out);
	ctl_column(x, 6, ctl_name(x, i->state));
	ctl_column(x, 20, ctl_time(x, i->last_us));
	ctl_column(x, 6, i->lead);
	fprintf(x->out, "%s", ctl_clean(x, i->title));
	if (i->exercise[0] != '\0') {
		fprintf(x->out, "  %s", ctl_sgr(x, "36"));
		fprintf(x->out, word(x->lang, "EXERCISE %s"),
			ctl_clean(x, i->exercise));
		fputs(ctl_sgr(x, "0"), x->out);
	}
	fputc('\n', x->out);
	if (s.n > 1) {
		ctl_column(x, 18, "");
		fputs(ctl_level(x, s.level), x->out);
		fprintf(x->out,
			word(x->lang,
			     "with %u more: %u %s, as situation %" PRId64),
			s.n - 1, s.score,
			word(x->lang, severity_level_name(s.level)), s.id);
		fprintf(x->out, "%s\n", ctl_sgr(x, "0"));
	}
}

static void
count_incident(void *arg, const struct store_incident *i)
{
	(void)i;
	++*(unsigned *)arg;
}

enum err
ctl_incidents(struct ctl *c)
{
	struct list l = { .c = c };
	unsigned exercises = 0;
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "incidents");
	}
	e = store_read_incidents(c->store, c->filter.scope, NULL, 0,
				 STORE_MAX_ROWS, put_incident, &l);
	e = e == ERR_OK ? l.e : e;
	if (c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return e == ERR_OK ? ctl_flush_json(c) : e;
	}
	if (e == ERR_OK && l.shown == 0) {
		fputs(word(c->text.lang, "no incidents\n"), c->text.out);
	}
	if (e == ERR_OK && c->filter.scope == STORE_REAL) {
		e = store_read_incidents(c->store, STORE_EXERCISE, NULL, 0,
					 STORE_MAX_ROWS, count_incident,
					 &exercises);
		if (exercises > 0) {
			fprintf(c->text.out,
				word(c->text.lang, "(and %u of exercises: "
						   "--all shows them)\n"),
				exercises);
		}
	}
	return e;
}
