/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - what the service manager is told: ready, reloading, alive
 *
 * The protocol of sd_notify(3): lines "NAME=VALUE" in one datagram to the Unix
 * socket that NOTIFY_SOCKET names.  Without that variable every call does
 * nothing, so that a program started by hand is the same program.
 *
 *   notify_open(&n);
 *   notify_ready(&n, "watching eth0");
 *   loop: notify_alive(&n, clock_mono_us());
 *   notify_stopping(&n, "sending what is spooled");
 *   notify_close(&n);
 *
 * Place    above clock.h; below service loops.
 * Threads  one at a time.
 * Memory   a socket; messages on the stack.
 * Cost     notify_alive() is a comparison, and a send() four times in each
 *          interval of the watchdog; no call waits longer than a second.
 */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

#include "common/err.h"

struct notify {
	bool open; /* else there is nobody to tell, as in a zeroed one */
	int fd; /* connected */
	uint64_t every_us; /* between two signs of life; 0: none is wanted */
	uint64_t next_us; /* the next one is due, monotonic */
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.  A socket that cannot
 * be reached is ERR_IO with diag, and nobody is told anything from then on;
 * that is no reason not to run.
 */
enum err notify_open(struct notify *n, struct diag *d) MUST_CHECK;
void notify_close(struct notify *n);

/* Start, or a reload, is over.  'status' is for people ("systemctl status"),
 * one line of text; here and below a control byte in it becomes a '?'. */
void notify_ready(struct notify *n, const char *status);
void notify_status(struct notify *n, const char *status);
/* Must be followed by notify_ready(), whatever came of the reload. */
void notify_reloading(struct notify *n, const char *status);
void notify_stopping(struct notify *n, const char *status);

/*
 * A sign of life, when one is due at 'now_us' (monotonic).  To be called only
 * from where a program gets to when all of its work goes on.
 */
void notify_alive(struct notify *n, uint64_t now_us);

#endif
