/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_pace.h - how often somebody may fail to log in
 *
 * After PACE_FREE failures of a name or from an address, each further one
 * doubles the wait.  A name waits briefly only, for whoever knows a name could
 * keep its owner out; an address waits long.  Names are counted whether there
 * are such people or not.  An IPv6 address counts as its /64.
 *
 * Place    above clock; below console_people.
 * Threads  the caller's lock.
 * Memory   PACE_ROWS rows; the one that is calm for longest makes room.
 * Cost     a walk through them.
 */
#ifndef COLLECTOR_CONSOLE_PACE_H
#define COLLECTOR_CONSOLE_PACE_H

#include "common/base.h"

#define PACE_ROWS 512
#define PACE_FREE 5
#define PACE_NAME_MAX_S 30
#define PACE_ADDRESS_MAX_S 900

struct pace {
	struct pace_row {
		uint8_t key[32]; /* SHA-256 of what is counted */
		unsigned failed;
		uint64_t until_us, last_us;
	} rows[PACE_ROWS];
};

/* Seconds to wait before this name or address may try, 0: it may now. */
unsigned pace_wait(struct pace *p, const char *name, const char *address,
		   uint64_t now_us);
/* How it went.  A good one clears its name, not its address: who knows one
 * password could try others' for ever. */
void pace_note(struct pace *p, const char *name, const char *address, bool good,
	       uint64_t now_us);

#endif
