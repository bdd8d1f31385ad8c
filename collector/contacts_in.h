/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contacts_in.h - a sensor's summary of whom one host contacted, read back
 *
 * One line of event_type "contacts" tells of one initiator and one interval of
 * one worker: sums, two sketches that merge, and its most telling
 * destinations.  A flow counts where it began, that it failed where it ended: one
 * that nobody answers fails an interval later.  The line comes from the wire: all members are there, of their
 * type and range, or it is refused as a whole; members not known are left alone.
 *
 * Place    above common/hll and json_read; below finding_run.
 * Threads  one reader, one thread.
 * Memory   by value; the JSON reader is the caller's.
 * Cost     about 1 ns a byte, a few kB a line.
 */
#ifndef COLLECTOR_CONTACTS_IN_H
#define COLLECTOR_CONTACTS_IN_H

#include "common/hll.h"
#include "common/json_read.h"

#define CONTACTS_MAX_TO 16
#define CONTACTS_MAX_STARTS 16
/* A longer interval, or a start behind the interval's end, is nobody's word. */
#define CONTACTS_MAX_SPAN_US (UINT64_C(86400) * 1000000)

enum contacts_proto { CONTACTS_TCP = 6, CONTACTS_UDP = 17 };

/* One destination: an address and port that the host contacted. */
struct contacts_to {
	struct addr ip;
	uint16_t port;
	uint8_t proto; /* enum contacts_proto; 0: another */
	uint64_t flows, failed, bytes_out, bytes_in;
	uint64_t starts_us[CONTACTS_MAX_STARTS]; /* wall clock, as told */
	unsigned n_starts;
};

struct contacts {
	struct addr ip;
	uint64_t start_us, end_us;
	uint64_t flows, failed, bytes_out, bytes_in;
	struct hll peers, ports;
	struct contacts_to to[CONTACTS_MAX_TO];
	unsigned n_to;
};

/*
 * Reads the member "contacts" of a line.  False: '*why' is static text that
 * names the member at fault.
 */
bool contacts_read(struct contacts *out, struct json_reader *r,
		   struct view line, const char **why) MUST_CHECK;

/* Whether the destinations listed are all that there were. */
bool contacts_complete(const struct contacts *c);

#endif
