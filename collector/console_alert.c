/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/console_alert.h"

#include <stdlib.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "collector/rule_words.h"
#include "collector/store_json.h"
#include "collector/taps_json.h"

#define ROW_BYTES 16

/* The alert that is asked for; the row is gone when it is told. */
struct told {
	struct question *q;
	json_t *event; /* its line; NULL: it cannot be read */
	json_t *flow, *community; /* ids, borrowed from it; NULL: none */
	int64_t id;
	uint64_t at_us;
	struct addr src;
	char site[256], sensor[256], exercise[256];
	unsigned looked; /* at alerts that may be of its flow */
};

/* --------------------------------------------------------------- the line */

static void
put_value(struct json *j, const char *key, const json_t *v)
{
	char *text = v != NULL
			     ? json_dumps(v, JSON_COMPACT | JSON_ENSURE_ASCII |
						     JSON_ENCODE_ANY)
			     : NULL;

	if (text != NULL) {
		json_raw(j, key, view_cstr(text));
	} else {
		json_nil(j, key);
	}
	free(text);
}

static json_t *
read_line(const char *raw)
{
	return json_loads(raw, JSON_ALLOW_NUL, NULL);
}

/* The row as lists have it, left open. */
static void
on_alert(void *arg, const struct store_alert *a)
{
	struct told *t = arg;
	struct json row = { 0 };

	store_json_alert(&row, a);
	if (!row.failed && row.len > 0) {
		json_open(t->q->j, view_of(row.p, row.len - 1));
	}
	json_fini(&row);
	t->event = read_line(a->raw);
	t->flow = json_object_get(t->event, "flow_id");
	t->community = json_object_get(t->event, "community_id");
	t->id = a->id;
	t->at_us = a->timestamp_us;
	t->src = a->src;
	snprintf(t->site, sizeof(t->site), "%s", a->site);
	snprintf(t->sensor, sizeof(t->sensor), "%s", a->sensor);
	snprintf(t->exercise, sizeof(t->exercise), "%s", a->exercise);
}

/* ------------------------------------------------------------ the payload */

/* What a sensor says its rule matched: "picket.matched". */
static void
put_marks(struct json *j, const json_t *event, size_t len)
{
	const json_t *list =
		json_object_get(json_object_get(event, "picket"), "matched");

	json_arr(j, "marks");
	for (size_t i = 0; i < json_array_size(list) && i < ALERT_MAX_MARKS;
	     i++) {
		const json_t *m = json_array_get(list, i);
		const char *buffer =
			json_string_value(json_object_get(m, "buffer"));
		json_int_t from =
			json_integer_value(json_object_get(m, "offset"));
		json_int_t n = json_integer_value(json_object_get(m, "length"));

		if (buffer == NULL || strcmp(buffer, "payload") != 0 ||
		    from < 0 || n <= 0 || (size_t)from >= len ||
		    (size_t)n > len - (size_t)from) {
			continue;
		}
		json_arr(j, NULL);
		json_i64(j, NULL, from);
		json_i64(j, NULL, from + n);
		json_cstr(j, NULL, buffer);
		json_arr_end(j);
	}
	json_arr_end(j);
}

static void
put_rows(struct json *j, struct view bytes)
{
	json_arr(j, "rows");
	for (size_t at = 0; at < bytes.len; at += ROW_BYTES) {
		size_t n = MIN(bytes.len - at, (size_t)ROW_BYTES);
		char text[ROW_BYTES];

		for (size_t i = 0; i < n; i++) {
			uint8_t c = bytes.p[at + i];

			text[i] = c >= 0x20 && c < 0x7f ? (char)c : '.';
		}
		json_obj(j, NULL);
		json_u64(j, "offset", at);
		json_hex(j, "hex", view_of(bytes.p + at, n));
		json_str(j, "text", view_of(text, n));
		json_obj_end(j);
	}
	json_arr_end(j);
}

/* Of "payload", base64; null when the sensor sends none. */
static void
put_payload(struct json *j, const json_t *event)
{
	const json_t *v = json_object_get(event, "payload");
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), len, shown;
	uint8_t *bytes;
	int k;

	if (s == NULL || n == 0 || n % 4 != 0 || n > (size_t)INT32_MAX ||
	    (bytes = malloc(n / 4 * 3 + 1)) == NULL) {
		json_nil(j, "payload");
		return;
	}
	k = EVP_DecodeBlock(bytes, (const unsigned char *)s, (int)n);
	if (k < 0) {
		free(bytes);
		json_nil(j, "payload");
		return;
	}
	len = (size_t)k - (s[n - 1] == '=') - (s[n - 2] == '=');
	shown = MIN(len, (size_t)ALERT_MAX_PAYLOAD);
	json_obj(j, "payload");
	json_u64(j, "bytes", len);
	json_u64(j, "shown", shown);
	put_rows(j, view_of(bytes, shown));
	put_marks(j, event, shown);
	json_obj_end(j);
	free(bytes);
}

/* ------------------------------------------------------- rule, flow, files */

static void
put_rule(struct json *j, const json_t *event)
{
	const json_t *text =
		json_object_get(json_object_get(event, "alert"), "rule");

	if (json_is_string(text)) {
		rule_words_json(j, "rule",
				view_of(json_string_value(text),
					json_string_length(text)));
	} else {
		json_nil(j, "rule");
	}
}

/* What the line says of protocols: each object that is no part of every
 * alert. */
static void
put_protocols(struct json *j, json_t *event)
{
	static const char *const common[] = { "alert",       "flow",
					      "picket",      "tunnel",
					      "metadata",    "geo",
					      "packet_info", "ether" };
	const char *key;
	json_t *v;

	json_arr(j, "protocols");
	json_object_foreach(event, key, v)
	{
		bool is_common = !json_is_object(v) && !json_is_array(v);

		for (size_t i = 0; i < ARRAY_LEN(common); i++) {
			is_common |= strcmp(key, common[i]) == 0;
		}
		if (is_common) {
			continue;
		}
		json_obj(j, NULL);
		json_cstr(j, "name", key);
		put_value(j, "fields", v);
		json_obj_end(j);
	}
	json_arr_end(j);
}

static void
put_evidence(struct json *j, const json_t *event)
{
	const json_t *at =
		json_object_get(json_object_get(event, "picket"), "evidence");
	const json_t *file = json_object_get(event, "capture_file");

	json_obj(j, "evidence");
	json_cstr(j, "state", json_is_string(file) ? "sensor" : "none");
	json_arr(j, "files");
	if (json_is_string(file)) {
		json_obj(j, NULL);
		put_value(j, "file", file);
		put_value(j, "offset", json_object_get(at, "offset"));
		json_obj_end(j);
	}
	json_arr_end(j);
	json_obj_end(j);
}

static void
on_near(void *arg, const struct store_alert *a)
{
	struct told *t = arg;
	struct store_alert row = *a;
	bool same_place = strcmp(a->site, t->site) == 0 &&
			  strcmp(a->sensor, t->sensor) == 0;
	json_t *e;

	t->looked++;
	if (a->id == t->id || strcmp(a->exercise, t->exercise) != 0) {
		return;
	}
	e = read_line(a->raw);
	if ((same_place && t->flow != NULL &&
	     json_equal(t->flow, json_object_get(e, "flow_id"))) ||
	    (t->community != NULL &&
	     json_equal(t->community, json_object_get(e, "community_id")))) {
		row.raw = "";
		store_json_alert(t->q->j, &row);
	}
	json_decref(e);
}

/* Alerts of the same flow, by its number at this sensor or by its community id
 * at any. */
static enum err
put_related(struct told *t)
{
	struct store_alert_filter f = {
		.scope = t->exercise[0] != '\0' ? STORE_EXERCISE : STORE_REAL,
		.exercise = t->exercise[0] != '\0' ? t->exercise : NULL,
		.addr = t->src,
		.has_addr = true,
		.from_us = t->at_us - MIN(t->at_us, ALERT_NEAR_US),
		.to_us = t->at_us + ALERT_NEAR_US,
		.raw = true,
	};
	struct json *j = t->q->j;
	enum err e = ERR_OK;

	json_arr(j, "related");
	if (t->flow != NULL || t->community != NULL) {
		e = store_read_alerts(t->q->store, &f, API_MAX_ROWS, on_near,
				      t);
	}
	json_arr_end(j);
	json_bool(j, "related_cut", t->looked == API_MAX_ROWS);
	return e;
}

enum err
console_alert(struct question *q, int64_t id)
{
	struct told t = { .q = q };
	struct json *j = q->j;
	enum err e = store_read_alert(q->store, id, on_alert, &t);

	if (e != ERR_OK) {
		json_decref(t.event);
		return e;
	}
	put_payload(j, t.event);
	put_rule(j, t.event);
	put_value(j, "flow", json_object_get(t.event, "flow"));
	put_protocols(j, t.event);
	put_evidence(j, t.event);
	e = put_related(&t);
	if (e == ERR_OK) {
		e = taps_json_event(q->store, id, j, "taps");
	}
	json_obj_end(j);
	json_decref(t.event);
	return e;
}
