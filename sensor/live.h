/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.h - interfaces through the workers, round by round
 *
 * Each worker has a handle of its own on each interface; the kernel shares the
 * packets out among them (fanout.h).  A round ends by time.  At its end workers
 * hand over what they found and go on at once; the caller's thread merges it
 * by the packets' time.  Nothing on the way of a packet waits for a disk, a
 * pipe or Redis: what they cannot take is lost and counted (sink.h).
 *
 * Interfaces may go down, disappear and come back; they are opened again.
 *
 * Place    above worker, sink, reload and capture_live; sibling of replay;
 *          below stats and main.
 * Threads  one for each worker; the caller's merges, looks after interfaces
 *          and calls tick().  live_get_counters() may be called by any.
 * Memory   a ring for each worker and interface, in the kernel; a batch for
 *          each; two outboxes a worker, bounded.
 * Cost     per round and worker: one system call, and one for each interface.
 */
#ifndef SENSOR_LIVE_H
#define SENSOR_LIVE_H

#include <net/if.h>
#include <signal.h>

#include "sensor/live_conf.h"
#include "sensor/reload.h"
#include "sensor/sink.h"
#include "sensor/worker.h"

/*
 * Of one interface since the start, over all workers and all times it was
 * opened.  At all times:
 *
 *   kernel_seen = delivered + kernel_dropped + waiting + unread
 *
 * and waiting = 0 after a clean end.
 */
struct live_counters {
	char name[IF_NAMESIZE];
	bool up; /* there, set up, with a carrier, and open */
	/* On the wire while it was open, in and out, as the interface's driver
	 * counts.  What the card or the kernel puts together (GRO, LRO) before
	 * anybody sees it makes it more than kernel_seen, and so does a filter;
	 * so does any packet that comes between two looks. */
	uint64_t wire_packets, wire_bytes;
	uint64_t if_dropped; /* missed by the card: not even the kernel saw */
	uint64_t kernel_seen; /* passed the filter */
	uint64_t kernel_dropped; /* of these, found the ring full */
	uint64_t delivered, bytes; /* read by the workers; captured bytes */
	uint64_t truncated; /* of these, cut by the snap length */
	uint64_t waiting; /* in the rings now */
	uint64_t unread; /* in rings that had to be closed; hardly ever */
	uint64_t opens, downs; /* times it was opened; went down or away */
	uint64_t errors; /* times that reading or opening failed */
	uint64_t last_packet_us; /* capture time of the latest; 0: none */
};

/* How far a worker is behind; for who sheds load. */
struct live_load {
	uint32_t busy; /* full batches since it last had nothing to do */
	uint64_t waiting; /* packets in its rings, at the round's end */
};

struct live;

/*
 * Opens all interfaces of 'c' for 'n_workers', taking no packets yet: rights
 * may be dropped behind it, all but the one to open again (CAP_NET_RAW).
 * ERR_USAGE, ERR_AUTH, ERR_IO, ERR_NOMEM with diag.  An interface that is down
 * is waited for later.
 */
enum err live_open(struct live **out, const struct live_conf *c,
		   unsigned n_workers, struct diag *d) MUST_CHECK;
void live_close(struct live *l);

struct live_settings {
	struct worker *const *workers; /* as many as live_open() was told */
	struct sink *sink;
	struct reload *reload; /* or NULL */
	const volatile sig_atomic_t *stop;
	/* Called after each round.  'idle': no worker runs, so that what is
	 * theirs may be read; soon the case once 'want_idle' is not 0. */
	void (*tick)(void *arg, bool idle);
	const volatile sig_atomic_t *want_idle;
	void *tick_arg;
};

/* Until stop; reads what the rings hold then, and ends all flows.  ERR_NOMEM,
 * ERR_IO, ERR_USAGE (a filter) with diag. */
enum err live_run(struct live *l, const struct live_settings *s,
		  struct diag *d) MUST_CHECK;

/* Of all interfaces: frames and bytes delivered, those truncated. */
void live_sum(struct live *l, struct capture_stats *out);
unsigned live_interfaces(const struct live *l);
/* At most a second old; exact when called by tick() while idle, and at the
 * end.  By any thread. */
void live_get_counters(struct live *l, unsigned i, struct live_counters *out);
/* Of the latest round; for the thread that runs live_run(), or at its end. */
void live_get_load(const struct live *l, unsigned worker,
		   struct live_load *out);

#endif
