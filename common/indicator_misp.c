/* SPDX-License-Identifier: Apache-2.0 */
/* MISP core format: draft-dulaunoy-misp-core-format, 2.2 to 2.7. */
#include <stdio.h>

#include "common/indicator_reading.h"

#define MAX_TYPE_NAME 60

/* Which part of "a|b" is the value, or all of it. */
enum part { WHOLE, BEFORE, AFTER, BOTH };

static const struct misp_type {
	const char *name;
	enum indicator_kind kind;
	bool exact;
	enum part part;
	enum indicator_kind second; /* BOTH: what stands behind the bar */
} types[] = {
	{ "ip-src", INDICATOR_IP, false, WHOLE, 0 },
	{ "ip-dst", INDICATOR_IP, false, WHOLE, 0 },
	{ "ip-src|port", INDICATOR_IP, false, BEFORE, 0 },
	{ "ip-dst|port", INDICATOR_IP, false, BEFORE, 0 },
	{ "domain", INDICATOR_DOMAIN, false, WHOLE, 0 },
	{ "hostname", INDICATOR_DOMAIN, true, WHOLE, 0 },
	{ "hostname|port", INDICATOR_DOMAIN, true, BEFORE, 0 },
	{ "domain|ip", INDICATOR_DOMAIN, false, BOTH, INDICATOR_IP },
	{ "url", INDICATOR_URL, false, WHOLE, 0 },
	{ "ja3-fingerprint-md5", INDICATOR_JA3, false, WHOLE, 0 },
	{ "ja4", INDICATOR_JA4, false, WHOLE, 0 },
	{ "ja4-fingerprint", INDICATOR_JA4, false, WHOLE, 0 },
	{ "x509-fingerprint-sha1", INDICATOR_CERT_SHA1, false, WHOLE, 0 },
	{ "x509-fingerprint-sha256", INDICATOR_CERT_SHA256, false, WHOLE, 0 },
	{ "md5", INDICATOR_FILE_MD5, false, WHOLE, 0 },
	{ "sha1", INDICATOR_FILE_SHA1, false, WHOLE, 0 },
	{ "sha256", INDICATOR_FILE_SHA256, false, WHOLE, 0 },
	{ "filename|md5", INDICATOR_FILE_MD5, false, AFTER, 0 },
	{ "filename|sha1", INDICATOR_FILE_SHA1, false, AFTER, 0 },
	{ "filename|sha256", INDICATOR_FILE_SHA256, false, AFTER, 0 },
	{ "malware-sample", INDICATOR_FILE_MD5, false, AFTER, 0 },
	{ "user-agent", INDICATOR_USER_AGENT, false, WHOLE, 0 },
	{ "stix2-pattern", INDICATOR_PATTERN, false, WHOLE, 0 },
};

/* What an event says of all its attributes; its texts have their own room. */
struct misp_event {
	struct indicator_doc *doc;
	struct indicator_reading *r;
	struct indicator all;
	char org[INDICATOR_ID_CAP], info[INDICATOR_TEXT_CAP];
	char labels[INDICATOR_TEXT_CAP], uuid[64];
};

/*
 * "tlp:amber", "kill-chain:..." and galaxies such as
 * misp-galaxy:mitre-attack-pattern="... - T1071"; all are labels.  An
 * attribute's own TLP stands before its event's.
 */
static void
take_tag(struct misp_event *ev, struct view name, struct indicator *i,
	 bool *own_mark)
{
	static const struct view galaxy = VIEW_LIT("misp-galaxy:");

	indicator_doc_append(ev->doc, &i->labels, name);
	if (view_caseeq(view_sub(name, 0, 4), VIEW_LIT("tlp:"))) {
		i->marked = i->marked && *own_mark;
		*own_mark = true;
		indicator_mark_label(i, name);
	} else if (view_eq(view_sub(name, 0, galaxy.len), galaxy)) {
		const uint8_t *from = memchr(name.p, '"', name.len);
		const char *tactic = NULL;

		if (from != NULL) {
			size_t at = (size_t)(from - name.p) + 1;
			struct view word = view_sub(name, at, name.len);

			for (size_t n = 0; n < word.len; n++) {
				if (word.p[n] == '"' || word.p[n] == ' ') {
					word.len = n;
				}
			}
			tactic = indicator_tactic(word);
		}
		if (tactic != NULL && i->tactic[0] == '\0') {
			i->tactic = tactic;
		}
	}
}

static void
take_tags(struct misp_event *ev, const struct json_value *tags,
	  struct indicator *i)
{
	const struct json_reader *j = &ev->doc->json;
	const struct json_value *v;
	bool own_mark = false;

	for (v = json_first(j, tags); v != NULL; v = json_next(j, tags, v)) {
		struct view name = indicator_doc_view(ev->doc, v, "name");

		if (name.len > 0) {
			take_tag(ev, name, i, &own_mark);
		}
	}
}

/* Seconds since 1970, as text or number. */
static uint64_t
take_time(const struct misp_event *ev, const struct json_value *a,
	  const char *key)
{
	const struct json_value *v =
		json_member(&ev->doc->json, a, view_cstr(key));
	uint64_t s = 0;

	if (v == NULL || (v->type != JSON_STRING && v->type != JSON_NUMBER) ||
	    v->text.len > 12) {
		return 0;
	}
	for (size_t i = 0; i < v->text.len; i++) {
		if (v->text.p[i] < '0' || v->text.p[i] > '9') {
			return 0;
		}
		s = s * 10 + v->text.p[i] - '0';
	}
	return s * 1000000;
}

static const struct misp_type *
type_of(struct view name)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (view_eq(name, view_cstr(types[i].name))) {
			return &types[i];
		}
	}
	return NULL;
}

/* Both parts of "domain|ip" are bad by themselves, so both are entries. */
static void
add_parts(struct misp_event *ev, const struct misp_type *t, struct indicator *i,
	  struct view value)
{
	const uint8_t *bar = t->part != WHOLE && value.len > 0
				     ? memchr(value.p, '|', value.len)
				     : NULL;
	size_t at = bar != NULL ? (size_t)(bar - value.p) : value.len;

	i->kind = t->kind;
	i->exact = t->exact;
	if (t->kind == INDICATOR_PATTERN) {
		indicator_reading_pattern(ev->r, 0, i, value);
		return;
	}
	if (t->part == AFTER) {
		indicator_reading_add(ev->r, 0, i,
				      view_sub(value, at + 1, value.len));
		return;
	}
	indicator_reading_add(ev->r, 0, i, view_of(value.p, at));
	if (t->part == BOTH) {
		i->kind = t->second;
		indicator_reading_add(ev->r, 0, i,
				      view_sub(value, at + 1, value.len));
	}
}

/*
 * A server that was asked for it says how each of its models rates the
 * attribute by now: when all say so it is too old to be looked for.
 */
static bool
has_decayed(const struct misp_event *ev, const struct json_value *a)
{
	const struct json_reader *j = &ev->doc->json;
	const struct json_value *list =
		json_member(j, a, VIEW_LIT("decay_score"));
	const struct json_value *v = json_first(j, list);
	bool all = v != NULL;

	for (; v != NULL && all; v = json_next(j, list, v)) {
		all = indicator_doc_true(ev->doc, v, "decayed");
	}
	return all;
}

/*
 * The server's own warning lists, when it was asked for their hits: what they
 * know to be shared or harmless is not for detection, says who runs it.
 */
static struct view
warned_of(const struct misp_event *ev, const struct json_value *a)
{
	const struct json_reader *j = &ev->doc->json;
	const struct json_value *list = json_member(j, a, VIEW_LIT("warnings"));
	const struct json_value *v = json_first(j, list);

	return v != NULL ? indicator_doc_view(ev->doc, v, "warninglist_name")
			 : VIEW_NONE;
}

static const char *
passed_over(const struct misp_event *ev, const struct json_value *a)
{
	if (!indicator_doc_true(ev->doc, a, "to_ids")) {
		return "to_ids is not set: not for detection";
	}
	if (indicator_doc_true(ev->doc, a, "deleted")) {
		return "deleted";
	}
	if (has_decayed(ev, a)) {
		return "decayed: all of its source's models say it is too old";
	}
	return NULL;
}

static void
read_attribute(struct misp_event *ev, const struct json_value *a)
{
	struct view type = indicator_doc_view(ev->doc, a, "type");
	const struct misp_type *t = type_of(type);
	const char *why = passed_over(ev, a);
	struct indicator i = ev->all;
	const char *comment;
	struct view warned;

	i.id = indicator_doc_text(ev->doc, a, "uuid", INDICATOR_ID_CAP);
	if (why != NULL) {
		indicator_reading_refuse(ev->r, 0, i.id, "%s", why);
		return;
	}
	if (t == NULL) {
		indicator_reading_refuse(
			ev->r, 0, i.id,
			"attribute type '%.*s' is not matched by this sensor",
			(int)MIN(type.len, MAX_TYPE_NAME), type.p);
		return;
	}
	warned = warned_of(ev, a);
	if (warned.len > 0) {
		indicator_reading_refuse(ev->r, 0, i.id,
					 "on its source's warning list '%.*s'",
					 (int)MIN(warned.len, 80), warned.p);
		return;
	}
	comment = indicator_doc_text(ev->doc, a, "comment", INDICATOR_TEXT_CAP);
	if (comment[0] != '\0') {
		i.description = comment;
	}
	for (const char *p = ev->labels, *end; *p != '\0'; p = end) {
		end = p + strcspn(p, ",");
		indicator_doc_append(ev->doc, &i.labels,
				     view_of(p, (size_t)(end - p)));
		end += *end == ',';
	}
	take_tags(ev, json_member(&ev->doc->json, a, VIEW_LIT("Tag")), &i);
	i.modified_us = take_time(ev, a, "timestamp");
	add_parts(ev, t, &i, indicator_doc_view(ev->doc, a, "value"));
}

static void
read_attributes(struct misp_event *ev)
{
	struct indicator_object o;
	uint64_t n = 0;

	if (!json_stream_enter(&ev->doc->s, '[')) {
		json_stream_skip(&ev->doc->s);
		return;
	}
	while (json_stream_item(&ev->doc->s, &n) &&
	       indicator_doc_object(ev->doc, &o)) {
		if (o.v != NULL) {
			read_attribute(ev, o.v);
			continue;
		}
		indicator_reading_refuse(
			ev->r, 0,
			indicator_doc_copy(
				ev->doc,
				json_stream_text(o.raw, VIEW_LIT("uuid")),
				INDICATOR_ID_CAP),
			"at byte %llu: %s", (unsigned long long)o.offset,
			o.why);
	}
}

/* The attributes of each of an event's objects. */
static void
read_objects(struct misp_event *ev)
{
	struct json_stream *s = &ev->doc->s;
	char name[JSON_STREAM_NAME_CAP];
	uint64_t n = 0;

	if (!json_stream_enter(s, '[')) {
		json_stream_skip(s);
		return;
	}
	while (ev->r->stop == ERR_OK && json_stream_item(s, &n)) {
		uint64_t m = 0;

		if (!json_stream_enter(s, '{')) {
			json_stream_skip(s);
			continue;
		}
		while (ev->r->stop == ERR_OK &&
		       json_stream_member(s, &m, name)) {
			if (strcmp(name, "Attribute") == 0) {
				read_attributes(ev);
			} else {
				json_stream_skip(s);
			}
		}
	}
}

/* threat_level_id: 1 high, 2 medium, 3 low, 4 undefined; text or number. */
static uint8_t
threat_severity(struct view word)
{
	return word.len == 1 && word.p[0] >= '1' && word.p[0] <= '3'
		       ? (uint8_t)(word.p[0] - '0')
		       : 1;
}

/* One of an event's own members, which 'doc' stands before. */
static void
read_event_member(struct misp_event *ev, const char *name)
{
	struct indicator_doc *doc = ev->doc;
	const struct json_value *v;
	struct view raw;
	bool whole;

	if (!json_stream_take(&doc->s, INDICATOR_MAX_OBJECT, &raw, &whole) ||
	    !whole || !json_read(&doc->json, raw)) {
		return;
	}
	v = json_root(&doc->json);
	doc->used = 0;
	if (strcmp(name, "info") == 0 && v->type == JSON_STRING) {
		snprintf(ev->info, sizeof(ev->info), "%s",
			 indicator_doc_copy(doc, v->text, sizeof(ev->info)));
	} else if (strcmp(name, "Orgc") == 0) {
		snprintf(ev->org, sizeof(ev->org), "%s",
			 indicator_doc_text(doc, v, "name", sizeof(ev->org)));
	} else if (strcmp(name, "threat_level_id") == 0) {
		ev->all.severity = threat_severity(v->text);
	} else if (strcmp(name, "Tag") == 0) {
		take_tags(ev, v, &ev->all);
		snprintf(ev->labels, sizeof(ev->labels), "%s", ev->all.labels);
		ev->all.labels = "";
	}
}

static bool
is_list(const char *name)
{
	return strcmp(name, "Attribute") == 0 || strcmp(name, "Object") == 0;
}

/*
 * What it says of itself may stand behind its attributes, so an event is read
 * twice: first all but these, then these.
 */
static void
read_event(struct misp_event *ev)
{
	struct json_stream *s = &ev->doc->s;
	char name[JSON_STREAM_NAME_CAP];
	uint64_t start, n = 0;

	ev->all = indicator_blank(ev->r);
	ev->org[0] = ev->info[0] = ev->labels[0] = '\0';
	json_stream_peek(s);
	start = block_read_offset(s->in);
	if (!json_stream_enter(s, '{')) {
		json_stream_skip(s);
		return;
	}
	while (json_stream_member(s, &n, name)) {
		if (is_list(name)) {
			json_stream_skip(s);
		} else {
			read_event_member(ev, name);
		}
	}
	ev->all.created_by = ev->org;
	ev->all.description = ev->info;
	json_stream_seek(s, start);
	n = 0;
	if (!json_stream_enter(s, '{')) {
		return;
	}
	while (ev->r->stop == ERR_OK && json_stream_member(s, &n, name)) {
		if (strcmp(name, "Attribute") == 0) {
			read_attributes(ev);
		} else if (strcmp(name, "Object") == 0) {
			read_objects(ev);
		} else {
			json_stream_skip(s);
		}
	}
}

/* One event, or a list of {"Event": {}} as the server's search gives it. */
void
indicator_read_misp(struct indicator_doc *doc)
{
	struct misp_event ev = { .doc = doc, .r = doc->r };
	struct json_stream *s = &doc->s;
	char name[JSON_STREAM_NAME_CAP];
	uint64_t n = 0;

	if (json_stream_peek(s) == '{') {
		read_event(&ev);
		return;
	}
	if (!json_stream_enter(s, '[')) {
		return;
	}
	while (doc->r->stop == ERR_OK && json_stream_item(s, &n)) {
		uint64_t m = 0;

		if (!json_stream_enter(s, '{')) {
			json_stream_skip(s);
			continue;
		}
		while (doc->r->stop == ERR_OK &&
		       json_stream_member(s, &m, name)) {
			if (strcmp(name, "Event") == 0) {
				read_event(&ev);
			} else {
				json_stream_skip(s);
			}
		}
	}
}
