/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_ecs.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define ECS_VERSION "8.11"

/* "source.ip": a path of at most so many characters. */
#define PATH_CAP 64

/* Sets 'path', whose objects are made; takes 'v' over.  NULL sets nothing. */
static void
put(json_t *doc, const char *path, json_t *v)
{
	const char *dot;
	char part[PATH_CAP];

	if (v == NULL) {
		return;
	}
	while ((dot = strchr(path, '.')) != NULL) {
		json_t *o;

		snprintf(part, sizeof(part), "%.*s", (int)(dot - path), path);
		o = json_object_get(doc, part);
		if (o == NULL) {
			json_object_set_new(doc, part, json_object());
			o = json_object_get(doc, part);
		}
		doc = o;
		path = dot + 1;
	}
	json_object_set_new(doc, path, v);
}

/* The member's value, once more; NULL: there is none. */
static json_t *
copy(const json_t *o, const char *key)
{
	return json_incref(json_object_get(o, key));
}

static json_t *
lower(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));
	char out[64];
	size_t n = 0;

	if (s == NULL) {
		return NULL;
	}
	for (; s[n] != '\0' && n + 1 < sizeof(out); n++) {
		out[n] = (char)tolower((unsigned char)s[n]);
	}
	out[n] = '\0';
	return json_string(out);
}

static json_t *
as_text(const json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);
	char text[32];

	if (!json_is_integer(v)) {
		return NULL;
	}
	snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
		 json_integer_value(v));
	return json_string(text);
}

static void
put_end(json_t *doc, const char *end, const json_t *event, const char *ip,
	const char *port, const json_t *info)
{
	static const char *const geo[][2] = {
		{ "country_iso", "geo.country_iso_code" },
		{ "country", "geo.country_name" },
		{ "city", "geo.city_name" },
		{ "asn", "as.number" },
		{ "org", "as.organization.name" },
	};
	char path[PATH_CAP];

	snprintf(path, sizeof(path), "%s.ip", end);
	put(doc, path, copy(event, ip));
	snprintf(path, sizeof(path), "%s.port", end);
	put(doc, path, copy(event, port));
	for (size_t i = 0; i < ARRAY_LEN(geo); i++) {
		snprintf(path, sizeof(path), "%s.%s", end, geo[i][1]);
		put(doc, path, copy(info, geo[i][0]));
	}
}

static void
put_alert(json_t *doc, const json_t *event)
{
	const json_t *alert = json_object_get(event, "alert");
	const json_t *picket = json_object_get(event, "picket");

	put(doc, "message", copy(alert, "signature"));
	put(doc, "rule.id", as_text(alert, "signature_id"));
	put(doc, "rule.version", as_text(alert, "rev"));
	put(doc, "rule.name", copy(alert, "signature"));
	put(doc, "rule.category", copy(alert, "category"));
	put(doc, "event.severity", copy(alert, "severity"));
	put_end(doc, "source", event, "src_ip", "src_port",
		json_object_get(picket, "src"));
	put_end(doc, "destination", event, "dest_ip", "dest_port",
		json_object_get(picket, "dest"));
	put(doc, "network.transport", lower(event, "proto"));
	put(doc, "network.protocol", lower(event, "app_proto"));
	put(doc, "network.community_id", copy(event, "community_id"));
}

static void
put_all(json_t *doc, const json_t *event, const char *type)
{
	const json_t *picket = json_object_get(event, "picket");
	char dataset[PATH_CAP];
	bool alert = strcmp(type, "alert") == 0;

	snprintf(dataset, sizeof(dataset), "picket.%.40s", type);
	put(doc, "@timestamp", copy(event, "timestamp"));
	put(doc, "ecs.version", json_string(ECS_VERSION));
	put(doc, "event.kind",
	    json_string(alert || strcmp(type, "incident") == 0 ? "alert"
							       : "event"));
	put(doc, "event.module", json_string("picket"));
	put(doc, "event.dataset", json_string(dataset));
	if (alert) {
		put(doc, "event.category",
		    json_pack("[ss]", "network", "intrusion_detection"));
		put_alert(doc, event);
	} else {
		put(doc, "message",
		    copy(json_object_get(event, type), "title"));
		put(doc, "event.action",
		    copy(json_object_get(event, type), "what"));
	}
	put(doc, "observer.vendor", json_string("Picket"));
	put(doc, "observer.type", json_string("ids"));
	put(doc, "observer.name", copy(picket, "sensor"));
	put(doc, "labels.site", copy(picket, "site"));
	put(doc, "labels.exercise", copy(picket, "exercise"));
}

enum err
output_ecs(struct json *out, const char *line, size_t len, const char *id,
	   char doc_id[OUTPUT_ECS_ID_CAP])
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *type, *time;
	json_t *doc;
	char *text;

	type = json_string_value(json_object_get(event, "event_type"));
	time = json_string_value(json_object_get(event, "timestamp"));
	if (type == NULL || time == NULL) {
		json_decref(event);
		return ERR_FORMAT;
	}
	snprintf(doc_id, OUTPUT_ECS_ID_CAP, "%.31s-%.40s", id, time);
	doc = json_object();
	put_all(doc, event, type);
	put(doc, "event.id", json_string(doc_id));
	put(doc, "event.original", json_stringn(line, len));
	text = json_dumps(doc, JSON_COMPACT);
	json_decref(doc);
	json_decref(event);
	if (text == NULL) {
		return ERR_NOMEM;
	}
	json_append(out, view_cstr(text));
	free(text);
	return out->failed ? ERR_NOMEM : ERR_OK;
}
