/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl_incident.h"

#include "collector/ctl_part.h"

#include <inttypes.h>
#include <stdlib.h>

#include <jansson.h>

#include "collector/counterpart.h"
#include "collector/ctl_consult.h"
#include "collector/severity.h"
#include "collector/situation.h"
#include "collector/taps_json.h"
#include "common/clock.h"

#define LIST_MAX 12
#define EVIDENCE_MAX 100

/* What belongs to one incident and comes from other tables. */
struct picture {
	struct ctl *c;
	unsigned n_log, n_sightings, n_counterparts;
};

static const char *
text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}

static int64_t
int_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static uint64_t
time_of(const json_t *o, const char *key)
{
	uint64_t us;

	return clock_parse_iso(view_cstr(text_of(o, key)), &us) ? us : 0;
}

static void
heading(struct ctl_text *x, const char *name)
{
	/* A label in English, or none. */
	const char *label = name[0] != '\0' ? word(x->lang, name) : "";

	fprintf(x->out, "  %s", ctl_sgr(x, "1"));
	ctl_column(x, 12, label);
	fputs(ctl_sgr(x, "0"), x->out);
}

/* "a, b and 3 more" of an array of texts. */
static void
put_names(struct ctl_text *x, const json_t *names)
{
	size_t n = json_array_size(names);

	for (size_t i = 0; i < MIN(n, (size_t)LIST_MAX); i++) {
		const char *s = json_string_value(json_array_get(names, i));

		fprintf(x->out, "%s%s", i > 0 ? ", " : "",
			ctl_clean(x, s != NULL ? s : "?"));
	}
	if (n > LIST_MAX) {
		fprintf(x->out, word(x->lang, " and %zu more"), n - LIST_MAX);
	}
}

static void
put_more(struct ctl_text *x, size_t n)
{
	if (n > LIST_MAX) {
		heading(x, "");
		fprintf(x->out, word(x->lang, "and %zu more\n"), n - LIST_MAX);
	}
}

static void
put_severity(struct ctl_text *x, const struct store_incident *i,
	     const json_t *summary)
{
	static const char *const names[] = {
		WORD("mission"), WORD("stage"),     WORD("spread"),
		WORD("alert"),   WORD("indicator"), WORD("silence")
	};
	static const unsigned most[] = { 30, 25, 20, 15, 10, 10 };
	const json_t *f = json_object_get(summary, "factors");

	heading(x, WORD("Severity"));
	fputs(ctl_level(x, i->level), x->out);
	fprintf(x->out, word(x->lang, "%u of 100, level %u, %s"), i->score,
		i->level, word(x->lang, i->level_name));
	fprintf(x->out, "%s\n", ctl_sgr(x, "0"));
	heading(x, "");
	for (size_t k = 0; k < ARRAY_LEN(names); k++) {
		const json_t *v = json_object_get(f, names[k]);

		fputs(k > 0 ? ", " : "", x->out);
		fprintf(x->out, word(x->lang, "%s %" PRId64 " of %u"),
			word(x->lang, names[k]), (int64_t)json_integer_value(v),
			most[k]);
	}
	fputc('\n', x->out);
}

static void
put_sites(struct ctl_text *x, const json_t *sites)
{
	size_t n = json_array_size(sites);

	for (size_t i = 0; i < MIN(n, (size_t)LIST_MAX); i++) {
		const json_t *s = json_array_get(sites, i);
		const char *place = text_of(s, "location");
		const char *owner = text_of(s, "owner");

		heading(x, i == 0 ? WORD("Sites") : "");
		fprintf(x->out, "%s", ctl_clean(x, text_of(s, "site")));
		if (place[0] != '\0') {
			fprintf(x->out, " (%s)", ctl_clean(x, place));
		}
		if (owner[0] != '\0') {
			fprintf(x->out, word(x->lang, ", owner %s"),
				ctl_clean(x, owner));
		}
		fprintf(x->out, word(x->lang, ", %s to %s\n"),
			ctl_time(x, time_of(s, "first")),
			ctl_time(x, time_of(s, "last")));
	}
	put_more(x, n);
}

/* What the adversary uses; first what more than one site saw. */
static void
put_actors(struct ctl_text *x, const json_t *actors)
{
	size_t n = json_array_size(actors), shown = 0;

	for (int shared = 1; shared >= 0; shared--) {
		bool first = true;

		for (size_t i = 0; i < n; i++) {
			const json_t *a = json_array_get(actors, i);
			const json_t *sites = json_object_get(a, "sites");
			int64_t count =
				json_integer_value(json_object_get(a, "count"));

			if ((json_array_size(sites) > 1) != (shared == 1)) {
				continue;
			}
			if (shown++ >= LIST_MAX) {
				continue;
			}
			heading(x, !first   ? ""
				   : shared ? WORD("Shared")
					    : WORD("Seen"));
			first = false;
			fprintf(x->out, word(x->lang, "%s %s at "),
				ctl_clean(x, ctl_name(x, text_of(a, "kind"))),
				ctl_clean(x, text_of(a, "value")));
			put_names(x, sites);
			fprintf(x->out,
				count == 1 ? word(x->lang,
						  " (%" PRId64 " sighting)\n")
					   : word(x->lang,
						  " (%" PRId64 " sightings)\n"),
				count);
		}
	}
	put_more(x, n);
}

static void
put_stages(struct ctl_text *x, const json_t *stages)
{
	for (size_t i = 0; i < json_array_size(stages); i++) {
		const json_t *s = json_array_get(stages, i);

		heading(x, i == 0 ? WORD("Stages") : "");
		fprintf(x->out, "%s", ctl_time(x, time_of(s, "first")));
		fprintf(x->out, "  %s\n",
			ctl_clean(x, word(x->lang, text_of(s, "stage"))));
	}
}

/* Who went blind near it. */
static void
put_silences(struct ctl_text *x, const json_t *silences)
{
	for (size_t i = 0; i < json_array_size(silences); i++) {
		const json_t *s = json_array_get(silences, i);

		heading(x, i == 0 ? WORD("Silence") : "");
		fprintf(x->out, "%s", ctl_time(x, time_of(s, "from")));
		fprintf(x->out, word(x->lang, "  sensor %s/"),
			ctl_clean(x, text_of(s, "site")));
		fprintf(x->out, "%s: ", ctl_clean(x, text_of(s, "sensor")));
		fprintf(x->out, "%s\n", ctl_clean(x, text_of(s, "cause")));
	}
}

static void
put_victims(struct ctl_text *x, const json_t *victims)
{
	size_t n = json_array_size(victims);

	for (size_t i = 0; i < MIN(n, (size_t)LIST_MAX); i++) {
		const json_t *v = json_array_get(victims, i);
		const char *asset = text_of(v, "asset");

		heading(x, i == 0 ? WORD("Touches") : "");
		fprintf(x->out, "%s %s", ctl_clean(x, text_of(v, "site")),
			ctl_clean(x, text_of(v, "address")));
		if (asset[0] != '\0') {
			fprintf(x->out,
				word(x->lang, ", %s, criticality %" PRId64),
				ctl_clean(x, asset),
				(int64_t)json_integer_value(
					json_object_get(v, "criticality")));
		}
		fputc('\n', x->out);
	}
	put_more(x, n);
}

/* What it is together with others; nothing of a single one. */
static enum err
put_situation(struct picture *p, int64_t id)
{
	struct ctl_text *x = &p->c->text;
	struct situation s;
	enum err e = situation_of(p->c->store->db, id, &s);

	if (e != ERR_OK || s.n < 2) {
		return e;
	}
	heading(x, WORD("Situation"));
	fputs(ctl_level(x, s.level), x->out);
	fprintf(x->out, word(x->lang, "%u of 100, level %u, %s"), s.score,
		s.level, word(x->lang, severity_level_name(s.level)));
	fprintf(x->out, "%s%s", ctl_sgr(x, "0"), word(x->lang, ": incidents "));
	for (unsigned i = 0; i < MIN(s.n, (unsigned)LIST_MAX); i++) {
		fprintf(x->out, "%s%" PRId64, i > 0 ? ", " : "",
			s.incidents[i]);
	}
	if (s.n > LIST_MAX) {
		fprintf(x->out, word(x->lang, " and %u more"), s.n - LIST_MAX);
	}
	fprintf(x->out,
		s.n_sites == 1 ? word(x->lang, " at %u site")
			       : word(x->lang, " at %u sites"),
		s.n_sites);
	fprintf(x->out,
		s.n_owners == 1 ? word(x->lang, " of %u owner\n")
				: word(x->lang, " of %u owners\n"),
		s.n_owners);
	return ERR_OK;
}

/* Both leads: that of the partner's incident, and that of ours beside it. */
static void
put_leads(struct ctl_text *x, const struct counterpart *c)
{
	fprintf(x->out, word(x->lang, ", lead %s"),
		c->lead[0] != '\0' ? ctl_clean(x, c->lead)
				   : word(x->lang, "not told"));
	if (c->our_lead[0] == '\0') {
		fputs(word(x->lang, " (nobody here)"), x->out);
	} else if (strcmp(c->lead, c->our_lead) == 0) {
		fputs(word(x->lang, " (here too)"), x->out);
	} else {
		fprintf(x->out, word(x->lang, " (%s here)"),
			ctl_clean(x, c->our_lead));
	}
}

static void
put_counterpart(void *arg, const struct counterpart *c)
{
	struct picture *p = arg;
	struct ctl_text *x = &p->c->text;

	heading(x, p->n_counterparts++ == 0 ? WORD("Partners") : "");
	fprintf(x->out, "%s: %s", ctl_clean(x, c->party),
		ctl_level(x, c->level));
	fprintf(x->out, word(x->lang, "level %u %s"), c->level,
		word(x->lang, severity_level_name(c->level)));
	fputs(ctl_sgr(x, "0"), x->out);
	fprintf(x->out, word(x->lang, ", score %u"), c->score);
	put_leads(x, c);
	if (c->title[0] != '\0') {
		fprintf(x->out, ": %s", ctl_clean(x, c->title));
	}
	fputc('\n', x->out);
}

/* How its consultation stands; what was said is in its log. */
static enum err
put_consultation(struct picture *p, int64_t id)
{
	struct consult_id consult;
	enum err e = store_consult_of(p->c->store->db, id, &consult);

	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	heading(&p->c->text, WORD("Consultation"));
	return ctl_consult_of(p->c, id);
}

static void
put_log(void *arg, const struct store_log *l)
{
	struct picture *p = arg;
	struct ctl_text *x = &p->c->text;

	heading(x, p->n_log++ == 0 ? WORD("Log") : "");
	fprintf(x->out, "%s  %s, %s", ctl_time(x, l->at_us),
		ctl_clean(x, ctl_name(x, l->what)), ctl_clean(x, l->who));
	if (l->text[0] != '\0') {
		fprintf(x->out, ": %s", ctl_clean(x, l->text));
	}
	fputc('\n', x->out);
}

static void
count_sighting(void *arg, const struct store_sighting *s)
{
	(void)s;
	((struct picture *)arg)->n_sightings++;
}

static void
put_head(struct ctl_text *x, const struct store_incident *i,
	 const json_t *summary)
{
	fputs(ctl_sgr(x, "1"), x->out);
	fprintf(x->out, word(x->lang, "Incident %" PRId64 ": %s"), i->id,
		ctl_clean(x, i->title));
	fprintf(x->out, "%s\n", ctl_sgr(x, "0"));
	if (i->exercise[0] != '\0') {
		fprintf(x->out, "  %s", ctl_sgr(x, "36"));
		fprintf(x->out, word(x->lang, "EXERCISE %s"),
			ctl_clean(x, i->exercise));
		fprintf(x->out, "%s%s\n", ctl_sgr(x, "0"),
			word(x->lang, ", not a real-world event"));
	}
	put_severity(x, i, summary);
	heading(x, WORD("State"));
	if (i->merged_into != 0) {
		fprintf(x->out, word(x->lang, "part of incident %" PRId64 "\n"),
			i->merged_into);
	} else {
		fprintf(x->out, word(x->lang, "%s since %s\n"),
			ctl_clean(x, ctl_name(x, i->state)),
			ctl_time(x, i->updated_us));
	}
	heading(x, WORD("Marking"));
	fprintf(x->out, "%s\n", ctl_clean(x, i->mark));
	heading(x, WORD("When"));
	fprintf(x->out, word(x->lang, "%s to %s\n"), ctl_time(x, i->first_us),
		ctl_time(x, i->last_us));
	heading(x, WORD("Lead"));
	fprintf(x->out, "%s",
		i->lead[0] != '\0' ? ctl_clean(x, i->lead)
				   : word(x->lang, "nobody: the mission map "
						   "names no owner"));
	if (i->support[0] != '\0') {
		fprintf(x->out, word(x->lang, "; in support: %s"),
			ctl_clean(x, i->support));
	}
	fputc('\n', x->out);
}

static void
put_risk(struct ctl_text *x, const json_t *summary)
{
	const json_t *missions = json_object_get(summary, "missions");
	const json_t *services = json_object_get(summary, "services");

	heading(x, WORD("At risk"));
	if (json_array_size(missions) > 0) {
		fputs(json_array_size(missions) == 1
			      ? word(x->lang, "mission: ")
			      : word(x->lang, "missions: "),
		      x->out);
		put_names(x, missions);
	} else {
		fputs(word(x->lang, "no mission that the map knows of"),
		      x->out);
	}
	if (json_array_size(services) > 0) {
		fputs(word(x->lang, "; services: "), x->out);
		put_names(x, services);
	}
	fputc('\n', x->out);
}

/* Of each mission that loses something: how much, and on which way. */
static void
put_impact(struct ctl_text *x, const json_t *impact)
{
	const json_t *hits = json_object_get(impact, "missions");
	size_t n = json_array_size(hits);

	for (size_t i = 0; i < MIN(n, (size_t)LIST_MAX); i++) {
		const json_t *h = json_array_get(hits, i);
		const json_t *path = json_object_get(h, "path");

		heading(x, i == 0 ? WORD("Impact") : "");
		fprintf(x->out,
			word(x->lang, "%s %s, score %" PRId64 " (loses %" PRId64
				      " of 100, criticality %" PRId64 "): "),
			ctl_clean(x, text_of(h, "mission")),
			ctl_clean(x, word(x->lang, text_of(h, "state"))),
			int_of(h, "score"), int_of(h, "loss"),
			int_of(h, "criticality"));
		for (size_t k = 1; k < json_array_size(path); k++) {
			const char *s =
				json_string_value(json_array_get(path, k));

			fprintf(x->out, "%s%s", k > 1 ? " > " : "",
				ctl_clean(x, s != NULL ? s : "?"));
		}
		fputc('\n', x->out);
	}
	put_more(x, n);
}

/* Half a picture is none: without memory, or with a store that cannot be read
 * to its end, the whole answer fails. */
static enum err
show_text(struct picture *p, const struct store_incident *i)
{
	struct ctl *c = p->c;
	struct ctl_text *x = &c->text;
	json_error_t why;
	json_t *summary = json_loads(i->summary, 0, &why);
	enum err e;

	if (summary == NULL && i->summary[0] != '\0') {
		return json_error_code(&why) == json_error_out_of_memory
			       ? ERR_NOMEM
			       : ERR_FORMAT;
	}

	put_head(x, i, summary);
	put_risk(x, summary);
	put_impact(x, json_object_get(summary, "impact"));
	e = put_situation(p, i->id);
	if (e == ERR_OK) {
		e = put_consultation(p, i->id);
	}
	if (e == ERR_OK) {
		p->n_counterparts = 0;
		e = counterpart_each(c->store->db, i->id, put_counterpart, p);
	}
	put_sites(x, json_object_get(summary, "sites"));
	put_stages(x, json_object_get(summary, "stages"));
	put_silences(x, json_object_get(summary, "silences"));
	put_actors(x, json_object_get(summary, "actors"));
	put_victims(x, json_object_get(summary, "victims"));
	if (e == ERR_OK) {
		e = store_read_sightings(c->store, i->id, STORE_MAX_ROWS,
					 count_sighting, p);
	}
	heading(x, WORD("Evidence"));
	fprintf(x->out,
		word(x->lang,
		     "%" PRId64 " alerts of %" PRId64
		     " events in %u sightings; %zu alerts kept as links "
		     "between them\n"),
		int_of(summary, "alerts"), int_of(summary, "events"),
		p->n_sightings,
		json_array_size(json_object_get(summary, "evidence")));
	ctl_part_evidence(x, json_object_get(summary, "evidence"));
	if (e == ERR_OK) {
		e = store_read_incident_log(c->store, i->id, put_log, p);
	}
	json_decref(summary);
	return e;
}

/* --------------------------------------------------------------------- JSON */

static void
json_log(void *arg, const struct store_log *l)
{
	store_json_log(arg, l);
}

static void
json_sighting(void *arg, const struct store_sighting *s)
{
	store_json_sighting(arg, s);
}

static enum err
show_json(struct ctl *c, const struct store_incident *i)
{
	struct json *j = &c->j;
	enum err e;

	struct situation s;

	store_json_incident(j, NULL, i);
	e = situation_of(c->store->db, i->id, &s);
	if (e == ERR_OK) {
		situation_json(j, &s);
		e = ctl_consult_json_of(c, i->id);
	}
	if (e == ERR_OK) {
		e = counterpart_json(c->store->db, i->id, j);
	}
	json_arr(j, "log");
	if (e == ERR_OK) {
		e = store_read_incident_log(c->store, i->id, json_log, j);
	}
	json_arr_end(j);
	json_arr(j, "sightings");
	if (e == ERR_OK) {
		e = store_read_sightings(c->store, i->id, EVIDENCE_MAX,
					 json_sighting, j);
	}
	json_arr_end(j);
	if (e == ERR_OK) {
		e = taps_json_incident(c->store, i->id, j, "taps");
	}
	json_obj_end(j);
	return e;
}

/* --------------------------------------------------------------------- both */

struct walk {
	struct ctl *c;
	unsigned n;
	bool every; /* one asked for by its id is shown whatever its state */
	enum err e;
};

static void
show_one(void *arg, const struct store_incident *i)
{
	struct walk *w = arg;
	struct picture p = { .c = w->c };
	const char *name = w->c->filter.exercise;

	if (w->e != ERR_OK || w->n == w->c->limit ||
	    (!w->every && !w->c->all && strcmp(i->state, "closed") == 0) ||
	    (!w->every && name != NULL && strcmp(name, i->exercise) != 0)) {
		return;
	}
	if (w->c->json) {
		w->e = show_json(w->c, i);
	} else {
		if (w->n > 0) {
			fputc('\n', w->c->text.out);
		}
		w->e = show_text(&p, i);
	}
	w->n++;
}

enum err
ctl_incident_show(struct ctl *c, int64_t id)
{
	struct walk w = { .c = c, .every = true };
	enum err e = store_read_incident(c->store, id, show_one, &w);

	if (e == ERR_OK) {
		e = w.e;
	}
	return e == ERR_OK && c->json ? ctl_flush_json(c) : e;
}

enum err
ctl_incident_show_all(struct ctl *c)
{
	struct walk w = { .c = c };
	enum err e;

	if (c->json) {
		json_obj(&c->j, NULL);
		json_arr(&c->j, "incidents");
	}
	e = store_read_incidents(c->store, c->filter.scope, NULL, 0,
				 STORE_MAX_ROWS, show_one, &w);
	if (e == ERR_OK) {
		e = w.e;
	}
	if (e == ERR_OK && c->json) {
		json_arr_end(&c->j);
		json_obj_end(&c->j);
		return ctl_flush_json(c);
	}
	if (e == ERR_OK && w.n == 0) {
		fputs(word(c->text.lang, "no incidents\n"), c->text.out);
	}
	return e;
}
