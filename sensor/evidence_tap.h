/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_tap.h - packets on their way from a worker to the evidence's files
 *
 * A worker copies what is to be kept into a ring that a thread of its own
 * empties into files.  The worker decides which file a packet goes to, and
 * where in it, so that the alert can say so before anything is written.  A full
 * ring loses packets, which are counted; it never makes a packet wait, unless
 * the packets come from files ('patient').
 *
 * Place    above packet.h; below event_log, worker and evidence.
 * Threads  one writes (a worker), one reads (the evidence's).
 * Memory   fixed: the owner's room, and EVIDENCE_SHARES of 32 bytes.
 * Cost     a copy of the packet; nothing for those that are not kept.
 */
#ifndef SENSOR_EVIDENCE_TAP_H
#define SENSOR_EVIDENCE_TAP_H

#include <stdatomic.h>

#include "sensor/evidence_before.h"

#define EVIDENCE_SHARES 16384 /* a power of two */
#define EVIDENCE_FILE_HEAD 24 /* bytes of pcap before the first packet */
#define EVIDENCE_PACKET_HEAD 16 /* and before each packet */
#define EVIDENCE_SERIES 2 /* of files: the real ones, and exercises' */

enum evidence_mode {
	EVIDENCE_NONE,
	EVIDENCE_ALERTS, /* packets that alerted */
	EVIDENCE_FLOWS, /* and those of their flow, the latest before, too */
};

struct evidence_limits {
	uint64_t file_size; /* bytes, heads included */
	uint64_t flow_bytes;
	uint32_t flow_packets;
	uint32_t snaplen;
};

/* Where a packet is, or is going to be. */
struct evidence_at {
	uint64_t start_us; /* of the file: its first packet's time */
	uint64_t offset; /* of the packet's head in it */
	uint32_t run; /* of this sensor in that directory */
	uint32_t file; /* of that run and worker, from 1 on */
	uint16_t worker; /* from 1 on */
	bool exercise;
	bool there; /* false: it is kept nowhere */
};

/* What stands in the ring before a packet's bytes. */
struct evidence_head {
	struct evidence_at at;
	uint64_t ts_us;
	uint32_t caplen, wirelen;
	uint16_t linktype, ts_ns;
};

/* clang-format off */
#define EVIDENCE_TAP_LIST(C) \
	C(flows)      /* of which packets were kept, by an alert */ \
	C(flows_cut)  /* of these, ended by flow-packets or flow-bytes */ \
	C(flows_left) /* or forgotten, as too many alerted at once */ \
	C(before)     /* packets of flows that alerted later */ \
	C(lost_full)  /* packets: no room in the ring */
/* clang-format on */

struct evidence_tap_counters {
#define C(name) uint64_t name;
	EVIDENCE_TAP_LIST(C)
#undef C
};

/* What was kept of a flow. */
struct evidence_share {
	uint64_t flow; /* its id; 0: free */
	uint64_t last_us, bytes;
	uint32_t packets;
	bool exercise;
};

struct evidence_series {
	uint64_t start_us, size; /* of the file; 0: none yet */
	uint32_t file;
	uint16_t linktype;
};

struct evidence_tap {
	enum evidence_mode mode; /* changed while the worker does not run */
	struct evidence_limits limit;
	uint8_t *room;
	uint64_t mask;
	struct evidence_before before; /* its room is the owner's, too */
	bool patient;
	bool done[EVIDENCE_SERIES]; /* of the frame in hand */
	struct evidence_at at[EVIDENCE_SERIES]; /* where it is, then */
	uint32_t run, files;
	uint16_t worker;
	struct evidence_series series[EVIDENCE_SERIES];
	struct evidence_tap_counters count;
	struct evidence_share share[EVIDENCE_SHARES];
	_Alignas(64) _Atomic uint64_t head; /* written up to */
	_Alignas(64) _Atomic uint64_t tail; /* read up to */
	/* The file that could not be written: the next packet begins another. */
	_Atomic uint32_t broken[EVIDENCE_SERIES];
};

/* What struct flow's 'evidence' says. */
enum evidence_flow { EVIDENCE_UNSEEN, EVIDENCE_FOLLOWED, EVIDENCE_ENOUGH };

/* 't' is zeroed; 'room' is of 2^bits bytes, more than limit->snaplen and a
 * head, and stays its owner's. */
void evidence_tap_init(struct evidence_tap *t, uint8_t *room, unsigned bits,
		       const struct evidence_limits *limit, bool patient);

/* The worker, with each frame. */
static inline void
evidence_next_frame(struct evidence_tap *t)
{
	if (UNLIKELY(t != NULL)) {
		t->done[0] = t->done[1] = false;
	}
}

/*
 * The worker: keeps the frame, once for each series, and tells where; 'there'
 * is false when it was lost.
 */
const struct evidence_at *evidence_keep(struct evidence_tap *t,
					const struct frame *f, bool exercise);
/* The worker, before it keeps the frame that alerts: what is still there of the
 * flow's earlier ones, when it is the first alert of a flow that is kept. */
void evidence_catch_up(struct evidence_tap *t, uint64_t flow, bool exercise,
		       uint8_t state);
/* The worker: from now on packets of that flow are kept, up to the limits.
 * Returns what its flow is to remember, '*state' is that so far. */
void evidence_follow(struct evidence_tap *t, uint64_t flow, uint64_t now_us,
		     bool exercise, uint8_t *state);
/* The worker: one more packet of a flow whose '*state' is followed. */
void evidence_flow_frame(struct evidence_tap *t, uint64_t flow,
			 const struct frame *f, uint8_t *state);

/* The worker: one more packet of a flow that has not alerted yet. */
static inline void
evidence_note(struct evidence_tap *t, uint64_t flow, const struct frame *f)
{
	if (t->before.size != 0 && !t->done[0] && !t->done[1]) {
		evidence_before_note(&t->before, flow, f, t->limit.snaplen);
	}
}

/* The reader: the next packet, its h->caplen bytes in 'data', which has room
 * for the snap length; false: there is none. */
bool evidence_take(struct evidence_tap *t, struct evidence_head *h,
		   uint8_t *data);

#endif
