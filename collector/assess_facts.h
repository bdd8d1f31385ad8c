/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assess_facts.h - what was gathered of an incident before it is judged
 *
 * Place    assess's own: included by assess*.c only.
 * Threads  one.
 * Memory   lists on the heap, for one incident; assess_incident() frees them.
 */
#ifndef COLLECTOR_ASSESS_FACTS_H
#define COLLECTOR_ASSESS_FACTS_H

#include "collector/assess.h"

/* A site of an owner. */
struct assess_place {
	char site[SIGHTING_NAME_CAP], owner[SIGHTING_NAME_CAP];
	uint64_t first_us, last_us, count;
};

/* One of each place, and of assets whose owner no place has. */
#define ASSESS_MAX_STAKES (2 * ASSESS_MAX_SITES)

/* Everything gathered on the way; in an order that does not depend on how it
 * was found. */
struct assess_facts {
	const struct mission_map *map;
	const struct run **members, **hosts;
	size_t n_members, n_hosts, cap_hosts;
	int64_t *alerts;
	size_t n_alerts, cap_alerts;
	struct assess_place places[ASSESS_MAX_SITES];
	unsigned n_places, n_sites;
	struct severity_stake stakes[ASSESS_MAX_STAKES];
	unsigned n_stakes;
	struct stage_times stages;
	unsigned severity, confidence, criticality;
};

/* Runs, hosts, places, stages and evidence of 'i' into 'g', zeroed but for the
 * map; what it took is freed by the caller, also after ERR_NOMEM. */
enum err assess_gather(struct assess_facts *g,
		       const struct incident *i) MUST_CHECK;
/* The asset behind a host run, "SITE ADDRESS"; NULL: the map has none. */
const struct mission_asset *assess_asset(const struct mission_map *m,
					 const struct run *host,
					 char site[SIGHTING_NAME_CAP],
					 const char **address);

/* What it costs missions and services: the member "impact" of the object that
 * is open. */
enum err assess_impact(const struct assess_facts *g, struct json *j) MUST_CHECK;

/* What it may have in common with others: situation_keep()'s keys. */
void assess_keys(const struct assess_facts *g, struct assessment *out);

/* The words: a line, and all there is to say as JSON. */
void assess_title(const struct assess_facts *g, struct assessment *out);
enum err assess_summary(const struct assess_facts *g,
			struct assessment *out) MUST_CHECK;

#endif
