/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_cases.h"

#include <jansson.h>

#include "collector/case_export.h"
#include "collector/case_graph.h"
#include "collector/situation.h"
#include "collector/store_consult.h"
#include "collector/store_json.h"
#include "collector/taps_json.h"

#define MAX_EVIDENCE 50

struct incident_list {
	struct question *q;
	unsigned skipped, shown;
	enum err e;
};

/* What it is part of, and the consultation on it: members of its object. */
static enum err
put_together(struct question *q, int64_t incident)
{
	struct situation s;
	struct consult_id id;
	struct consult c;
	enum err e = situation_of(q->store->db, incident, &s);

	if (e != ERR_OK) {
		return e == ERR_NOTFOUND ? ERR_OK : e;
	}
	situation_json(q->j, &s);
	e = store_consult_of(q->store->db, incident, &id);
	if (e == ERR_OK) {
		e = store_consult_get(q->store->db, &id, &c);
	}
	if (e == ERR_OK) {
		json_obj(q->j, "consultation");
		consult_json(q->j, &c);
		json_obj_end(q->j);
	} else {
		json_nil(q->j, "consultation");
	}
	return e == ERR_NOTFOUND ? ERR_OK : e;
}

static void
on_incident(void *arg, const struct store_incident *i)
{
	struct incident_list *l = arg;
	struct question *q = l->q;

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
	if (l->e == ERR_OK) {
		l->e = put_together(q, i->id);
	}
	json_obj_end(q->j);
}

enum err
console_cases(struct question *q)
{
	struct incident_list l = { .q = q };
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "incidents");
	e = store_read_incidents(q->store, q->f.scope,
				 question_text(q, "state"), 0, STORE_MAX_ROWS,
				 on_incident, &l);
	json_arr_end(q->j);
	json_obj_end(q->j);
	return e == ERR_OK ? l.e : e;
}

static void
on_consult(void *arg, const struct consult *c)
{
	struct incident_list *l = arg;
	const struct question *q = l->q;
	bool exercise = c->exercise[0] != '\0';

	if ((q->f.scope == STORE_REAL && exercise) ||
	    (q->f.scope == STORE_EXERCISE &&
	     strcmp(c->exercise, q->f.exercise) != 0) ||
	    l->shown == q->limit) {
		return;
	}
	if (l->skipped < q->offset) {
		l->skipped++;
		return;
	}
	l->shown++;
	json_obj(q->j, NULL);
	consult_json(q->j, c);
	json_obj_end(q->j);
}

enum err
console_consults(struct question *q)
{
	const char *state = question_text(q, "state");
	struct incident_list l = { .q = q };
	enum err e;

	json_obj(q->j, NULL);
	json_arr(q->j, "consultations");
	e = store_consult_each(q->store->db,
			       state != NULL && strcmp(state, "all") == 0,
			       STORE_MAX_ROWS, on_consult, &l);
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

static void
on_evidence(void *arg, const struct store_alert *a)
{
	store_json_alert(arg, a);
}

/* One incident, and the alerts that its summary names as evidence. */
struct incident_page {
	struct question *q;
	json_t *summary; /* NULL: it cannot be read */
	int64_t evidence[MAX_EVIDENCE];
	unsigned n_evidence;
};

static void
on_page(void *arg, const struct store_incident *i)
{
	struct incident_page *p = arg;
	const json_t *ids;

	p->summary = json_loads(i->summary, 0, NULL);
	ids = json_object_get(p->summary, "evidence");
	for (size_t k = 0; k < json_array_size(ids) && k < MAX_EVIDENCE; k++) {
		p->evidence[p->n_evidence++] =
			json_integer_value(json_array_get(ids, k));
	}
	store_json_incident(p->q->j, NULL, i);
}

enum err
console_case(struct question *q, int64_t id)
{
	struct incident_page p = { .q = q };
	struct store_reader *r = q->store;
	struct json *j = q->j;
	enum err e = store_read_incident(r, id, on_page, &p);

	if (e != ERR_OK) {
		json_decref(p.summary);
		return e;
	}
	e = put_together(q, id);
	json_arr(j, "log");
	if (e == ERR_OK) {
		e = store_read_incident_log(r, id, on_log, j);
	}
	json_arr_end(j);
	json_arr(j, "sightings");
	if (e == ERR_OK) {
		e = store_read_sightings(r, id, API_MAX_ROWS, on_sighting, j);
	}
	json_arr_end(j);
	if (e == ERR_OK) {
		e = taps_json_incident(r, id, j, "taps");
	}
	json_arr(j, "evidence");
	for (unsigned k = 0; k < p.n_evidence && e == ERR_OK; k++) {
		e = store_read_alert(r, p.evidence[k], on_evidence, j);
		/* Old alerts may be gone while the incident is kept. */
		e = e == ERR_NOTFOUND ? ERR_OK : e;
	}
	json_arr_end(j);
	if (e == ERR_OK) {
		e = case_graph_json(r, id, p.summary, j);
	}
	if (e == ERR_OK) {
		e = case_story_json(r, id, p.summary, j);
	}
	json_decref(p.summary);
	json_obj_end(j);
	return e;
}

enum err
console_case_export(struct question *q, int64_t id)
{
	const char *format = question_text(q, "format");
	struct json answer = { 0 }, *out = q->j;
	enum err e;

	if (format == NULL || strcmp(format, "json") == 0) {
		return console_case(q, id);
	}
	if (strcmp(format, "html") != 0 || q->r->type == NULL) {
		q->wrong = "format";
		return ERR_USAGE;
	}
	q->j = &answer;
	e = console_case(q, id);
	q->j = out;
	if (e == ERR_OK && answer.failed) {
		e = ERR_NOMEM;
	}
	if (e == ERR_OK) {
		e = case_export_html(json_view(&answer), out);
	}
	if (e == ERR_OK) {
		*q->r->type = "text/html; charset=utf-8";
	}
	json_fini(&answer);
	return e;
}
