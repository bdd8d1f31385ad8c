/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_case_do.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "collector/case_order.h"
#include "collector/store_cases.h"
#include "collector/store_consult_speak.h"
#include "common/clock.h"

#define MAX_WHO 64

/* The body's members; absent ones are "". */
struct wish {
	json_t *doc;
	const char *who, *note;
};

/* ---------------------------------------------------------------- the body */

static const char *
text_of(const json_t *doc, const char *key, size_t cap, bool *good)
{
	const json_t *v = json_object_get(doc, key);

	if (v == NULL) {
		return "";
	}
	if (!json_is_string(v) || json_string_length(v) > cap) {
		*good = false;
		return "";
	}
	return json_string_value(v);
}

/* Who has logged in is known; else the body may say who it is. */
static bool
wish_read(struct question *q, struct wish *w)
{
	const struct viewer *v = q->r->viewer;
	struct view body = q->r->body;
	bool good = true;

	*w = (struct wish){ .who = "console", .note = "" };
	if (body.len > 0) {
		const char *who;

		w->doc = json_loadb((const char *)body.p, body.len,
				    JSON_REJECT_DUPLICATES, NULL);
		if (!json_is_object(w->doc)) {
			return false;
		}
		w->note = text_of(w->doc, "note", API_MAX_NOTE, &good);
		who = text_of(w->doc, "who", MAX_WHO, &good);
		w->who = who[0] != '\0' ? who : w->who;
	}
	if (v != NULL && v->name[0] != '\0' &&
	    (w->doc == NULL || strcmp(v->name, "local") != 0)) {
		w->who = v->name;
	}
	return good;
}

/* ------------------------------------------------------------------ answers */

static unsigned
refuse_store(struct question *q, enum err e, const struct diag *d)
{
	switch (e) {
	case ERR_NOTFOUND:
		return question_refuse(q->j, 404, d->msg);
	case ERR_USAGE:
		return question_refuse(q->j, 409, d->msg);
	case ERR_LIMIT:
		return question_refuse(q->j, 503, d->msg);
	default:
		return question_refuse(q->j, 503,
				       "the store is busy: try again");
	}
}

static unsigned
set_state(struct question *q, int64_t id, const char *state,
	  const struct wish *w)
{
	struct diag d = { "" };
	enum err e = store_incident_set_state(q->store, id, state, w->who,
					      w->note, &d);

	if (e != ERR_OK) {
		return refuse_store(q, e, &d);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "id", id);
	json_cstr(q->j, "state", state);
	json_obj_end(q->j);
	return 200;
}

static unsigned
add_note(struct question *q, int64_t id, const struct wish *w)
{
	struct diag d = { "" };
	enum err e;

	if (w->note[0] == '\0') {
		return question_refuse(q->j, 400, "note: say something");
	}
	e = store_incident_note(q->store, id, w->who, w->note, &d);
	if (e != ERR_OK) {
		return refuse_store(q, e, &d);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "id", id);
	json_obj_end(q->j);
	return 200;
}

/* ------------------------------------------------------------------- orders */

static unsigned
give(struct question *q, struct case_order *o, const struct wish *w)
{
	static const char *const names[] = { "waiting", "done", "refused" };
	static const unsigned status[] = { 202, 200, 409 };
	enum case_state state = CASE_WAITING;
	char answer[CASE_TEXT_CAP] = "";
	struct diag d = { "" };
	enum err e;

	snprintf(o->who, sizeof(o->who), "%s", w->who);
	snprintf(o->why, sizeof(o->why), "%s", w->note);
	e = case_order_give(q->store, o, &o->id, &d);
	if (e == ERR_OK) {
		e = case_order_wait(q->store, o->id, CASE_DO_PATIENCE_MS,
				    &state, answer);
	}
	if (e != ERR_OK) {
		return refuse_store(q, e, &d);
	}
	if (state == CASE_REFUSED) {
		return question_refuse(q->j, status[state], answer);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "order", o->id);
	json_cstr(q->j, "state", names[state]);
	json_cstr(q->j, "answer", answer);
	json_obj_end(q->j);
	return status[state];
}

static int
number_cmp(const void *x, const void *y)
{
	const uint64_t *a = x, *b = y;

	return *a < *b ? -1 : *a > *b;
}

static unsigned
split(struct question *q, struct case_order *o, const struct wish *w)
{
	const json_t *runs = json_object_get(w->doc, "runs");
	size_t n = json_array_size(runs);

	if (n == 0 || n > CASE_DO_RUNS) {
		return question_refuse(q->j, 400,
				       "runs: a list of the ids of nodes that "
				       "are to be parted");
	}
	o->runs = malloc(n * sizeof(*o->runs));
	if (o->runs == NULL) {
		return question_failure(q->j, ERR_NOMEM);
	}
	for (size_t i = 0; i < n; i++) {
		json_int_t v = json_integer_value(json_array_get(runs, i));

		if (v <= 0) {
			return question_refuse(q->j, 400,
					       "runs: each is a number");
		}
		o->runs[o->n_runs++] = (uint64_t)v;
	}
	qsort(o->runs, o->n_runs, sizeof(o->runs[0]), number_cmp);
	return give(q, o, w);
}

static unsigned
merge(struct question *q, struct case_order *o, const struct wish *w)
{
	o->other = json_integer_value(json_object_get(w->doc, "other"));
	if (o->other <= 0) {
		return question_refuse(q->j, 400,
				       "other: the number of the incident that "
				       "it is one with");
	}
	return give(q, o, w);
}

static void
take_exercise(void *arg, const struct store_incident *i)
{
	struct case_order *o = arg;

	snprintf(o->exercise, sizeof(o->exercise), "%s", i->exercise);
}

/* A key of the incident's exercise. */
static unsigned
mute(struct question *q, struct case_order *o, const struct wish *w)
{
	bool good = true;
	const char *kind = text_of(w->doc, "kind", 32, &good);
	const char *key = text_of(w->doc, "key", SIGHTING_KEY_CAP - 1, &good);
	const char *until = text_of(w->doc, "until", 64, &good);
	int64_t id = o->incident;
	enum err e;

	for (o->kind = 0; o->kind < KEY_KINDS; o->kind++) {
		if (strcmp(kind, key_kind_name((enum key_kind)o->kind)) == 0) {
			break;
		}
	}
	if (!good || o->kind == KEY_KINDS || key[0] == '\0') {
		return question_refuse(q->j, 400,
				       "kind, key: as a node of the graph has "
				       "them");
	}
	if (until[0] != '\0' &&
	    !clock_parse_iso(view_cstr(until), &o->until_us)) {
		return question_refuse(q->j, 400, "until: this is no time");
	}
	if (w->note[0] == '\0') {
		return question_refuse(q->j, 400, "note: say why");
	}
	snprintf(o->key, sizeof(o->key), "%s", key);
	o->incident = 0;
	e = store_read_incident(q->store, id, take_exercise, o);
	return e == ERR_OK ? give(q, o, w) : question_failure(q->j, e);
}

static unsigned
do_verb(struct question *q, int64_t id, const char *verb, const struct wish *w)
{
	static const struct {
		const char *verb, *state;
	} states[] = { { "ack", "ack" },
		       { "close", "closed" },
		       { "reopen", "open" } };
	static const struct {
		const char *verb;
		enum case_what what;
		unsigned (*give)(struct question *q, struct case_order *o,
				 const struct wish *w);
	} orders[] = { { "split", CASE_SPLIT, split },
		       { "merge", CASE_MERGE, merge },
		       { "mute", CASE_MUTE, mute } };

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strcmp(verb, states[i].verb) == 0) {
			return set_state(q, id, states[i].state, w);
		}
	}
	if (strcmp(verb, "note") == 0) {
		return add_note(q, id, w);
	}
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct case_order o = { .what = orders[i].what,
					.incident = id };
		unsigned status;

		if (strcmp(verb, orders[i].verb) == 0) {
			status = orders[i].give(q, &o, w);
			case_order_fini(&o);
			return status;
		}
	}
	return question_failure(q->j, ERR_NOTFOUND);
}

static unsigned
refuse_body(struct question *q)
{
	return question_refuse(q->j, 400,
			       "the body must be a JSON object with \"note\" "
			       "and \"who\" as short texts");
}

unsigned
console_case_do(struct question *q, int64_t incident, const char *verb)
{
	struct wish w;
	unsigned status = wish_read(q, &w) ? do_verb(q, incident, verb, &w)
					   : refuse_body(q);

	json_decref(w.doc);
	return status;
}

/* ------------------------------------------------------------ consultations */

static unsigned
speak(struct question *q, struct consult_order *o, const struct wish *w)
{
	bool good = true;
	const char *as = text_of(w->doc, "as", SEVERITY_NAME_CAP - 1, &good);
	const char *to = text_of(w->doc, "to", SEVERITY_NAME_CAP - 1, &good);
	struct diag d = { "" };
	struct consult now;
	enum err e;

	o->as = as[0] != '\0' ? as : NULL;
	o->to = to[0] != '\0' ? to : NULL;
	o->who = w->who;
	o->why = w->note[0] != '\0' ? w->note : NULL;
	if (!good || (o->kind == CONSULT_ACK && o->as == NULL)) {
		return question_refuse(q->j, 400,
				       "as: the side that acknowledges");
	}
	if (o->kind == CONSULT_HANDOVER && (o->to == NULL || o->why == NULL)) {
		return question_refuse(q->j, 400,
				       "to, note: who is to lead, and why");
	}
	e = store_consult_speak(q->store, o, &now, &d);
	if (e != ERR_OK) {
		return refuse_store(q, e, &d);
	}
	json_obj(q->j, NULL);
	consult_json(q->j, &now);
	json_obj_end(q->j);
	return 200;
}

unsigned
console_consult_do(struct question *q, const char *what)
{
	static const struct {
		const char *verb;
		enum consult_kind kind;
	} verbs[] = { { "ack", CONSULT_ACK },
		      { "handover", CONSULT_HANDOVER },
		      { "close", CONSULT_CLOSE } };
	const char *slash = strchr(what, '/');
	struct consult_order o = { .kind = CONSULT_ACK };
	char id[CONSULT_ID_CAP];
	struct wish w;
	unsigned status;

	if (slash == NULL || (size_t)(slash - what) >= sizeof(id)) {
		return question_failure(q->j, ERR_NOTFOUND);
	}
	snprintf(id, sizeof(id), "%.*s", (int)(slash - what), what);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(slash + 1, verbs[i].verb) != 0) {
			continue;
		}
		if (!consult_id_parse(id, &o.id)) {
			break;
		}
		o.kind = verbs[i].kind;
		status = wish_read(q, &w) ? speak(q, &o, &w) : refuse_body(q);
		json_decref(w.doc);
		return status;
	}
	return question_failure(q->j, ERR_NOTFOUND);
}
