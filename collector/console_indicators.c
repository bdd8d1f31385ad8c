/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_indicators.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "collector/indicator_change.h"
#include "collector/indicator_json.h"
#include "common/clock.h"

/* A console's request waits so long for a full inbox: it holds one of few
 * threads. */
#define INBOX_PATIENCE_S 5
#define MAX_IMPORTS 50

/* -------------------------------------------------------------------- bodies */

json_t *
question_body(struct question *q)
{
	const struct view body = q->r->body;
	json_t *doc = body.len == 0 ? json_object()
				    : json_loadb((const char *)body.p, body.len,
						 JSON_REJECT_DUPLICATES, NULL);
	const char *name;
	json_t *v;

	if (!json_is_object(doc)) {
		json_decref(doc);
		return NULL;
	}
	json_object_foreach(doc, name, v)
	{
		if (!json_is_string(v) ||
		    json_string_length(v) > API_MAX_NOTE ||
		    strlen(json_string_value(v)) != json_string_length(v)) {
			json_decref(doc);
			return NULL;
		}
	}
	return doc;
}

void
question_body_free(struct json_t *body)
{
	json_decref(body);
}

const char *
question_word(const struct json_t *body, const char *name, const char *fallback)
{
	const char *s = json_string_value(json_object_get(body, name));

	return s != NULL && *s != '\0' ? s : fallback;
}

const char *
question_who(const struct question *q, const char *said)
{
	const struct viewer *v = q->r->viewer;

	if (v != NULL && v->name[0] != '\0' && strcmp(v->name, "local") != 0) {
		return v->name;
	}
	return said != NULL && said[0] != '\0' ? said : "console";
}

unsigned
question_refuse_change(struct json *j, enum err e, const struct diag *d)
{
	switch (e) {
	case ERR_NOTFOUND:
		return question_refuse(j, 404, d->msg);
	case ERR_USAGE:
	case ERR_FORMAT:
	case ERR_LIMIT:
	case ERR_TRUNCATED:
		return question_refuse(j, 400, d->msg);
	default:
		return question_refuse(j, 503, "the store is busy: try again");
	}
}

static unsigned
refuse_body(struct question *q)
{
	return question_refuse(q->j, 400,
			       "the body must be a JSON object of short texts");
}

/* --------------------------------------------------------------------- asked */

static unsigned
states_of(const char *state)
{
	return state == NULL ? 1u << INDICATOR_HELD | 1u << INDICATOR_ARMED
	       : strcmp(state, "all") == 0   ? 0
	       : strcmp(state, "held") == 0  ? 1u << INDICATOR_HELD
	       : strcmp(state, "armed") == 0 ? 1u << INDICATOR_ARMED
	       : strcmp(state, "off") == 0   ? 1u << INDICATOR_OFF
					     : 1u << 31; /* none has it */
}

static enum err
list(struct question *q)
{
	struct indicator_filter f = {
		.states = states_of(question_text(q, "state")),
		.text = question_text(q, "q"),
		.before = q->f.before_id,
	};
	int64_t last = 0;
	enum err e;

	json_obj(q->j, NULL);
	e = indicator_json_list(q->store, &f, q->limit, q->j, "rows", &last);
	if (last != 0) {
		json_i64(q->j, "next", last);
	} else {
		json_nil(q->j, "next");
	}
	json_obj_end(q->j);
	return e;
}

static enum err
show(struct question *q, const struct indicator_filter *f)
{
	unsigned n = 0;
	enum err e;

	json_obj(q->j, NULL);
	e = indicator_json_show(q->store, f, q->j, &n);
	json_obj_end(q->j);
	return e == ERR_OK && n == 0 ? ERR_NOTFOUND : e;
}

static enum err
imports(struct question *q, int64_t id)
{
	unsigned n = 0;
	enum err e;

	json_obj(q->j, NULL);
	e = indicator_json_imports(q->store, id, MIN(q->limit, MAX_IMPORTS),
				   q->j, &n);
	if (e == ERR_OK && id == 0) {
		e = indicator_json_polls(q->store, q->j);
	}
	json_obj_end(q->j);
	return e == ERR_OK && id != 0 && n == 0 ? ERR_NOTFOUND : e;
}

/* A number and nothing behind it, or "/VERB"; 0 when it is none. */
static int64_t
number_of(const char *s, const char **verb)
{
	size_t n = strspn(s, "0123456789");

	*verb = s[n] == '/' ? s + n + 1 : NULL;
	return n == 0 || n > 18 || (s[n] != '\0' && s[n] != '/')
		       ? 0
		       : strtoll(s, NULL, 10);
}

enum err
console_indicators(struct question *q, const char *rest)
{
	struct indicator_filter f = { .value = question_text(q, "value") };
	const char *verb = NULL;
	enum err e;

	if (rest[0] == '\0') {
		return f.value != NULL ? show(q, &f) : list(q);
	}
	if (strcmp(rest, "/armed") == 0) {
		json_obj(q->j, NULL);
		e = indicator_json_armed(q->store, q->j);
		json_obj_end(q->j);
		return e;
	}
	if (strcmp(rest, "/imports") == 0) {
		return imports(q, 0);
	}
	if (strncmp(rest, "/imports/", 9) == 0) {
		int64_t id = number_of(rest + 9, &verb);

		return id > 0 && verb == NULL ? imports(q, id) : ERR_NOTFOUND;
	}
	f = (struct indicator_filter){ .id = number_of(rest + 1, &verb) };
	return f.id > 0 && verb == NULL ? show(q, &f) : ERR_NOTFOUND;
}

/* ------------------------------------------------------------------- changed */

static unsigned
import(struct question *q)
{
	const char *name = question_text(q, "name");
	const char *snapshot = question_text(q, "snapshot");
	const struct indicator_list_in in = {
		.source = question_text(q, "source"),
		.who = question_who(q, question_text(q, "who")),
		.mark = question_text(q, "mark"),
		.snapshot = snapshot != NULL && strcmp(snapshot, "yes") == 0,
		.patience_s = INBOX_PATIENCE_S,
		.path = name != NULL ? name : "upload",
		.data = q->r->body,
	};
	struct indicator_brought got;
	struct diag d = { "" };
	enum err e;

	if (in.data.len == 0) {
		return question_refuse(q->j, 400,
				       "the body must be the list itself");
	}
	e = indicator_bring(q->store->path, &in, &got, &d);
	if (e != ERR_OK) {
		return question_refuse_change(q->j, e, &d);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "import", got.import);
	json_cstr(q->j, "source", got.source);
	json_u64(q->j, "total", got.report.total);
	json_u64(q->j, "supported", got.report.loaded);
	json_u64(q->j, "refused", got.report.refused);
	json_cstr(q->j, "error", got.why.msg);
	json_obj_end(q->j);
	return 200;
}

static unsigned
add(struct question *q, const json_t *body)
{
	const char *until = question_word(body, "until", NULL);
	struct indicator_given g = {
		.kind = question_word(body, "kind", ""),
		.value = question_word(body, "value", ""),
		.mark = question_word(body, "mark", NULL),
		.note = question_word(body, "note", NULL),
		.who = question_who(q, question_word(body, "who", NULL)),
	};
	char value[INDICATOR_VALUE_CAP];
	struct diag d = { "" };
	int64_t id = 0;
	enum err e;

	if (until != NULL && !clock_parse_iso(view_cstr(until), &g.until_us)) {
		return question_refuse(q->j, 400,
				       "until: a time as "
				       "2026-11-23T12:00:00Z");
	}
	e = indicator_give(q->store->path, &g, value, &id, &d);
	if (e != ERR_OK) {
		return question_refuse_change(q->j, e, &d);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "import", id);
	json_cstr(q->j, "kind", g.kind);
	json_cstr(q->j, "value", value);
	json_obj_end(q->j);
	return 200;
}

static unsigned
judge(struct question *q, const json_t *body, int64_t id, const char *verb)
{
	enum indicator_verdict v = indicator_verdict_of(verb);
	struct diag d = { "" };
	enum err e;

	if (v == VERDICT_NONE) {
		return question_failure(q->j, ERR_NOTFOUND);
	}
	e = indicator_judge(q->store->path, id, v,
			    question_who(q, question_word(body, "who", NULL)),
			    question_word(body, "note", ""), &d);
	if (e == ERR_USAGE) { /* it is so already */
		return question_refuse(q->j, 409, d.msg);
	}
	if (e != ERR_OK) {
		return question_refuse_change(q->j, e, &d);
	}
	json_obj(q->j, NULL);
	json_i64(q->j, "id", id);
	json_cstr(q->j, "done", verb);
	json_obj_end(q->j);
	return 200;
}

unsigned
console_indicators_change(struct question *q, const char *rest)
{
	const char *verb = NULL;
	unsigned status;
	json_t *body;
	int64_t id;

	if (strcmp(rest, "/import") == 0) {
		return import(q);
	}
	id = rest[0] == '/' ? number_of(rest + 1, &verb) : 0;
	if (rest[0] != '\0' && (id <= 0 || verb == NULL)) {
		return question_failure(q->j, ERR_NOTFOUND);
	}
	body = question_body(q);
	if (body == NULL) {
		return refuse_body(q);
	}
	status = rest[0] == '\0' ? add(q, body) : judge(q, body, id, verb);
	json_decref(body);
	return status;
}
