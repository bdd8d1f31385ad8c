/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iface.h - what the kernel says of network interfaces
 *
 * Place    above err.h; below live and options.
 * Threads  a look-out belongs to one thread.
 * Memory   one small block.
 * Cost     two system calls a look; cold.
 */
#ifndef SENSOR_IFACE_H
#define SENSOR_IFACE_H

#include <net/if.h>
#include <stdio.h>

#include "common/err.h"

struct iface_watch; /* asks the kernel, over rtnetlink(7) */

struct iface_state {
	unsigned index; /* another one: taken away and made again */
	bool up; /* set up, and has a carrier */
	/* Since the interface was made; frames on the wire. */
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t missed; /* received, and found no room before the kernel */
};

enum err iface_watch_open(struct iface_watch **out, struct diag *d) MUST_CHECK;
void iface_watch_close(struct iface_watch *w);
/* ERR_NOTFOUND: there is no such interface; ERR_IO. */
enum err iface_look(struct iface_watch *w, const char *name,
		    struct iface_state *out) MUST_CHECK;

/* Whether packets are put together before anybody sees them (GRO, LRO): then
 * there are more on the wire than are captured. */
bool iface_merges(const char *name);

/*
 * For who asked for an interface that is not there: "; did you mean eth0?", or
 * the names that there are.
 */
void iface_suggest(const char *name, char *out, size_t cap);
/* --list-interfaces: what can be captured from, one a line. */
enum err iface_print_all(FILE *f, struct diag *d) MUST_CHECK;

#endif
