/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contact_notes.h - what happens to flows, noted down for the table of contacts
 *
 * A note is a cache line that is written and not read again on the packet path:
 * what a host is, and whether it counts at all, is found out by who takes the
 * notes.  What was counted of a flow's bytes stands in the flow itself as long
 * as it fits into four bytes, and in a record of this module for others.
 *
 * Place    above contacts.h; below contacts_desk.h.
 * Threads  one worker's.
 * Memory   the caller's.
 * Cost     about 40 instructions a note.
 */
#ifndef SENSOR_CONTACT_NOTES_H
#define SENSOR_CONTACT_NOTES_H

#include "sensor/contacts.h"
#include "sensor/flow.h"

#define CONTACT_NOTES 4096 /* that wait, at most */
/* What still goes behind the end of a connection, such as the last
 * acknowledgement, is no new interval's traffic below this. */
#define CONTACT_AFTERWORD 1024

/* Bytes of a flow that were counted already. */
struct contact_moved {
	uint64_t bytes[2];
	uint32_t next; /* free */
};

struct contact_notes {
	struct contact_note *v; /* room for one more, which is not kept */
	uint32_t n;
	uint64_t lost; /* for which there was no room */
	struct contact_moved *moved; /* numbers count from 1 */
	uint32_t moved_free;
	struct contact_lanes lanes;
};

/* The memory is the caller's: 'v' of CONTACT_NOTES + 1, and 'moved' of
 * n_moved + 1. */
void contact_notes_init(struct contact_notes *n, struct contact_note *v,
			struct contact_moved *moved, uint32_t n_moved);

static inline bool
contact_notes_full(const struct contact_notes *n)
{
	return n->n >= CONTACT_NOTES;
}

/* Whether contact_notes_end() has nothing to do: short, and closed. */
static inline bool
contact_notes_settled(const struct flow *f)
{
	uint64_t was = (f->contact >> 16) + (f->contact & 0xffff);
	unsigned both = FLOW_CONTACT_CLOSED | FLOW_CONTACT_SMALL;

	return (f->flags & FLOW_CONTACT) == 0 ||
	       ((f->flags & both) == both &&
		f->bytes[0] + f->bytes[1] < was + CONTACT_AFTERWORD);
}

/* 'ts_us' is the packet's time. */
/* A flow's first packet, of these TCP flags; 'exercise' is "" or the name of the
 * one that it is part of.  The middle of a connection and ICMP that is no echo
 * request are left out. */
void contact_notes_start(struct contact_notes *n, struct flow *f,
			 uint8_t tcp_flags, const char *exercise,
			 uint64_t ts_us);
/* Bytes that went since. */
void contact_notes_moved(struct contact_notes *n, struct flow *f,
			 uint64_t ts_us);
/* TCP said that it is over. */
void contact_notes_closed(struct contact_notes *n, struct flow *f,
			  uint64_t ts_us);
/* The flow is going to be released; 'ts_us': when its timeout was up.  With
 * 'leave' nothing is noted any more. */
void contact_notes_end(struct contact_notes *n, struct flow *f, uint64_t ts_us,
		       bool leave);

#endif
