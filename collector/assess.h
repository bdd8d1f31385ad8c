/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assess.h - what an incident means: whom it touches, how bad, in words
 *
 * Reads the runs of an incident against the mission map.  The same runs give
 * the same bytes, whatever the order they were found in.
 *
 * Place    after correlate and severity, before store.
 * Threads  one; the result is reused.
 * Memory   lists are cut at ASSESS_MAX_LIST, and what is cut is counted.
 * Cost     by the number of runs and their links.
 */
#ifndef COLLECTOR_ASSESS_H
#define COLLECTOR_ASSESS_H

#include "collector/correlate.h"
#include "collector/severity.h"
#include "collector/silence.h"
#include "common/json.h"

#define ASSESS_MAX_LIST 64
#define ASSESS_MAX_SITES 256
/* All owners but the lead, with commas between: none is cut. */
#define ASSESS_SUPPORT_CAP (SEVERITY_MAX_OWNERS * SIGHTING_NAME_CAP)

/* What was found before of an incident of which memory has only a part by now:
 * it stays worth that, and stays theirs. */
struct assess_before {
	struct severity_factors factors;
	char lead[SIGHTING_NAME_CAP];
	char support[ASSESS_SUPPORT_CAP]; /* names with commas between */
};

struct assessment {
	char exercise[SIGHTING_NAME_CAP], lead[SIGHTING_NAME_CAP];
	char support[ASSESS_SUPPORT_CAP], title[512];
	unsigned score, level;
	struct severity_factors factors;
	struct severity_stake stakes[SEVERITY_MAX_OWNERS]; /* lead first */
	unsigned n_owners, n_sites;
	uint64_t first_us, last_us, alerts;
	struct marking mark; /* joined over all, before any list is cut */
	uint64_t events; /* that these alerts are, some seen at several taps */
	struct assess_before before; /* goes in; zeroed: nothing */
	/* Those that are known go in, and come out with those that are near. */
	struct silence_list silences;
	struct json summary; /* store_read.h, struct store_incident */
	struct json keys; /* texts for situation_keep() */
};

void assess_init(struct assessment *a);
void assess_fini(struct assessment *a);
/* 'near' may be NULL: nobody went blind. */
enum err assess_incident(const struct incident *i, const struct mission_map *m,
			 const struct silences *near,
			 struct assessment *out) MUST_CHECK;

#endif
