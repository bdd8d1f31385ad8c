/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding.h - what contacts gave away: kinds, their thresholds, and a verdict
 *
 * A finding is one verdict of one kind on one host (or target, or pair) and
 * one window: told once, and updated while it goes on.
 *
 * Place    above sighting.h; below finding_run and correlator_file.
 * Threads  by value.
 * Memory   a finding borrows all it points to, within the call that hands it
 *          out.
 */
#ifndef COLLECTOR_FINDING_H
#define COLLECTOR_FINDING_H

#include "collector/sighting.h"
#include "common/err.h"
#include "common/json.h"

/* Numbers are stored. */
enum finding_kind {
	FINDING_SCAN, /* one source, many hosts or ports, in minutes */
	FINDING_SLOW_SCAN, /* the same in a day */
	FINDING_SPREAD, /* many sources, one target or one port of ours */
	FINDING_BEACON, /* a host of ours calls out at a rhythm */
	FINDING_LATERAL, /* administration of hosts never reached before */
	FINDING_FIRST_SEEN, /* a critical asset talks to somebody new */
	FINDING_VOLUME, /* more goes out than is usual */
	FINDING_KINDS
};

#define FINDING_MAX_IGNORE 256

/* The defaults are in finding_defaults and picket-collector(8). */
struct finding_config {
	bool on[FINDING_KINDS];
	unsigned scan_seconds, scan_peers, scan_ports, scan_failed;
	unsigned slow_hours, slow_peers, slow_ports, slow_failed;
	unsigned spread_seconds, spread_sources, spread_targets;
	unsigned beacon_starts, beacon_least, beacon_most; /* seconds */
	unsigned beacon_jitter, beacon_clients; /* percent; hosts */
	unsigned beacon_kilobytes; /* out, of a call */
	unsigned lateral_seconds, lateral_hosts, lateral_hops;
	unsigned lateral_learn; /* hours */
	unsigned first_criticality, first_learn; /* hours */
	unsigned volume_megabytes, volume_deviations;
	unsigned volume_learn; /* hours */
	/* Of whom nothing is said: scanners of our own, and the like. */
	struct cidr ignore[FINDING_MAX_IGNORE];
	unsigned n_ignore;
};
extern const struct finding_config finding_defaults;

/* Where something was seen, and whose place that is. */
struct finding_place {
	const char *site, *owner;
};

struct finding {
	enum finding_kind kind;
	const char *exercise; /* "": none */
	const char *key; /* what the window is of */
	struct addr host; /* who did it; or, of a spread, the target */
	bool has_host, host_ours;
	const struct addr *part_of; /* it goes into that host's finding; NULL */
	struct addr peer;
	bool has_peer, peer_ours;
	uint16_t port; /* 0: none in particular */
	uint8_t proto;
	uint64_t first_us, last_us; /* of packets */
	uint64_t window_us; /* silence that ends it */
	double measure; /* the number that the verdict rests on */
	const struct marking *mark; /* of all that went in */
	/* The first is that of the line that led to it. */
	const struct finding_place *places;
	unsigned n_places;
	struct view evidence; /* a JSON object */
};

/* "scan", "slow-scan", "spread", "beacon", "lateral", "first-seen", "volume". */
const char *finding_kind_name(enum finding_kind k);
bool finding_kind_read(struct view name, enum finding_kind *out) MUST_CHECK;
/* 1 is worst, as of alerts. */
unsigned finding_severity(const struct finding *f);
/* One sentence. */
void finding_title(const struct finding *f, char *out, size_t cap);
/* What it says at place 'i', as a sighting for the correlator. */
void finding_sighting(const struct finding *f, unsigned i,
		      struct sighting_set *out);

#endif
