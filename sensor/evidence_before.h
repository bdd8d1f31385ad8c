/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_before.h - the latest packets of flows that have not alerted yet
 *
 * A match is often found some packets after the bytes that it is about.  While
 * packets of flows are kept (evidence_tap.h), those of flows that have not
 * alerted go through a ring of fixed size, in which those of one flow are
 * chained; when one alerts, what is still there of it is kept, too.
 *
 * Place    above packet.h; below evidence_tap.
 * Threads  one, a worker.
 * Memory   the owner's room, and 32 KiB.
 * Cost     a copy of the packet; to find those of a flow, BEFORE_STEPS steps.
 */
#ifndef SENSOR_EVIDENCE_BEFORE_H
#define SENSOR_EVIDENCE_BEFORE_H

#include "sensor/packet.h"

#define BEFORE_CHAINS 4096 /* a power of two */
#define BEFORE_PACKETS 64 /* of a flow, at most */
#define BEFORE_STEPS 512 /* packets that are looked at for them */

struct evidence_before {
	uint8_t *room;
	uint64_t size; /* of the room, a power of two; 0: none are kept */
	uint64_t head; /* written up to, in all */
	uint64_t chain[BEFORE_CHAINS]; /* the newest, and one; 0: none */
};

/* One more packet of that flow; one that is larger than the room is not kept. */
void evidence_before_note(struct evidence_before *b, uint64_t flow,
			  const struct frame *f, uint32_t snaplen);
/* Where the latest of that flow are, the newest first; how many. */
unsigned evidence_before_find(const struct evidence_before *b, uint64_t flow,
			      uint64_t at[BEFORE_PACKETS]);
/* One of these, until the next is noted; its 'order' and the like are 0. */
struct frame evidence_before_read(const struct evidence_before *b, uint64_t at);

#endif
