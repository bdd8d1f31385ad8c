/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_live.h - one handle on an interface, through libpcap
 *
 * A handle is made shut: it takes no packet until capture_live_begin(), so that
 * all of a fanout group can be put together first and none sees a packet that
 * another has.  From there on every packet is counted:
 *
 *   seen = delivered + dropped + what waits in the ring
 *
 * Place    above capture.h and fanout.h; below live.
 * Threads  one handle, one thread at a time.
 * Memory   the ring is the kernel's; frames are copied into the batch's slab.
 * Cost     one copy a frame; a system call when the ring is empty.
 */
#ifndef SENSOR_CAPTURE_LIVE_H
#define SENSOR_CAPTURE_LIVE_H

#include "sensor/capture.h"
#include "sensor/fanout.h"

#define CAPTURE_LIVE_SNAPLEN 262144 /* the largest */

/* Of one interface. */
struct capture_live_options {
	const char *name;
	const char *filter; /* pcap-filter(7), or NULL */
	const char *timestamp; /* pcap-tstamp(7): "host", "adapter", ... */
	uint32_t snaplen;
	uint32_t ring_bytes; /* for one handle */
	uint32_t timeout_ms; /* the longest that a packet waits in the ring
			      * for others, when not 'immediate' */
	bool promiscuous;
	bool immediate;
};

/* Since capture_live_begin(). */
struct capture_live_counters {
	uint64_t seen; /* passed the filter, in the kernel */
	uint64_t dropped; /* of these, found the ring full */
	uint64_t delivered, bytes; /* frames read, captured bytes */
	uint64_t truncated; /* of these, cut by the snap length */
};

struct capture_live;

/*
 * Opens a handle, shut, and to be settled.  ERR_NOTFOUND: no such interface; ERR_AGAIN: it is
 * down; ERR_AUTH: the capability is missing; ERR_USAGE: a setting that does
 * not go with the interface, or a wrong filter; ERR_IO: anything else.  All
 * with diag.
 */
enum err capture_live_open(struct capture_live **out,
			   const struct capture_live_options *o,
			   struct diag *d) MUST_CHECK;
/*
 * Takes out what the handle saw before it was shut.  Does not wait: ERR_AGAIN
 * until all is out, to be called anew soon; ERR_IO with diag when that takes
 * too long (20 s) or the interface is gone.
 */
enum err capture_live_settle(struct capture_live *c, struct diag *d) MUST_CHECK;
/* Once it is settled. */
enum err capture_live_join(struct capture_live *c, struct fanout_group *g,
			   enum fanout_mode mode, uint32_t key,
			   struct diag *d) MUST_CHECK;
/* Packets come in from now on.  ERR_USAGE: the filter is too long for the
 * kernel. */
enum err capture_live_begin(struct capture_live *c, struct diag *d) MUST_CHECK;
/* No more come in; what is in the ring can be read. */
void capture_live_shut(struct capture_live *c);
void capture_live_close(struct capture_live *c);

/* DLT_ of the frames. */
uint16_t capture_live_linktype(const struct capture_live *c);
/* For poll(2). */
int capture_live_fd(const struct capture_live *c);

/*
 * Fills 'b', whose frames carry 'iface' and no number.  ERR_OK with b->n > 0;
 * ERR_AGAIN: nothing is there now; ERR_CLOSED: the interface is gone, or the
 * system refuses, with diag.
 */
enum err capture_live_read(struct capture_live *c, struct batch_frames *b,
			   uint16_t iface, struct diag *d) MUST_CHECK;

/* One system call. */
void capture_live_count(struct capture_live *c,
			struct capture_live_counters *out);

#endif
