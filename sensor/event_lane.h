/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_lane.h - whether an event is an exercise's, or real
 *
 * Lane 0 is what is real (or what the whole run is marked as); lane N is the
 * Nth of the exercises that are on.
 *
 * Place    above common/exercise.h and the parsers; below event_line.h.
 * Threads  lanes are read only once they are used; whoever made them keeps
 *          them until no event can name them any more.
 * Memory   borrows.
 * Cost     nothing without exercises; else a comparison for each network of
 *          them, for each event and each alert.
 */
#ifndef SENSOR_EVENT_LANE_H
#define SENSOR_EVENT_LANE_H

#include "common/exercise.h"
#include "sensor/event_log.h"

#define EVENT_LANES_MAX 4

struct event_lanes {
	unsigned n;
	struct exercise *exercise[EVENT_LANES_MAX];
};

/* 'lanes' may be NULL. */
unsigned event_lane_of(const struct event_lanes *lanes,
		       const struct event_subject *s);
/* The exercise's name; "" for lane 0. */
const char *event_lane_name(const struct event_lanes *lanes, unsigned lane);

#endif
