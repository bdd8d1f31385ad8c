/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stix_in.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/stix_in_state.h"

const char *
stix_in_cause_name(enum stix_in_cause c)
{
	static const char *const names[STIX_IN_CAUSES] = {
		[STIX_IN_MALFORMED] = "malformed",
		[STIX_IN_IMPERSONATED] = "impersonated",
		[STIX_IN_TOO_MANY] = "too-many",
	};

	return (size_t)c < STIX_IN_CAUSES ? names[c] : "unknown";
}

void
stix_in_refuse(struct stix_in *x, enum stix_in_cause cause, struct view type,
	       struct view id, const char *why)
{
	char what[256];

	/* Texts of the partner's: who tells of them cleans them. */
	snprintf(what, sizeof(what), "%.*s %.*s: %s", (int)MIN(type.len, 40u),
		 type.len > 0 ? (const char *)type.p : "",
		 (int)MIN(id.len, 80u), id.len > 0 ? (const char *)id.p : "",
		 why);
	x->report->refused[cause]++;
	if (x->sink->refused != NULL) {
		x->sink->refused(x->sink->arg, cause, what);
	}
}

/* ------------------------------------------------------- what is whose */

/* Names and markings, which an object that refers to them needs. */
static bool
is_helper(struct view type)
{
	return view_eq(type, VIEW_LIT("identity")) ||
	       view_eq(type, VIEW_LIT("marking-definition")) ||
	       view_eq(type, VIEW_LIT("extension-definition"));
}

static bool
is_item(struct view type)
{
	return view_eq(type, VIEW_LIT("indicator")) ||
	       view_eq(type, VIEW_LIT("sighting")) ||
	       view_eq(type, VIEW_LIT("incident")) ||
	       view_eq(type, VIEW_LIT(STIX_IN_EVENT));
}

/* Whether one more object is taken, and is the party's own.  What says nothing
 * of its creator came under the party's signature. */
static bool
may_speak(struct stix_in *x, const struct json_value *o, struct view type,
	  struct view id)
{
	const struct json_value *by =
		json_member(&x->doc.json, o, VIEW_LIT("created_by_ref"));

	if (x->n_seen++ >= STIX_IN_MAX_OBJECTS) {
		stix_in_refuse(x, STIX_IN_TOO_MANY, type, id,
			       "the bundle has too many objects");
		return false;
	}
	if (by != NULL && (by->type != JSON_STRING ||
			   !view_eq(by->text, view_cstr(x->producer)))) {
		stix_in_refuse(x, STIX_IN_IMPERSONATED, type, id,
			       "its creator is another party");
		return false;
	}
	return true;
}

/* Before indicators are read: which of them are refused, and their exercise. */
static void
note_indicator(struct stix_in *x, const struct indicator_object *o)
{
	struct view type, id;
	struct stix_in_item *item;
	uint64_t *at = NULL;
	bool known, may;

	if (o->v == NULL) {
		return;
	}
	type = indicator_doc_view(&x->doc, o->v, "type");
	id = indicator_doc_view(&x->doc, o->v, "id");
	if (!view_eq(type, VIEW_LIT("indicator"))) {
		x->n_seen += is_item(type);
		return;
	}
	x->report->objects++;
	may = may_speak(x, o->v, type, id);
	if (id.len == 0 || x->n_items == STIX_IN_MAX_OBJECTS) {
		return;
	}
	x->err = id_map_put(&x->ids, id, &known, &at);
	if (x->err != ERR_OK) {
		return;
	}
	if (!known) {
		*at = x->n_items++;
		memset(&x->items[*at], 0, sizeof(x->items[*at]));
	}
	item = &x->items[*at];
	item->refused |= !may;
	if (!stix_in_exercise(x, o->v, item->exercise)) {
		item->refused = true;
		stix_in_refuse(x, STIX_IN_MALFORMED, type, id,
			       STIX_IN_EXERCISE " is no name");
	}
}

static void
take_other(struct stix_in *x, const struct indicator_object *o)
{
	struct view type, id;

	if (o->v == NULL) {
		type = json_stream_text(o->raw, VIEW_LIT("type"));
		/* Others were refused as indicators. */
		if (o->raw.p[0] != '{' ||
		    (type.p != NULL && !view_eq(type, VIEW_LIT("indicator")))) {
			stix_in_refuse(x, STIX_IN_MALFORMED, type, VIEW_NONE,
				       o->why);
		}
		return;
	}
	type = indicator_doc_view(&x->doc, o->v, "type");
	id = indicator_doc_view(&x->doc, o->v, "id");
	if (view_eq(type, VIEW_LIT("indicator"))) {
		x->n_seen++;
	} else if (is_item(type)) {
		x->report->objects++;
		if (may_speak(x, o->v, type, id)) {
			stix_in_take(x, o, type, id);
		}
	} else {
		x->report->others += !is_helper(type);
	}
}

/* ------------------------------------------------------------ indicators */

static struct stix_in_item *
item_of(const struct stix_in *x, const char *id)
{
	const uint64_t *at = id_map_get(&x->ids, view_cstr(id));

	return at != NULL ? &x->items[*at] : NULL;
}

/* Values are work, and little text. */
static bool
has_room(struct stix_in *x, struct stix_in_item *item, const char *id)
{
	if (!item->full && item->n_values < STIX_IN_VALUES &&
	    x->n_values < STIX_IN_MAX_VALUES) {
		item->n_values++;
		x->n_values++;
		return true;
	}
	if (!item->full) {
		item->full = true;
		stix_in_refuse(x, STIX_IN_TOO_MANY, VIEW_LIT("indicator"),
			       view_cstr(id),
			       "its pattern, or the bundle, has too many "
			       "values: the rest is left out");
	}
	return false;
}

static enum err
take_indicator(void *arg, const struct indicator *i, struct diag *d)
{
	struct stix_in *x = arg;
	struct stix_in_item *item = item_of(x, i->id);

	if (item == NULL || item->refused) {
		return diag_set(d, ERR_FORMAT, "refused before");
	}
	if (!has_room(x, item, i->id)) {
		return diag_set(d, ERR_FORMAT, "refused before");
	}
	if (item->value == NULL) {
		item->value = strdup(i->value);
		item->kind = i->kind;
		item->confidence = i->confidence;
	}
	x->err = item->value != NULL
			 ? x->sink->indicator(x->sink->arg, i, item->exercise)
			 : ERR_NOMEM;
	return x->err == ERR_FORMAT ? ERR_IO : x->err;
}

static void
refuse_indicator(void *arg, const struct indicator_refusal *r)
{
	struct stix_in *x = arg;
	const char *id = r->id != NULL ? r->id : "";
	const struct stix_in_item *item = item_of(x, id);

	if (item == NULL || (!item->refused && !item->full)) {
		stix_in_refuse(x, STIX_IN_MALFORMED, VIEW_LIT("indicator"),
			       view_cstr(id), r->reason);
	}
}

static enum err
take_indicators(struct stix_in *x, struct view bundle)
{
	struct indicator_sink s = { x, take_indicator, refuse_indicator, NULL };
	struct indicator_report account = { 0 };
	struct diag why = { "" };
	enum err e;

	/* What is wrong with the whole is said by the other readings. */
	e = indicator_read_bytes(x->r.file, bundle, &s, &account, &why);
	return x->err != ERR_OK ? x->err : e == ERR_NOMEM ? e : ERR_OK;
}

/* --------------------------------------------------------- the readings */

/* Before the array of objects; false: there is none. */
static bool
find_objects(struct stix_in *x)
{
	char name[JSON_STREAM_NAME_CAP];
	uint64_t n = 0;

	if (json_stream_peek(&x->doc.s) != '{' ||
	    !json_stream_enter(&x->doc.s, '{')) {
		return false;
	}
	while (json_stream_member(&x->doc.s, &n, name)) {
		if (strcmp(name, "objects") == 0 &&
		    json_stream_peek(&x->doc.s) == '[') {
			x->start = block_read_offset(x->doc.s.in);
			return true;
		}
		json_stream_skip(&x->doc.s);
	}
	return false;
}

static enum err
each_object(struct stix_in *x,
	    void (*fn)(struct stix_in *x, const struct indicator_object *o))
{
	struct indicator_object o;
	uint64_t n = 0;

	json_stream_seek(&x->doc.s, x->start);
	x->n_seen = 0;
	if (json_stream_enter(&x->doc.s, '[')) {
		while (x->err == ERR_OK && json_stream_item(&x->doc.s, &n) &&
		       indicator_doc_object(&x->doc, &o)) {
			fn(x, &o);
		}
	}
	return x->err != ERR_OK ? x->err : x->r.stop;
}

static enum err
read_objects(struct stix_in *x, struct view bundle)
{
	enum err e, broken;

	if (!find_objects(x)) {
		e = json_stream_error(&x->doc.s, x->r.file, x->r.d);
		return e != ERR_OK
			       ? ERR_FORMAT
			       : diag_set(x->r.d, ERR_FORMAT,
					  "%s: no STIX 2.1 bundle", x->r.file);
	}
	x->indexed = true;
	e = stix_index_build(&x->index, &x->doc);
	if (e == ERR_OK) {
		e = each_object(x, note_indicator);
	}
	if (e == ERR_OK) {
		e = take_indicators(x, bundle);
	}
	if (e == ERR_OK) {
		e = each_object(x, take_other);
	}
	if (e != ERR_OK) {
		return e;
	}
	broken = json_stream_error(&x->doc.s, x->r.file, x->r.d);
	return broken != ERR_OK ? ERR_FORMAT : ERR_OK;
}

enum err
stix_in_read(struct view bundle, const char *party,
	     const struct stix_in_sink *sink, struct stix_in_report *report,
	     struct diag *d)
{
	struct block_read in;
	struct stix_in *x = calloc(1, sizeof(*x));
	enum err e = ERR_NOMEM;

	memset(report, 0, sizeof(*report));
	if (x == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	x->sink = sink;
	x->report = report;
	x->r = (struct indicator_reading){ .d = d,
					   .file = "bundle",
					   .source = party };
	x->doc.r = &x->r;
	x->doc.text = malloc(INDICATOR_SCRATCH);
	x->items = calloc(STIX_IN_MAX_OBJECTS, sizeof(*x->items));
	json_reader_init(&x->doc.json);
	block_read_memory(&in, bundle);
	json_stream_init(&x->doc.s, &in);
	x->err = stix_in_ids(party, x->producer, x->extension);
	if (x->doc.text != NULL && x->items != NULL && x->err == ERR_OK) {
		e = id_map_init(&x->ids, true, STIX_IN_MAX_OBJECTS);
	}
	if (e == ERR_OK) {
		e = read_objects(x, bundle);
	}
	for (size_t i = 0; i < x->n_items; i++) {
		free(x->items[i].value);
	}
	if (x->indexed) {
		stix_index_fini(&x->index);
	}
	id_map_fini(&x->ids);
	json_stream_fini(&x->doc.s);
	block_read_fini(&in);
	json_reader_fini(&x->doc.json);
	free(x->doc.text);
	free(x->items);
	free(x);
	return e;
}
