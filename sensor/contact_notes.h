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
/* Bytes that fit twice into what a flow has room for. */
#define CONTACT_SMALL UINT64_C(0xffff)

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

/* Whether nobody ever answered, as far as the protocol tells. */
static inline bool
contact_is_failed(const struct flow *f)
{
	switch (f->proto) {
	case IPP_TCP:
		if ((f->tcp_flags[1] & TCP_SYN) != 0) {
			return false;
		}
		return (f->tcp_flags[0] & TCP_SYN) != 0 || f->pkts[1] == 0 ||
		       (f->pkts[1] == 1 && (f->tcp_flags[1] & TCP_RST) != 0);
	case IPP_UDP:
	case IPP_SCTP:
	case IPP_ICMP:
	case IPP_ICMPV6:
		return f->pkts[1] == 0;
	default:
		return false;
	}
}

static inline void
contact_notes_put(struct contact_notes *n, const struct flow *f,
		  const uint64_t bytes[2], unsigned what, uint64_t ts_us)
{
	struct contact_note *note = &n->v[n->n];

	note->src = f->addr[0];
	note->dst = f->addr[1];
	note->ts_us = ts_us;
	note->bytes[0] = bytes[0];
	note->bytes[1] = bytes[1];
	note->port = f->port[1];
	note->proto = f->proto;
	note->lane = f->contact_lane;
	note->what = (uint8_t)what;
	n->n++;
	if (UNLIKELY(n->n > CONTACT_NOTES)) {
		n->n--;
		n->lost++;
	}
}

/* 1 + the place of the exercise's name, noted if need be; what is beyond the
 * last place shares that. */
uint8_t contact_notes_lane(struct contact_lanes *l, const char *exercise);

/* 'ts_us' is the packet's time. */
/* A flow's first packet, of these TCP flags; 'exercise' is "" or the name of the
 * one that it is part of.  The middle of a connection and ICMP that is no echo
 * request are left out. */
static inline void
contact_notes_start(struct contact_notes *n, struct flow *f, uint8_t tcp_flags,
		    const char *exercise, uint64_t ts_us)
{
	static const uint64_t none[2];

	if (f->proto == IPP_TCP ? (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_ACK
	    : f->proto == IPP_ICMP   ? f->icmp_type != 8
	    : f->proto == IPP_ICMPV6 ? f->icmp_type != 128
				     : false) {
		return;
	}
	f->flags |= FLOW_CONTACT;
	f->contact_lane = 0;
	if (UNLIKELY(exercise[0] != '\0')) {
		f->contact_lane = contact_notes_lane(&n->lanes, exercise);
	}
	contact_notes_put(n, f, none, CONTACT_BEGAN, ts_us);
}

/* Bytes that went since. */
void contact_notes_moved(struct contact_notes *n, struct flow *f,
			 uint64_t ts_us);

/* TCP said that it is over. */
void contact_notes_closed_long(struct contact_notes *n, struct flow *f,
			       uint64_t ts_us);
static inline void
contact_notes_closed(struct contact_notes *n, struct flow *f, uint64_t ts_us)
{
	if ((f->flags & (FLOW_CONTACT | FLOW_CONTACT_CLOSED)) != FLOW_CONTACT) {
		return;
	}
	f->flags |= FLOW_CONTACT_CLOSED;
	if (UNLIKELY(f->contact != 0 ||
		     (f->bytes[0] | f->bytes[1]) > CONTACT_SMALL)) {
		contact_notes_closed_long(n, f, ts_us);
		return;
	}
	/* short, and nothing of it was counted */
	f->contact = (uint32_t)(f->bytes[0] << 16 | f->bytes[1]);
	f->flags |= FLOW_CONTACT_SMALL;
	contact_notes_put(n, f, f->bytes,
			  contact_is_failed(f) ? CONTACT_FAILED : 0, ts_us);
}

/* The flow is going to be released; 'ts_us': when its timeout was up.  With
 * 'leave' nothing is noted any more. */
void contact_notes_end(struct contact_notes *n, struct flow *f, uint64_t ts_us,
		       bool leave);

#endif
