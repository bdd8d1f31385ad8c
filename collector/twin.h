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
 * Memory   about 200 bytes for each of 'max' observations, the latest; who has
 *          more than his share of them makes room himself.
 * Cost     below 1 us an observation, whatever attackers send; as much for each
 *          that is looked at again.
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
	uint64_t told_us; /* when, by the sensor's clock */
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
/* The sensor of its event's first alert, of the one that was taken in last; 0:
 * it is known no more. */
int64_t twins_first_sensor(const struct twins *t);
/* Puts one back that was taken in before, with what twins_add() said. */
void twins_load(struct twins *t, const struct twin_seen *seen,
		const struct alert *a, int64_t event);

/* Those of the numbers 'first' to 'last' go; the event of one that stays and was
 * called by such a number is what 'event' says. */
void twins_forget(struct twins *t, int64_t first, int64_t last,
		  int64_t (*event)(void *arg, int64_t alert), void *arg);

/* What is known of clocks now: when something was that a sensor told of
 * 'told_us'; '*known': its clock was compared. */
struct twins_clock {
	uint64_t (*right)(void *arg, int64_t sensor, uint64_t told_us,
			  bool *known);
	void *arg;
};
/* Clocks may be known better than they were: what that puts at another time by
 * more than TWINS_RETIME_US is looked at again. */
#define TWINS_RETIME_US 500000
void twins_retime(struct twins *t, const struct twins_clock *c);
/* All are to be looked at again: what memory was about to do is not known. */
void twins_look_again(struct twins *t);
bool twins_looking(const struct twins *t);

/* Two events turned out to be one: 'was', known by its first alert, is part of
 * 'event', which is the older one. */
struct twins_joined {
	int64_t was, event;
	int64_t sensor; /* of alert 'event'; 0: it is known no more */
};
/* Looks at some thousands of those that are to be looked at again, and joins
 * at most 'cap' pairs of events; how many. */
unsigned twins_rejoin(struct twins *t, struct twins_joined *out, unsigned cap);

struct twins_stats {
	uint64_t observed, events; /* taken in, and how many they were then */
	uint64_t rejoined; /* events that turned out to be part of others */
	uint64_t evicted; /* left to make room */
	size_t kept;
};
void twins_stats(const struct twins *t, struct twins_stats *out);

#endif
