/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twin.h - one event that several taps saw is one event
 *
 * An *observation* is an alert of one sensor.  Observations of one *event* have
 * the same indicator or rule, the same content and the same connection: TCP's
 * initial sequence numbers, as far as both saw them; else the same ends.  One
 * end may differ, as behind a NAT, if the sequence numbers agree, or if it is
 * a private address at one tap and a public one at the other.  One sensor's
 * observations are never one event: the second of a sensor is a second event.
 *
 * Place    above common/alert.h; below taps.
 * Threads  one.
 * Memory   about 190 bytes for each of 'max' observations, the latest; who has
 *          more than his share of them makes room himself.
 * Cost     below 1 us an observation, whatever attackers send.
 */
#ifndef COLLECTOR_TWIN_H
#define COLLECTOR_TWIN_H

#include "common/alert.h"

#define TWIN_MAX 65536 /* observations, by default */
#define TWIN_SENSORS 4096

struct twin_seen {
	int64_t alert; /* number of the observation; they rise */
	int64_t sensor;
	uint64_t us; /* when, by a clock that is right as far as known */
	bool clock_known; /* the sensor's was compared with others' */
};

struct twins;
struct twins *twins_new(size_t max); /* NULL when out of memory */
void twins_free(struct twins *t);
void twins_reset(struct twins *t);

/* Takes in an observation; the number of the event's first one, which is its
 * own when nobody has seen the event yet. */
int64_t twins_add(struct twins *t, const struct twin_seen *seen,
		  const struct alert *a);
/* Puts one back that was taken in before, with what twins_add() said. */
void twins_load(struct twins *t, const struct twin_seen *seen,
		const struct alert *a, int64_t event);

struct twins_stats {
	uint64_t observed, events; /* taken in, and how many they are */
	uint64_t evicted; /* left to make room */
	size_t kept;
};
void twins_stats(const struct twins *t, struct twins_stats *out);

#endif
