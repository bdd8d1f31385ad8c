/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_world.h - days of made-up contacts of which the truth is known
 *
 * Hosts of some sites browse, ask for names and the time, poll mail, write logs
 * to a server that never answers and are backed up; servers fail for an hour;
 * outsiders visit and knock.  Into that, after the days of learning, scans,
 * beacons, chains and the like are planted.  Flows are summed up as sensors do,
 * by the interval and worker, with at most 16 destinations, and handed out in an
 * order that is off by minutes, as lines.
 *
 * The same numbers give the same world.
 */
#ifndef TESTS_FINDING_WORLD_H
#define TESTS_FINDING_WORLD_H

#include "collector/finding.h"

struct world_config {
	unsigned sites, hosts, days; /* hosts: of a site */
	unsigned planted; /* of each kind */
	unsigned workers, interval_s;
	uint32_t seed;
};

/* One thing that was planted, by the key of its finding. */
struct world_truth {
	enum finding_kind kind;
	char key[128]; /* or what it begins with */
	bool may; /* follows from what was planted; not counted */
	bool found;
};

struct world;
struct world *world_new(const struct world_config *cfg);
void world_free(struct world *w);
/* Scanners of ours, a mission map: what the collector is told. */
void world_configure(const struct world *w, struct finding_config *cfg);
const char *world_missions(const struct world *w); /* YAML */
/* Calls 'fn' for each line, of that site. */
void world_lines(struct world *w,
		 void (*fn)(void *arg, const char *site, struct view line),
		 void *arg);
size_t world_truths(const struct world *w, struct world_truth **out);
uint64_t world_flows(const struct world *w);

#endif
