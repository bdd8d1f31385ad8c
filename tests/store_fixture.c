/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/store_fixture.h"

#include <stdio.h>

#include "collector/store_consult.h"
#include "common/json.h"

#define WHEN UINT64_C(1795300000000000)

static struct view
text(const char *s)
{
	return view_cstr(s);
}

/* What every alert of the fixture says; 'odd' says it in every text. */
static struct alert
an_alert(const char *signature, const char *exercise, const char *odd)
{
	struct alert a = {
		/* seen earlier than it came */
		.timestamp_us =
			odd != NULL ? WHEN - UINT64_C(3600000000) : WHEN,
		.src_port = 40000,
		.dst_port = 443,
		.has_addrs = true,
		.proto = text(odd != NULL ? odd : "TCP"),
		.app_proto = text(odd != NULL ? odd : "tls"),
		.gid = 1,
		.sid = 9000001,
		.rev = 3,
		.severity = 1,
		.signature = text(signature),
		.category = text(odd != NULL ? odd : "a category"),
		.exercise = text(exercise),
		.tlp = text(odd != NULL ? odd : "green"),
	};

	if (!addr_parse(VIEW_LIT("198.51.100.7"), &a.src) ||
	    !addr_parse(VIEW_LIT("2001:db8::7"), &a.dst)) {
		a.has_addrs = false;
	}
	if (odd != NULL) {
		a.indicator.type = text("domain");
		a.indicator.value = text(odd);
		a.has_indicator = true;
	}
	return a;
}

/* The line that says what 'a' does. */
static void
put_line(struct json *j, const char *site, const char *sensor,
	 const struct alert *a)
{
	json_obj(j, NULL);
	json_time(j, "timestamp", a->timestamp_us);
	json_cstr(j, "event_type", "alert");
	json_addr(j, "src_ip", &a->src);
	json_u64(j, "src_port", a->src_port);
	json_addr(j, "dest_ip", &a->dst);
	json_u64(j, "dest_port", a->dst_port);
	json_str(j, "proto", a->proto);
	json_str(j, "app_proto", a->app_proto);
	json_str(j, "odd", a->signature);
	json_u64(j, "flow_id", 77);
	json_cstr(j, "payload", "R0VUIC8gSFRUUC8xLjENCg0K"); /* GET / ... */
	json_obj(j, "http");
	json_str(j, "hostname", a->signature);
	json_obj_end(j);
	json_obj(j, "alert");
	json_u64(j, "gid", a->gid);
	json_u64(j, "signature_id", a->sid);
	json_u64(j, "rev", a->rev);
	json_u64(j, "severity", a->severity);
	json_str(j, "signature", a->signature);
	json_str(j, "category", a->category);
	json_str_begin(j, "rule");
	json_str_part(j, VIEW_LIT("alert tcp any any -> any 80 (msg:\""));
	json_str_part(j, a->signature);
	json_str_part(j, VIEW_LIT("\"; content:\"GET\"; depth:3; "
				  "reference:url,example.org/1; sid:1;)"));
	json_str_end(j);
	json_obj_end(j);
	json_obj(j, "picket");
	json_arr(j, "matched");
	for (unsigned at = 0; at <= 17; at += 17) { /* the second is outside */
		json_obj(j, NULL);
		json_cstr(j, "buffer", "payload");
		json_u64(j, "offset", at);
		json_u64(j, "length", 3);
		json_obj_end(j);
	}
	json_arr_end(j);
	json_cstr(j, "site", site);
	json_cstr(j, "sensor", sensor);
	json_str(j, "exercise", a->exercise);
	json_str(j, "tlp", a->tlp);
	if (a->has_indicator) {
		json_obj(j, "indicator");
		json_str(j, "type", a->indicator.type);
		json_str(j, "value", a->indicator.value);
		json_obj_end(j);
	}
	json_obj_end(j);
	json_obj_end(j);
}

/* A frame with one alert in it: 'line'. */
static bool
put_frame(struct store *s, const char *site, int64_t sensor, uint64_t seq,
	  const struct alert *a, struct view line, struct view info)
{
	struct frame_header h = { .epoch = 1, .seq = seq, .n = 1, .sev = 1 };
	struct frame_codec *c = frame_codec_new(6);
	struct view data;
	bool undescribed, ok;
	int64_t id;

	ok = c != NULL && frame_pack(c, line, &h, &data) == ERR_OK &&
	     store_frame_begin(s, sensor, site, &h) == ERR_OK &&
	     store_frame_alert(s, a, &id, &undescribed) == ERR_OK &&
	     store_frame_info(s, info, VIEW_LIT("{}")) == ERR_OK &&
	     store_frame_end(s, data, WHEN) == ERR_OK;
	frame_codec_free(c);
	return ok;
}

static bool
put_alert(struct store *s, const char *site, const char *sensor, uint64_t seq,
	  const struct alert *a)
{
	struct json line = { 0 }, info = { 0 };
	struct store_tally tally = { .owner = "JP",
				     .first_us = WHEN,
				     .last_us = WHEN,
				     .seen_us = WHEN,
				     .alerts = 1,
				     .frames = 1 };
	int64_t id = 0;
	bool ok;

	put_line(&line, site, sensor, a);
	json_obj(&info, NULL);
	json_str(&info, "country", a->category);
	json_obj_end(&info);
	ok = !line.failed && !info.failed &&
	     store_sensor(s, site, sensor, &id) == ERR_OK &&
	     store_sensor_add(s, id, &tally) == ERR_OK &&
	     store_sensor_state(
		     s, id, "live",
		     VIEW_LIT("{\"version\":\"0\",\"rules_loaded\":\"41\","
			      "\"rules_failed\":\"2\",\"rules_version\":\"7\","
			      "\"reload_error\":\"no \\u001b[1mrules\"}"),
		     WHEN) == ERR_OK &&
	     put_frame(s, site, id, seq, a, json_view(&line), json_view(&info));
	json_fini(&line);
	json_fini(&info);
	return ok;
}

/* Words that are no line of text open none. */
static bool
put_consult(struct store *s, int64_t incident, const char *exercise,
	    const char *word)
{
	struct consult_event e = {
		.kind = CONSULT_OPEN,
		.side = "JP",
		.who = CONSULT_AUTOMATION,
		.incident = incident,
		.level = 5,
		.sides = { "JP", "US" },
		.n_sides = 2,
		.deadline_us = WHEN + 1,
	};
	struct diag d = { "" };
	enum err err;

	snprintf(e.exercise, sizeof(e.exercise), "%s", exercise);
	snprintf(e.text, sizeof(e.text), "%s", word);
	err = store_consult_say(store_db(s), &e, WHEN, 0, &d);
	return err == (strcmp(word, "fine") == 0 ? ERR_OK : ERR_FORMAT);
}

static bool
put_incident(struct store *s, const char *title, const char *exercise,
	     const char *odd)
{
	struct store_incident_change c = {
		.exercise = exercise,
		.title = title,
		.lead = odd != NULL ? odd : "JP",
		.support = odd != NULL ? odd : "US",
		.score = odd != NULL ? 40 : 82,
		.level = odd != NULL ? 2 : 5,
		.first_us = WHEN,
		.last_us = WHEN + 1000000,
		.at_us = WHEN,
	};
	struct json j = { 0 };
	const char *word = odd != NULL ? odd : "fine";
	int64_t id;
	bool ok;

	json_obj(&j, NULL);
	json_arr(&j, "sites");
	json_obj(&j, NULL);
	json_cstr(&j, "site", word);
	json_cstr(&j, "owner", word);
	json_cstr(&j, "location", word);
	json_time(&j, "first", WHEN);
	json_time(&j, "last", WHEN);
	json_obj_end(&j);
	json_arr_end(&j);
	json_arr(&j, "actors");
	json_obj(&j, NULL);
	json_cstr(&j, "kind", "domain");
	json_cstr(&j, "value", word);
	json_arr(&j, "sites");
	json_cstr(&j, NULL, word);
	json_cstr(&j, NULL, "beta");
	json_arr_end(&j);
	json_u64(&j, "count", 2);
	json_obj_end(&j);
	json_arr_end(&j);
	json_arr(&j, "stages");
	json_obj(&j, NULL);
	json_cstr(&j, "stage", "initial access");
	json_time(&j, "first", WHEN);
	json_time(&j, "last", WHEN);
	json_obj_end(&j);
	json_arr_end(&j);
	json_arr(&j, "missions");
	json_cstr(&j, NULL, word);
	json_arr_end(&j);
	json_arr(&j, "evidence");
	json_i64(&j, NULL, 1);
	json_i64(&j, NULL, 2);
	json_i64(&j, NULL, 4711); /* long gone */
	json_arr_end(&j);
	json_u64(&j, "alerts", 2);
	json_obj_end(&j);
	c.summary = json_view(&j);
	ok = !j.failed && store_incident_put(s, &c, &id) == ERR_OK &&
	     store_incident_log(s, id, WHEN, "correlate", "opened", word) ==
		     ERR_OK &&
	     store_incident_log(s, id, WHEN, "correlate", "consult", word) ==
		     ERR_OK &&
	     put_consult(s, id, exercise, word);
	json_fini(&j);
	return ok;
}

bool
store_fixture_fill(struct store *s)
{
	struct alert plain = an_alert(FIXTURE_SIGNATURE, "", NULL);
	struct alert odd = an_alert(HOSTILE, "", HOSTILE);
	struct alert drill = an_alert("an exercise's", FIXTURE_EXERCISE, NULL);

	return store_begin(s) == ERR_OK &&
	       put_alert(s, "alpha", "tap1", 1, &plain) &&
	       put_alert(s, "beta", HOSTILE, 1, &odd) &&
	       put_alert(s, "alpha", "tap1", 2, &drill) &&
	       put_incident(s, FIXTURE_TITLE, "", NULL) &&
	       put_incident(s, HOSTILE, "", HOSTILE) &&
	       put_incident(s, "a drill", FIXTURE_EXERCISE, NULL) &&
	       store_count(s, "a_counter", 1) == ERR_OK &&
	       store_commit(s) == ERR_OK;
}

bool
store_fixture_alert(struct store *s, uint64_t seq, const char *signature,
		    const char *exercise)
{
	struct alert a = an_alert(signature, exercise, NULL);

	return store_begin(s) == ERR_OK &&
	       put_alert(s, "alpha", "tap1", seq, &a) &&
	       store_commit(s) == ERR_OK;
}
