/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fanout.h - one interface's packets shared out among the handles of workers
 *
 * The handles of an interface are one PACKET_FANOUT group of the kernel
 * (packet(7)).  Everything that two hosts say to each other goes to one of
 * them, as capture files are shared out (pair_owners.h): both directions, all
 * flows of the pair, fragments, and both ends of a tunnel.
 *
 * Place    above err.h; below capture_live.
 * Threads  one.
 * Memory   the program is the kernel's, once it is set.
 * Cost     in the kernel, about sixty instructions a packet.
 */
#ifndef SENSOR_FANOUT_H
#define SENSOR_FANOUT_H

#include "common/err.h"

struct sock_filter;

enum fanout_mode {
	FANOUT_PAIR, /* by the two addresses, with the program here */
	FANOUT_HASH, /* the kernel's hash of the flow; it puts IPv4 fragments
		      * together for that */
};

/* Zeroed: nobody is in it yet. */
struct fanout_group {
	uint16_t id; /* by the kernel; of this group alone */
	unsigned n; /* members */
};

/*
 * Puts the packet socket 'fd' in the group; the first one to come makes it.
 * 'ether': the interface's frames begin with an Ethernet header; 'echo': what
 * goes out of it comes in again, and is not wanted twice.  'key' makes the
 * places of pairs hard to guess.  ERR_IO when the kernel refuses.
 */
struct fanout_options {
	enum fanout_mode mode;
	bool ether, echo;
	uint32_t key;
};

enum err fanout_join(struct fanout_group *g, int fd,
		     const struct fanout_options *o, struct diag *d) MUST_CHECK;

/*
 * The program of FANOUT_PAIR, for tests too: its value, by the number of
 * members, is the place in the group.  'cap' is at least FANOUT_PROGRAM_CAP;
 * returns the number of instructions.
 */
#define FANOUT_PROGRAM_CAP 160
size_t fanout_program(struct sock_filter *out, size_t cap, bool ether,
		      uint32_t key);

#endif
