/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.h - the least work that any sensor does with a packet
 *
 * What Picket is measured against: read the file, decode the frame, find the
 * flow, keep track of TCP's order, look once at each payload byte for the
 * literals of the rule set.  No counters that nobody asked for, no timeouts,
 * no tunnels, no reassembly of what came out of order, no protocols, no
 * verification, no alerts: honest code for these steps and nothing else, in
 * batches whose memory is asked for ahead.
 *
 * Place    beside the product: uses rules/prefilter.h and nothing else of it.
 * Threads  one.
 * Memory   tables for 'max_flows' flows, reserved by floor_new().
 * Cost     the point of it.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include "rules/prefilter.h"
#include "sensor/packet.h"

/* Each with all that stand before it. */
enum floor_level {
	FLOOR_READ,
	FLOOR_DECODE,
	FLOOR_FLOW,
	FLOOR_TCP,
	FLOOR_SCAN,
	FLOOR_LEVELS
};

struct floor_counts {
	uint64_t packets, bytes;
	uint64_t decoded; /* those with ports */
	uint64_t flows, no_room;
	uint64_t payload; /* bytes, as far as they are new */
	uint64_t out_of_order, repeated; /* segments */
	uint64_t found; /* literals */
};

/* What FLOOR_SCAN looks for; by enum inspect_dir. */
struct floor_literals {
	struct prefilter *prefilter[2];
	uint32_t n[2];
};

struct floor;

/* 'lits' may be NULL, then FLOOR_SCAN is not to be asked for. */
struct floor *floor_new(uint32_t max_flows, const struct floor_literals *lits);
void floor_free(struct floor *f);
/* Forgets all flows, and counts from zero. */
void floor_reset(struct floor *f);

/* Runs a capture file (pcap, microseconds, of this machine's byte order). */
void floor_file(struct floor *f, enum floor_level level, const char *path);
/* The same with Ethernet frames that are in memory. */
void floor_frames(struct floor *f, enum floor_level level,
		  const struct frame *v, size_t n);
const struct floor_counts *floor_counts(const struct floor *f);

#endif
