/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/alert_conf.h"

#include <stdio.h>

#define KEY_CAP 160

/* Where Suricata's outputs list has the settings of alerts. */
struct place {
	char alert[KEY_CAP]; /* "outputs.1.eve-log.types.0.alert" */
	char log[KEY_CAP]; /* "outputs.1.eve-log" */
	bool eve_log;
};

static void
on_output(void *arg, const char *key, const char *value)
{
	static const char name[] = ".alert", log[] = ".eve-log.";
	struct place *p = arg;
	const char *types = strstr(key, ".eve-log.types.");
	const char *at;

	(void)value;
	if (strstr(key, log) != NULL) {
		snprintf(p->log, sizeof(p->log), "%.*s",
			 (int)(strstr(key, log) - key + (ptrdiff_t)sizeof(log) -
			       2),
			 key);
	}
	if (types == NULL) {
		return;
	}
	p->eve_log = true;
	at = strstr(types, name);
	if (at != NULL &&
	    (at[sizeof(name) - 1] == '.' || at[sizeof(name) - 1] == '\0')) {
		snprintf(p->alert, sizeof(p->alert), "%.*s",
			 (int)(at - key + (ptrdiff_t)sizeof(name) - 1), key);
	}
}

/* 'ours' without an outputs list, 'theirs' with one. */
static bool
ask(const struct conf *conf, const struct place *p, const char *key, bool ours,
    bool theirs)
{
	bool answer = p->eve_log ? theirs : ours;
	char full[KEY_CAP * 2];

	if (p->alert[0] != '\0') {
		snprintf(full, sizeof(full), "%s.%s", p->alert, key);
		answer = conf_bool(conf, full, answer);
	}
	snprintf(full, sizeof(full), "eve.alert.%s", key);
	return conf_bool(conf, full, answer);
}

static uint32_t
payload_max(const struct conf *conf, const struct place *p)
{
	char full[KEY_CAP * 2];
	uint64_t n = 4096;

	if (p->alert[0] != '\0') {
		snprintf(full, sizeof(full), "%s.payload-buffer-size",
			 p->alert);
		n = conf_u64(conf, full, n, 1, 1 << 20);
	}
	return (uint32_t)conf_u64(conf, "eve.alert.payload-buffer-size", n, 1,
				  1 << 20);
}

/* What is said of alerts goes before what is said of all events. */
static const char *
xff_word(const struct conf *conf, const struct place *p, const char *key,
	 const char *fallback)
{
	const char *const above[] = { p->log, p->alert, "eve.alert" };
	char full[KEY_CAP * 2];

	for (size_t i = 0; i < ARRAY_LEN(above); i++) {
		if (above[i][0] != '\0') {
			snprintf(full, sizeof(full), "%s.xff.%s", above[i],
				 key);
			fallback = conf_str(conf, full, fallback);
		}
	}
	return fallback;
}

static bool
xff_enabled(const struct conf *conf, const struct place *p)
{
	const char *const above[] = { p->log, p->alert, "eve.alert" };
	char full[KEY_CAP * 2];
	bool on = false;

	for (size_t i = 0; i < ARRAY_LEN(above); i++) {
		if (above[i][0] != '\0') {
			snprintf(full, sizeof(full), "%s.xff.enabled",
				 above[i]);
			on = conf_bool(conf, full, on);
		}
	}
	return on;
}

static void
read_xff(struct xff_conf *x, const struct conf *conf, const struct place *p)
{
	const char *mode = xff_word(conf, p, "mode", "extra-data");
	const char *where = xff_word(conf, p, "deployment", "reverse");

	x->enabled = xff_enabled(conf, p);
	x->overwrite = strcmp(mode, "overwrite") == 0;
	x->last = strcmp(where, "forward") != 0;
	snprintf(x->header, sizeof(x->header), "%s",
		 xff_word(conf, p, "header", "X-Forwarded-For"));
	for (char *c = x->header; *c != '\0'; c++) {
		*c = (char)ascii_lower((uint8_t)*c);
	}
}

void
alert_conf_read(struct alert_conf *c, const struct conf *conf)
{
	struct place p = { .eve_log = false };
	bool all;

	conf_each(conf, "outputs", on_output, &p);
	c->payload = ask(conf, &p, "payload", true, false);
	c->payload_printable = ask(conf, &p, "payload-printable", true, false);
	c->payload_length = ask(conf, &p, "payload-length", false, false);
	c->payload_max = payload_max(conf, &p);
	c->http_body = ask(conf, &p, "http-body", false, false);
	c->http_body_printable =
		ask(conf, &p, "http-body-printable", false, false);
	c->verdict = ask(conf, &p, "verdict", true, false);
	c->tagged_packets = ask(conf, &p, "tagged-packets", true, true);
	all = ask(conf, &p, "metadata", true, true);
	c->app_layer = ask(conf, &p, "metadata.app-layer", all, all);
	c->flow = ask(conf, &p, "metadata.flow", all, all);
	c->rule_metadata = ask(conf, &p, "metadata.rule.metadata", all, all);
	c->rule_raw = ask(conf, &p, "metadata.rule.raw", false, false);
	c->rule_reference =
		ask(conf, &p, "metadata.rule.reference", all, false);
	read_xff(&c->xff, conf, &p);
	c->packet_alert_max = (uint32_t)conf_u64(conf, "packet-alert-max",
						 UINT32_MAX, 1, UINT32_MAX);
}

bool
alert_conf_same(const struct alert_conf *a, const struct alert_conf *b)
{
	return a->payload == b->payload &&
	       a->payload_printable == b->payload_printable &&
	       a->payload_length == b->payload_length &&
	       a->payload_max == b->payload_max &&
	       a->http_body == b->http_body &&
	       a->http_body_printable == b->http_body_printable &&
	       a->verdict == b->verdict &&
	       a->tagged_packets == b->tagged_packets &&
	       a->app_layer == b->app_layer && a->flow == b->flow &&
	       a->rule_metadata == b->rule_metadata &&
	       a->rule_raw == b->rule_raw &&
	       a->rule_reference == b->rule_reference &&
	       a->packet_alert_max == b->packet_alert_max &&
	       a->xff.enabled == b->xff.enabled &&
	       a->xff.overwrite == b->xff.overwrite &&
	       a->xff.last == b->xff.last &&
	       strcmp(a->xff.header, b->xff.header) == 0;
}
