/* SPDX-License-Identifier: Apache-2.0 */
/* MISP core format: draft-dulaunoy-misp-core-format, 2.2 and 2.4. */
#include <stdlib.h>

#include "common/indicator_reading.h"

#define MAX_TYPE_NAME 60

static const struct {
	const char *name;
	enum indicator_kind kind;
	bool exact;
} types[] = {
	{ "ip-src", INDICATOR_IP, false },
	{ "ip-dst", INDICATOR_IP, false },
	{ "domain", INDICATOR_DOMAIN, false },
	{ "hostname", INDICATOR_DOMAIN, true },
	{ "url", INDICATOR_URL, false },
	{ "ja3-fingerprint-md5", INDICATOR_JA3, false },
	{ "x509-fingerprint-sha1", INDICATOR_CERT_SHA1, false },
	{ "x509-fingerprint-sha256", INDICATOR_CERT_SHA256, false },
};

static const char *const hash_types[] = { "md5",    "sha1",   "sha224",
					  "sha256", "sha384", "sha512" };

/* "tlp:amber" among the tags; an attribute's own stands before its event's. */
static void
take_tags(const json_t *object, struct indicator *n)
{
	const json_t *tags = json_object_get(object, "Tag"), *tag;
	bool first = true;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		const char *name = ioc_json_text(tag, "name");
		enum tlp t;

		if (strncmp(name, "tlp:", 4) == 0 &&
		    tlp_read(view_cstr(name), &t)) {
			n->marked = n->marked && !first;
			first = false;
			indicator_mark(n, t);
		}
	}
}

/* threat_level_id: 1 high, 2 medium, 3 low, 4 undefined; text or number. */
static uint8_t
threat_severity(const json_t *event)
{
	const json_t *v = json_object_get(event, "threat_level_id");
	long level = json_is_integer(v)
			     ? (long)json_integer_value(v)
			     : strtol(ioc_json_text(event, "threat_level_id"),
				      NULL, 10);

	return level >= 1 && level <= 3 ? (uint8_t)level : 1;
}

static bool
is_file_hash(const char *type)
{
	if (strncmp(type, "filename|", 9) == 0) {
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(hash_types); i++) {
		if (strcmp(type, hash_types[i]) == 0) {
			return true;
		}
	}
	return false;
}

static void
read_attribute(struct indicator_reading *r, const struct indicator *event,
	       const json_t *a)
{
	const char *type = ioc_json_text(a, "type");
	const char *id = ioc_json_text(a, "uuid");
	struct indicator n = *event;

	if (!json_is_true(json_object_get(a, "to_ids"))) {
		indicator_reading_refuse(
			r, 0, id, "to_ids is not set: not for detection");
		return;
	}
	if (json_is_true(json_object_get(a, "deleted"))) {
		indicator_reading_refuse(r, 0, id, "deleted");
		return;
	}
	if (is_file_hash(type)) {
		indicator_reading_refuse(r, 0, id, "%.*s: no file hashing yet",
					 MAX_TYPE_NAME, type);
		return;
	}
	n.id = id;
	if (ioc_json_text(a, "comment")[0] != '\0') {
		n.description = ioc_json_text(a, "comment");
	}
	take_tags(a, &n);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(type, types[i].name) == 0) {
			n.kind = types[i].kind;
			n.exact = types[i].exact;
			indicator_reading_add(
				r, 0, &n, view_cstr(ioc_json_text(a, "value")));
			return;
		}
	}
	indicator_reading_refuse(r, 0, id,
				 "attribute type '%.*s' is not matched by this "
				 "sensor",
				 MAX_TYPE_NAME, type);
}

static void
read_attributes(struct indicator_reading *r, const struct indicator *event,
		const json_t *owner)
{
	const json_t *list = json_object_get(owner, "Attribute"), *a;
	size_t i;

	json_array_foreach(list, i, a)
	{
		if (r->stop != ERR_OK) {
			break;
		}
		read_attribute(r, event, a);
	}
}

static void
read_event(struct indicator_reading *r, const json_t *event)
{
	const json_t *objects = json_object_get(event, "Object"), *o;
	const char *org = ioc_json_text(json_object_get(event, "Orgc"), "name");
	struct indicator n = indicator_blank(r);
	size_t i;

	n.created_by = org;
	n.description = ioc_json_text(event, "info");
	n.severity = threat_severity(event);
	take_tags(event, &n);
	read_attributes(r, &n, event);
	json_array_foreach(objects, i, o)
	{
		read_attributes(r, &n, o);
	}
}

/* One event, or a list of them as the server's search gives it. */
void
indicator_read_misp(struct indicator_reading *r, const json_t *root)
{
	const json_t *list =
		json_is_array(root) ? root : json_object_get(root, "response");
	const json_t *item, *event = json_object_get(root, "Event");
	size_t i;

	if (event != NULL) {
		read_event(r, event);
	}
	json_array_foreach(list, i, item)
	{
		read_event(r, json_object_get(item, "Event"));
	}
}
