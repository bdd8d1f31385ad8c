/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence.h - sensors that went blind near the alerts of an incident
 *
 * Who breaks in may first blind who watches, or flood it.  That a sensor went
 * blind is near a site of an incident when it began within the window before
 * the first or behind the last alert that the incident has there.  Orderly
 * ends, what ails rules, clocks and the collector itself, are nobody's attack
 * and none of this (silence_counts).
 *
 * Place    below assess; silence_store keeps it.
 * Threads  one.
 * Memory   the newest SILENCES; the oldest makes room.
 * Cost     a comparison of names each, by sites of the incident.
 */
#ifndef COLLECTOR_SILENCE_H
#define COLLECTOR_SILENCE_H

#include "collector/sighting.h"

#define SILENCES 1024
/* Of one incident. */
#define SILENCE_MAX 16
#define SILENCE_CAUSE_CAP 24

struct silence {
	char site[SIGHTING_NAME_CAP], sensor[SIGHTING_NAME_CAP];
	char cause[SILENCE_CAUSE_CAP]; /* blind_cause_name() */
	uint64_t from_us; /* the collector's clock */
};

/* Those of an incident, in order of their beginning. */
struct silence_list {
	struct silence s[SILENCE_MAX];
	unsigned n;
};

struct silences {
	bool on;
	uint64_t window_us;
	int64_t last; /* row of the store that was read last */
	unsigned n, next; /* a ring */
	struct silence s[SILENCES];
};

/* Whether an attacker may have caused it, by the name of its cause. */
bool silence_counts(const char *cause);
void silences_add(struct silences *r, const struct silence *s);
/* Adds to 'list' those that are near the site 'site', seen from 'first_us' to
 * 'last_us', and not in it already; of the 'newest' only (SILENCES: all). */
void silences_near(const struct silences *r, unsigned newest, const char *site,
		   uint64_t first_us, uint64_t last_us,
		   struct silence_list *list);
/* False: it is there already, or there is no room. */
bool silence_list_add(struct silence_list *list, const struct silence *s);
/* Different sensors. */
unsigned silence_sensors(const struct silence_list *list);

#endif
