/* SPDX-License-Identifier: Apache-2.0 */
/* An event as another collector wrote it. */
#include "collector/consult.h"

#include <jansson.h>

#include "common/clock.h"

struct reader {
	const json_t *o;
	struct diag *d;
	enum err err;
};

static void
wrong(struct reader *r, const char *key, const char *why)
{
	if (r->err == ERR_OK) {
		r->err = diag_set(r->d, ERR_FORMAT,
				  "an event of a consultation: \"%s\" %s", key,
				  why);
	}
}

/* A text that fits, without a NUL in it; "" when it is not there. */
static void
text(struct reader *r, const json_t *v, const char *key, char *out, size_t cap)
{
	size_t n;

	if (v == NULL) {
		return;
	}
	n = json_string_length(v);
	if (!json_is_string(v) || n >= cap ||
	    memchr(json_string_value(v), '\0', n) != NULL) {
		wrong(r, key, "is no text, or too long");
		return;
	}
	memcpy(out, json_string_value(v), n);
}

static void
member(struct reader *r, const char *key, char *out, size_t cap)
{
	text(r, json_object_get(r->o, key), key, out, cap);
}

static uint64_t
number(struct reader *r, const char *key)
{
	const json_t *v = json_object_get(r->o, key);

	if (v != NULL && (!json_is_integer(v) || json_integer_value(v) < 0)) {
		wrong(r, key, "is no number from 0 on");
	}
	return v != NULL ? (uint64_t)json_integer_value(v) : 0;
}

static unsigned
small(struct reader *r, const char *key)
{
	uint64_t v = number(r, key);

	if (v > 1000) {
		wrong(r, key, "is too large");
	}
	return (unsigned)MIN(v, (uint64_t)1000);
}

static uint64_t
moment(struct reader *r, const char *key)
{
	const json_t *v = json_object_get(r->o, key);
	uint64_t us = 0;

	if (v != NULL && !json_is_null(v) &&
	    (!json_is_string(v) ||
	     !clock_parse_iso(
		     view_of(json_string_value(v), json_string_length(v)),
		     &us))) {
		wrong(r, key, "is no time");
	}
	return us;
}

static void
id(struct reader *r, const char *key, struct consult_id *out)
{
	char s[CONSULT_ID_CAP] = "";

	member(r, key, s, sizeof(s));
	if (s[0] != '\0' && !consult_id_parse(s, out)) {
		wrong(r, key, "is no id as JP-3");
	}
}

static void
sides(struct reader *r, struct consult_event *e)
{
	const json_t *list = json_object_get(r->o, "sides");
	size_t n = json_array_size(list);

	if (list != NULL && (!json_is_array(list) || n > CONSULT_SIDES)) {
		wrong(r, "sides", "is no list of at most 16 owners");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		text(r, json_array_get(list, i), "sides", e->sides[i],
		     sizeof(e->sides[i]));
	}
	e->n_sides = (unsigned)n;
}

static enum consult_kind
kind(struct reader *r)
{
	const char *s = json_string_value(json_object_get(r->o, "what"));

	for (int k = CONSULT_OPEN; s != NULL && k < CONSULT_KINDS; k++) {
		if (strcmp(s, consult_kind_name((enum consult_kind)k)) == 0) {
			return (enum consult_kind)k;
		}
	}
	wrong(r, "what", "is nothing that can be said");
	return CONSULT_KINDS;
}

static void
read_all(struct reader *r, struct consult_event *e)
{
	member(r, "side", e->side, sizeof(e->side));
	e->number = number(r, "number");
	id(r, "id", &e->id);
	e->kind = kind(r);
	e->clock = number(r, "clock");
	e->at_us = moment(r, "at");
	member(r, "who", e->who, sizeof(e->who));
	member(r, "about", e->about, sizeof(e->about));
	id(r, "other", &e->other);
	e->level = small(r, "level");
	e->step = small(r, "step");
	e->deadline_us = moment(r, "deadline");
	e->incident = (int64_t)number(r, "incident");
	member(r, "exercise", e->exercise, sizeof(e->exercise));
	sides(r, e);
	member(r, "text", e->text, sizeof(e->text));
}

enum err
consult_event_parse(struct view line, struct consult_event *out, struct diag *d)
{
	struct reader r = { .d = d };
	json_error_t why;
	json_t *doc;

	memset(out, 0, sizeof(*out));
	if (line.len == 0 || line.len > CONSULT_EVENT_MAX) {
		return diag_set(d, ERR_FORMAT,
				"an event of a consultation: not from 1 to %d "
				"bytes",
				CONSULT_EVENT_MAX);
	}
	doc = json_loadb((const char *)line.p, line.len, JSON_REJECT_DUPLICATES,
			 &why);
	if (!json_is_object(doc)) {
		json_decref(doc);
		return diag_set(d, ERR_FORMAT,
				"an event of a consultation: no JSON object");
	}
	r.o = doc;
	read_all(&r, out);
	json_decref(doc);
	return r.err == ERR_OK ? consult_event_check(out, d) : r.err;
}
