/* SPDX-License-Identifier: Apache-2.0 */
/* Single objects of STIX 2.1: sightings 5.2, incidents 4.6, and our own. */
#include <stdio.h>

#include "collector/stix_in_state.h"

#define MAX_COUNT UINT64_C(999999999) /* STIX 2.1 section 5.2 */

bool
stix_in_exercise(const struct stix_in *x, const struct json_value *o,
		 char out[SEVERITY_NAME_CAP])
{
	const struct json_value *v =
		json_member(&x->doc.json, o, VIEW_LIT(STIX_IN_EXERCISE));

	out[0] = '\0';
	if (v == NULL) {
		return true;
	}
	if (v->type != JSON_STRING || v->text.len == 0 ||
	    v->text.len >= SEVERITY_NAME_CAP) {
		return false;
	}
	memcpy(out, v->text.p, v->text.len);
	out[v->text.len] = '\0';
	return true;
}

/* -------------------------------------------------------------- markings */

static bool
join_ref(struct stix_in *x, struct view ref, struct marking *m)
{
	const struct stix_mark *known = stix_index_mark(&x->index, ref);

	if (known == NULL) {
		*m = indicator_mark_strictest();
		return true;
	}
	if (known->restricts) {
		marking_join(m, &known->mark);
	}
	return known->restricts;
}

/*
 * As of an indicator: those of its parts count for the whole, names without a
 * colour leave it red, and what says nothing, or nothing that can be
 * understood, is red and for nobody.
 */
static void
read_mark(struct stix_in *x, const struct json_value *o, struct marking *m)
{
	const struct json_reader *j = &x->doc.json;
	const struct json_value *refs =
		json_member(j, o, VIEW_LIT("object_marking_refs"));
	const struct json_value *parts =
		json_member(j, o, VIEW_LIT("granular_markings"));
	const struct json_value *v;
	struct marking named = MARKING_CLEAR;
	bool any = false, stated, ok;

	*m = MARKING_CLEAR;
	for (v = json_first(j, refs); v != NULL; v = json_next(j, refs, v)) {
		any |= join_ref(x, v->type == JSON_STRING ? v->text : VIEW_NONE,
				m);
	}
	for (v = json_first(j, parts); v != NULL; v = json_next(j, parts, v)) {
		if (json_member(j, v, VIEW_LIT("lang")) == NULL) {
			any |= join_ref(
				x,
				indicator_doc_view(&x->doc, v, "marking_ref"),
				m);
		}
	}
	ok = stix_releasable(&x->doc, o, &named, &stated) &&
	     (refs == NULL || refs->type == JSON_ARRAY) &&
	     (parts == NULL || parts->type == JSON_ARRAY);
	if (!ok || (!any && !stated)) {
		*m = indicator_mark_strictest();
	} else if (!any) {
		m->tlp = TLP_RED;
	}
	marking_join(m, &named);
}

/* --------------------------------------------------------- what all have */

static const char *
read_base(struct stix_in *x, const struct json_value *o, struct view id,
	  struct stix_in_object *b, char exercise[SEVERITY_NAME_CAP])
{
	if (id.len == 0 || id.len >= INDICATOR_ID_CAP) {
		return id.len == 0 ? "it has no id" : "its id is too long";
	}
	*b = (struct stix_in_object){
		.id = indicator_doc_copy(&x->doc, id, INDICATOR_ID_CAP),
		.exercise = exercise,
		.revoked = indicator_doc_true(&x->doc, o, "revoked"),
	};
	if (!stix_in_exercise(x, o, exercise)) {
		return STIX_IN_EXERCISE " is no name";
	}
	if (!indicator_doc_time(&x->doc, o, "created", &b->created_us) ||
	    !indicator_doc_time(&x->doc, o, "modified", &b->modified_us)) {
		return "created or modified is no timestamp";
	}
	read_mark(x, o, &b->mark);
	return NULL;
}

/* A number that is there or not; false: something else. */
static bool
read_number(const struct stix_in *x, const struct json_value *o,
	    const char *key, uint64_t max, uint64_t *out)
{
	const struct json_value *v =
		json_member(&x->doc.json, o, view_cstr(key));

	return v == NULL || json_uint(v, max, out);
}

/* ------------------------------------------------------------- sightings */

/* The first place that the bundle has a name of. */
static const char *
read_place(struct stix_in *x, const struct json_value *o)
{
	const struct json_reader *j = &x->doc.json;
	const struct json_value *refs =
		json_member(j, o, VIEW_LIT("where_sighted_refs"));
	const struct json_value *v;
	const char *name = "";

	for (v = json_first(j, refs); v != NULL && name[0] == '\0';
	     v = json_next(j, refs, v)) {
		if (v->type == JSON_STRING) {
			name = stix_index_name(&x->index, v->text);
		}
	}
	return name;
}

/* A pattern's first value, for a sighting. */
struct what_seen {
	struct stix_in *x;
	struct stix_in_sighting *s;
};

static enum err
keep_value(void *arg, const struct indicator *i, struct diag *d)
{
	struct what_seen *w = arg;

	(void)d;
	if (w->s->value == NULL) {
		w->s->value = indicator_doc_copy(
			&w->x->doc, view_cstr(i->value), INDICATOR_VALUE_CAP);
		w->s->kind = i->kind;
	}
	return ERR_OK;
}

/* The indicator may have gone long ago, or be our own. */
static void
read_pattern(struct stix_in *x, const struct json_value *o,
	     struct stix_in_sighting *s)
{
	struct view text = indicator_doc_view(&x->doc, o, "x_picket_pattern");
	struct what_seen w = { x, s };
	struct indicator_sink sink = { &w, keep_value, NULL, NULL };
	struct indicator_report account = { 0 };
	struct indicator_reading r = {
		.sink = &sink, .report = &account, .file = "", .source = ""
	};
	struct indicator i = indicator_blank(&r);

	if (text.len > 0 && text.len < INDICATOR_VALUE_CAP) {
		indicator_reading_pattern(&r, 0, &i, text);
	}
	if (s->value != NULL && s->value[0] == '\0') {
		s->value = NULL;
	}
}

static const char *
take_sighting(struct stix_in *x, const struct json_value *o,
	      const struct stix_in_object *b)
{
	struct stix_in_sighting s = { .o = *b, .count = 1 };
	struct view of = indicator_doc_view(&x->doc, o, "sighting_of_ref");
	const struct json_value *past =
		json_member(&x->doc.json, o, VIEW_LIT("x_picket_past"));
	const uint64_t *at;

	if (of.len == 0 || of.len >= INDICATOR_ID_CAP) {
		return "it does not say what was sighted";
	}
	if (!indicator_doc_time(&x->doc, o, "first_seen", &s.first_us) ||
	    !indicator_doc_time(&x->doc, o, "last_seen", &s.last_us)) {
		return "first_seen or last_seen is no timestamp";
	}
	if (!read_number(x, o, "count", MAX_COUNT, &s.count)) {
		return "count is no number up to 999999999";
	}
	if (past != NULL && past->type != JSON_TRUE &&
	    past->type != JSON_FALSE) {
		return "x_picket_past is neither true nor false";
	}
	s.past = past != NULL && past->type == JSON_TRUE;
	s.of = indicator_doc_copy(&x->doc, of, INDICATOR_ID_CAP);
	s.place = read_place(x, o);
	s.confidence = INDICATOR_CONFIDENCE_UNKNOWN;
	s.kind = INDICATOR_KINDS;
	at = id_map_get(&x->ids, of);
	if (at != NULL && x->items[*at].value != NULL) {
		s.value = x->items[*at].value;
		s.kind = x->items[*at].kind;
		s.confidence = x->items[*at].confidence;
	} else {
		read_pattern(x, o, &s);
	}
	x->err = x->sink->sighting(x->sink->arg, &s);
	return NULL;
}

/* ------------------------------------------------------------- incidents */

/* A list of texts, or one text, parted by commas. */
static const char *
read_list(struct stix_in *x, const struct json_value *o, const char *key)
{
	const struct json_reader *j = &x->doc.json;
	const struct json_value *list = json_member(j, o, view_cstr(key)), *v;
	const char *out = "";

	if (list != NULL && list->type == JSON_STRING) {
		return indicator_doc_copy(&x->doc, list->text,
					  STIX_IN_TEXT_CAP);
	}
	for (v = json_first(j, list); v != NULL; v = json_next(j, list, v)) {
		if (v->type == JSON_STRING) {
			indicator_doc_append(&x->doc, &out, v->text);
		}
	}
	return out;
}

/* What the incident has of the other side. */
static size_t
read_actors(const struct stix_in *x, const struct json_value *ext, char *out,
	    size_t cap)
{
	const struct json_reader *j = &x->doc.json;
	const struct json_value *list = json_member(j, ext, VIEW_LIT("actors"));
	size_t len = 0;

	for (const struct json_value *v = json_first(j, list); v != NULL;
	     v = json_next(j, list, v)) {
		struct view kind = indicator_doc_view(&x->doc, v, "kind");
		struct view value = indicator_doc_view(&x->doc, v, "value");
		size_t n = 1 + kind.len + 1 + value.len + 1;

		if (kind.len == 0 || value.len == 0 || n > STIX_IN_ACTOR_CAP ||
		    n > cap - len || memchr(kind.p, 0, kind.len) != NULL ||
		    memchr(value.p, 0, value.len) != NULL) {
			continue;
		}
		snprintf(out + len, n, "k%.*s %.*s", (int)kind.len,
			 (const char *)kind.p, (int)value.len,
			 (const char *)value.p);
		len += n;
	}
	return len;
}

static const char *
take_incident(struct stix_in *x, const struct json_value *o,
	      const struct stix_in_object *b)
{
	const struct json_reader *j = &x->doc.json;
	const struct json_value *ext =
		json_member(j, json_member(j, o, VIEW_LIT("extensions")),
			    view_cstr(x->extension));
	struct stix_in_incident i = { .o = *b };
	char actors[STIX_IN_ACTORS * STIX_IN_ACTOR_CAP];

	i.has_level = json_member(j, ext, VIEW_LIT("level")) != NULL;
	if (!read_number(x, ext, "level", 5, &i.level) ||
	    !read_number(x, ext, "score", 100, &i.score) ||
	    !read_number(x, ext, "alerts", INT64_MAX, &i.alerts) ||
	    !read_number(x, ext, "number", INT64_MAX, &i.number)) {
		return "level is not 0 to 5, score not 0 to 100, or alerts or "
		       "number no number";
	}
	if (!indicator_doc_time(&x->doc, ext, "first", &i.first_us) ||
	    !indicator_doc_time(&x->doc, ext, "last", &i.last_us)) {
		return "first or last is no timestamp";
	}
	i.title = indicator_doc_text(&x->doc, o, "name", STIX_IN_TEXT_CAP);
	i.lead = indicator_doc_text(&x->doc, ext, "lead", SEVERITY_NAME_CAP);
	i.support = read_list(x, ext, "support");
	i.missions = read_list(x, ext, "missions");
	i.sites = read_list(x, ext, "sites");
	i.stages = read_list(x, ext, "stages");
	i.actors = view_of(actors, read_actors(x, ext, actors, sizeof(actors)));
	x->err = x->sink->incident(x->sink->arg, &i);
	return NULL;
}

/* --------------------------------------------------------- consultations */

/* The event is an object of its own within, as consult_event_json() has it. */
static const char *
take_event(struct stix_in *x, const struct indicator_object *o,
	   const struct stix_in_object *b, char why[static 512])
{
	struct consult_event e;
	struct diag d = { "" };

	if (stix_in_event(o->raw, &e, &d) != ERR_OK) {
		snprintf(why, 512, "%s", d.msg);
		return why;
	}
	x->err = x->sink->event(x->sink->arg, b, &e);
	return NULL;
}

void
stix_in_take(struct stix_in *x, const struct indicator_object *o,
	     struct view type, struct view id)
{
	char exercise[SEVERITY_NAME_CAP], why[512];
	struct stix_in_object b;
	const char *wrong = read_base(x, o->v, id, &b, exercise);

	if (wrong == NULL && view_eq(type, VIEW_LIT("sighting"))) {
		wrong = take_sighting(x, o->v, &b);
	} else if (wrong == NULL && view_eq(type, VIEW_LIT("incident"))) {
		wrong = take_incident(x, o->v, &b);
	} else if (wrong == NULL) {
		wrong = take_event(x, o, &b, why);
	}
	if (wrong != NULL) {
		stix_in_refuse(x, STIX_IN_MALFORMED, type, id, wrong);
	}
}
