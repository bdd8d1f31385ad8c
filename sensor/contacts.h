/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contacts.h - what each host contacted in an interval, in a fixed table
 *
 * A host is an address of HOME_NET that begins flows, or one from outside that
 * begins flows to HOME_NET.  All is counted by packets' time, in intervals that
 * begin at multiples of their length: a flow's beginning in that of its first
 * packet, its bytes in that of every 64th packet of a direction and at its end,
 * and whether it failed at its end.  A flow ends when TCP closes it, or else
 * when its timeout is up, so that nothing depends on who looked when: the sums
 * of all lines of a host and an interval are the same for any number of workers,
 * as long as the table has room.
 *
 * Of a host's destinations only some are kept: those that it came back to in
 * earlier intervals, then ports of administration in HOME_NET, then others.
 * Who comes back is known by bits in a table that forgets by generations of 64
 * intervals.
 *
 * When the table is full the least of some of the oldest hosts of the same
 * side of HOME_NET gives way, and is told of early; those from outside have half
 * of the room.  More than the table's size in an interval are not told of, but
 * counted: addresses that somebody makes up do not become as many lines.
 *
 * The packet path only notes down what happens to flows (contact_notes.h); the
 * table takes the notes, in their order, in another thread (contacts_desk.h).
 *
 * Place    above flow.h, common/hll.h and contacts_conf.h; below
 *          contact_notes.h, contacts_desk.h and event_log.h.
 * Threads  one at a time.
 * Memory   fixed: about 950 bytes for each of contacts.max-hosts.
 * Cost     a look-up of host and destination a note, about 700 instructions.
 */
#ifndef SENSOR_CONTACTS_H
#define SENSOR_CONTACTS_H

#include "common/exercise.h"
#include "common/hll.h"
#include "sensor/contacts_conf.h"
#include "sensor/flow.h"

#define CONTACTS_TO 16 /* destinations in a line, at most */
#define CONTACTS_STARTS 16 /* and beginnings of each */
#define CONTACTS_EVERY 64 /* packets of a direction between two looks */
#define CONTACTS_LANES 8 /* exercises that are told apart */
/* A flow that ended is handed over as late as this. */
#define CONTACTS_LATE_US (FLOW_DISORDER_US + 1000000)

struct contacts_to {
	struct addr ip;
	uint64_t bytes_out, bytes_in;
	uint32_t flows, failed;
	uint32_t starts_ms[CONTACTS_STARTS]; /* since the interval's start */
	uint16_t port; /* 0: the protocol has none */
	uint8_t proto, n_starts;
};

/* A host's interval, or a part of it. */
struct contacts_told {
	uint64_t start_us, end_us; /* of the interval; wall clock */
	struct addr ip;
	char exercise[EXERCISE_NAME_CAP]; /* "": it is real */
	uint64_t flows, failed, bytes_out, bytes_in;
	struct hll peers, ports;
	uint32_t n_to;
	struct contacts_to to[CONTACTS_TO]; /* the most telling first */
};

/* Bytes that it takes, without destinations that are not there. */
static inline size_t
contacts_told_size(const struct contacts_told *t)
{
	return offsetof(struct contacts_told, to) + t->n_to * sizeof(t->to[0]);
}

/*
 * flows: that were counted.  lines: handed out, of these early: for want of
 * room.  hosts_dropped: for want of room, and not told of.  destinations_left:
 * times that one was not kept, and is in the sums only.  shed: beginnings and
 * ends left out under overload.
 */
/* clang-format off */
#define CONTACTS_COUNTER_LIST(C) \
	C(flows) C(lines) C(early) C(hosts_dropped) C(destinations_left) C(shed)
/* clang-format on */

struct contacts_counters {
#define C(name) uint64_t name;
	CONTACTS_COUNTER_LIST(C)
#undef C
};

/* Names of exercises: 'lane' is 0, or 1 + a place here. */
struct contact_lanes {
	char exercise[CONTACTS_LANES][EXERCISE_NAME_CAP];
};

enum contact_what {
	CONTACT_BEGAN = 1, /* the flow's first packet */
	CONTACT_FAILED = 2, /* nobody answered */
};

/* What happened to a flow at 'ts_us' of its packets. */
struct contact_note {
	struct addr src, dst; /* who began it, and to whom */
	uint64_t ts_us;
	uint64_t bytes[2]; /* to 'dst' and back, not counted before */
	uint16_t port; /* of 'dst'; any number where the protocol has none */
	uint8_t proto, lane;
	uint8_t what; /* enum contact_what */
};
STATIC_ASSERT(sizeof(struct contact_note) == 64, "a cache line");

struct contacts;

/* 'conf' and 'lanes' outlive it; a lane's name is there before the first note
 * of it.  NULL when out of memory. */
struct contacts *contacts_new(const struct contacts_conf *conf,
			      const struct contact_lanes *lanes);
void contacts_free(struct contacts *c);

/*
 * Counts what was noted; from outside to outside, and to many at once, it is
 * left out.  Returns what had to give way, or NULL; it is to be told of before
 * the next call.
 */
const struct contacts_told *contacts_take(struct contacts *c,
					  const struct contact_note *n);

/*
 * What is over at 'now_us' of the packets' clock, or with 'all' everything: a
 * sweep, and one host for each call, NULL at its end.  A sweep may be left
 * before.
 */
void contacts_sweep(struct contacts *c, uint64_t now_us, bool all);
const struct contacts_told *contacts_next(struct contacts *c);
/* How many are there. */
uint32_t contacts_size(const struct contacts *c);

struct contacts_counters *contacts_counters(struct contacts *c);

#endif
