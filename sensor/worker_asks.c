/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/worker_state.h"

#include "common/pattern_object.h"

#define BIT(n) (UINT64_C(1) << (n))

/* Bit per protocol whose parser the wanted events need. */
static uint64_t
parsers_of_events(const struct worker *w)
{
	uint64_t apps = 0;

	if (worker_wants(w, EVENT_TYPE_ANOMALY) ||
	    worker_wants(w, EVENT_TYPE_FILEINFO)) {
		return UINT64_MAX;
	}
	if (worker_wants(w, EVENT_TYPE_HTTP)) {
		apps |= BIT(APP_HTTP);
	}
	if (worker_wants(w, EVENT_TYPE_DNS)) {
		apps |= BIT(APP_DNS) | BIT(APP_MDNS);
	}
	if (worker_wants(w, EVENT_TYPE_TLS)) {
		apps |= BIT(APP_TLS);
	}
	if (worker_wants(w, EVENT_TYPE_SSH)) {
		apps |= BIT(APP_SSH);
	}
	return apps;
}

/* The same of what is noted for later questions. */
static uint64_t
parsers_of_notes(const struct worker *w)
{
	uint64_t apps = BIT(APP_HTTP), types;

	if (w->retro == NULL) {
		return 0;
	}
	types = w->retro->types;
	if ((types & (BIT(INDICATOR_DOMAIN))) != 0) {
		apps |= BIT(APP_DNS) | BIT(APP_MDNS) | BIT(APP_TLS);
	}
	if ((types & (BIT(INDICATOR_JA3) | BIT(INDICATOR_JA4) |
		      BIT(INDICATOR_CERT_SHA1) | BIT(INDICATOR_CERT_SHA256))) !=
	    0) {
		apps |= BIT(APP_TLS);
	}
	return apps;
}

void
worker_note_asks(struct worker *w)
{
	struct worker_asks *a = &w->asks;
	uint64_t apps = ruleset_parsers(w->rules) | parsers_of_events(w) |
			parsers_of_notes(w);
	bool raw;

	a->match = ruleset_count(w->rules) > 0 ||
		   ruleset_indicator_count(w->rules) > 0 ||
		   ruleset_armed(w->rules);
	a->raw[0] = ruleset_needs_stream(w->rules, DIR_TOSERVER);
	a->raw[1] = ruleset_needs_stream(w->rules, DIR_TOCLIENT);
	a->ends = (ruleset_pattern_moments(w->rules) & PATTERN_AT_END) != 0;
	a->contacts =
		w->contacts != NULL && worker_wants(w, EVENT_TYPE_CONTACTS);
	w->turn_flags = (worker_wants(w, EVENT_TYPE_ANCHOR) ? TCP_SYN : 0) |
			(a->contacts ? TCP_FIN | TCP_RST : 0);
	w->contact_mask = a->contacts ? CONTACTS_EVERY - 1 : 0;
	a->anomalies = worker_wants(w, EVENT_TYPE_ANOMALY);
	/* Alerts and flows are shown with their protocol. */
	a->names = a->match || apps != 0 || worker_wants(w, EVENT_TYPE_FLOW);
	if (w->guess_tx && a->match) {
		apps = UINT64_MAX;
	}
	/* Raw bytes are cut into chunks where transactions end. */
	raw = a->raw[0] || a->raw[1];
	/* A connection of HTTP may go on as something else. */
	app_want(w->apps, raw ? UINT64_MAX : apps | BIT(APP_HTTP), apps);
}
