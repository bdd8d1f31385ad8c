/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/finding.h"

#include <stdio.h>

const struct finding_config finding_defaults = {
	.on = { true, true, true, true, true, true, true },
	.scan_seconds = 600,
	.scan_peers = 50,
	.scan_ports = 50,
	.scan_failed = 60,
	.slow_hours = 24,
	.slow_peers = 40,
	.slow_ports = 40,
	.slow_failed = 60,
	.spread_seconds = 3600,
	.spread_sources = 30,
	.spread_targets = 5,
	.beacon_starts = 12,
	.beacon_least = 20,
	.beacon_most = 7200,
	.beacon_jitter = 20,
	.beacon_clients = 10,
	.beacon_kilobytes = 1000,
	.lateral_seconds = 3600,
	.lateral_hosts = 3,
	.lateral_hops = 2,
	.lateral_learn = 24,
	.first_criticality = 80,
	.first_learn = 168,
	.volume_megabytes = 50,
	.volume_deviations = 6,
	.volume_learn = 24,
};

/* What is said of each kind. */
static const struct {
	const char *name;
	/* The tactic, of whom it comes from outside and of ours; NULL: none. */
	const char *outside, *ours;
	unsigned severity_outside, severity_ours;
} kinds[FINDING_KINDS] = {
	[FINDING_SCAN] = { "scan", "TA0043", "TA0007", 3, 2 },
	[FINDING_SLOW_SCAN] = { "slow-scan", "TA0043", "TA0007", 3, 2 },
	[FINDING_SPREAD] = { "spread", "TA0007", "TA0007", 3, 3 },
	[FINDING_BEACON] = { "beacon", "TA0011", "TA0011", 2, 2 },
	[FINDING_LATERAL] = { "lateral", "TA0008", "TA0008", 2, 2 },
	[FINDING_FIRST_SEEN] = { "first-seen", NULL, NULL, 3, 3 },
	/* How it left is not known, only that much did. */
	[FINDING_VOLUME] = { "volume", "TA0010", "TA0010", 2, 2 },
};

const char *
finding_kind_name(enum finding_kind k)
{
	return (unsigned)k < FINDING_KINDS ? kinds[k].name : "unknown";
}

bool
finding_kind_read(struct view name, enum finding_kind *out)
{
	for (unsigned i = 0; i < FINDING_KINDS; i++) {
		if (view_eq(name, view_cstr(kinds[i].name))) {
			*out = (enum finding_kind)i;
			return true;
		}
	}
	return false;
}

unsigned
finding_severity(const struct finding *f)
{
	return f->host_ours ? kinds[f->kind].severity_ours
			    : kinds[f->kind].severity_outside;
}

void
finding_title(const struct finding *f, char *out, size_t cap)
{
	char host[ADDR_TEXT_CAP] = "", peer[ADDR_TEXT_CAP] = "";

	if (f->has_host) {
		addr_format(&f->host, host);
	}
	if (f->has_peer) {
		addr_format(&f->peer, peer);
	}
	switch (f->kind) {
	case FINDING_SCAN:
		snprintf(out, cap, "%s scans", host);
		return;
	case FINDING_SLOW_SCAN:
		snprintf(out, cap, "%s scans slowly", host);
		return;
	case FINDING_SPREAD:
		if (f->has_host) {
			snprintf(out, cap, "many sources try %s", host);
		} else {
			snprintf(out, cap, "many sources try port %u", f->port);
		}
		return;
	case FINDING_BEACON:
		snprintf(out, cap, "%s calls %s port %u at a rhythm", host,
			 peer, f->port);
		return;
	case FINDING_LATERAL:
		snprintf(out, cap,
			 "%s administers hosts that it never reached before",
			 host);
		return;
	case FINDING_FIRST_SEEN:
		snprintf(out, cap, "%s talks to %s port %u for the first time",
			 host, peer, f->port);
		return;
	case FINDING_VOLUME:
		snprintf(out, cap, "%s sends out more than it ever does", host);
		return;
	case FINDING_KINDS:
		break;
	}
	snprintf(out, cap, "unknown");
}

static void
add_key(struct sighting_set *s, enum key_kind kind, const char *text)
{
	struct sighting_key *k = &s->keys[s->n_keys++];

	memset(k, 0, sizeof(*k));
	k->kind = (uint8_t)kind;
	snprintf(k->text, sizeof(k->text), "%s", text);
}

static void
add_end(struct sighting_set *s, const struct addr *a, bool ours)
{
	char text[SIGHTING_NAME_CAP + ADDR_TEXT_CAP + 1];
	size_t n = 0;

	if (ours) {
		n = (size_t)snprintf(text, sizeof(text), "%s ", s->site);
	}
	addr_format(a, text + n);
	add_key(s, ours ? KEY_HOST : KEY_ADDRESS, text);
}

void
finding_sighting(const struct finding *f, unsigned i, struct sighting_set *out)
{
	const char *tactic =
		f->host_ours ? kinds[f->kind].ours : kinds[f->kind].outside;
	char rule[32];

	memset(out, 0, sizeof(*out));
	snprintf(out->exercise, sizeof(out->exercise), "%s", f->exercise);
	snprintf(out->site, sizeof(out->site), "%s", f->places[i].site);
	snprintf(out->owner, sizeof(out->owner), "%s", f->places[i].owner);
	out->first_us = MAX(f->first_us, UINT64_C(1));
	out->last_us = MAX(f->last_us, out->first_us);
	if (out->last_us - out->first_us > SIGHTING_SPAN_US) {
		out->first_us = out->last_us - SIGHTING_SPAN_US;
	}
	out->count = out->events = 1;
	out->severity = (uint8_t)finding_severity(f);
	if (tactic != NULL) {
		out->stages = UINT32_C(1) << stage_of(view_cstr(tactic));
	}
	/* That the whole Internet tries our doors is no incident; that one of
	 * those who do does more besides, is. */
	out->strong = out->severity <= 2;
	out->what = INDICATOR_KINDS;
	out->said = out->mark = *f->mark;
	if (f->has_host) {
		add_end(out, &f->host, f->host_ours);
	}
	if (f->has_peer) {
		add_end(out, &f->peer, f->peer_ours);
	}
	snprintf(rule, sizeof(rule), "collector:%s", kinds[f->kind].name);
	add_key(out, KEY_RULE, rule);
}
