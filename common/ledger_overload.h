/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_overload.h - of the ledger: what a sensor gave up, of whom, and when
 *
 * The sensor gives up by the priority of addresses.  Whoever asks whether an
 * asset was seen needs to know which priority it has there, and since when and
 * until when that priority was given up.  An address has the priority of the
 * longest network that holds it, of those in 'net' and, where the sensor has a
 * mission map, of those of its assets by their criticality (100: 1, 75: 2, 50:
 * 3, 25: 4, less: 5); of two that are the same, the more important; of none, the
 * default.  Of a flow the more important end counts.
 *
 * Place    above addr.h, json.h and json_read.h; below ledger.
 * Threads  values.
 * Memory   about 1 KiB, the caller's.
 * Cost     some microseconds to write or to read.
 */
#ifndef COMMON_LEDGER_OVERLOAD_H
#define COMMON_LEDGER_OVERLOAD_H

#include "common/addr.h"
#include "common/json.h"
#include "common/json_read.h"

#define LEDGER_PRIORITIES 5
#define LEDGER_NETWORKS 32

/* The priority of an asset of a mission map, 1 the most important. */
static inline unsigned
ledger_priority_of(unsigned criticality)
{
	return criticality >= 100  ? 1
	       : criticality >= 75 ? 2
	       : criticality >= 50 ? 3
	       : criticality >= 25 ? 4
				   : LEDGER_PRIORITIES;
}

/* Frames since the program's start (of a tunnel's, each packet in it, as they
 * may be of several priorities), and the wall clock's times of the first
 * and the last in the latest overload that gave up any; 0: none ever. */
struct ledger_given_up {
	uint64_t frames, since_us, last_us;
};

struct ledger_overload {
	uint64_t level, levels; /* now; the highest there is, 0: none */
	uint64_t default_priority;
	bool missions; /* priorities come from a mission map too */
	/* By priority, from 1 on. */
	struct {
		struct ledger_given_up
			payload; /* encrypted, very large flows */
		struct ledger_given_up all;
	} of[LEDGER_PRIORITIES];
	/* Of overload.priorities, the most important first. */
	struct {
		struct cidr net;
		uint64_t priority;
	} net[LEDGER_NETWORKS];
	unsigned n_nets;
	uint64_t more_nets; /* for which there was no room */
};

/* The member "overload", when there are levels. */
void ledger_overload_write(struct json *j, const struct ledger_overload *o);
/* From the member "overload" of 'obj'; all 0 without one. */
void ledger_overload_read(struct ledger_overload *o,
			  const struct json_reader *r,
			  const struct json_value *obj);

#endif
