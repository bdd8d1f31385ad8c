/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease_state.h - what the files of the lease share
 *
 * Internal header: included by lease.c and lease_take.c only.
 *
 * Place    within lease.
 * Threads  as lease.h.
 */
#ifndef COLLECTOR_LEASE_STATE_H
#define COLLECTOR_LEASE_STATE_H

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

#include "collector/lease.h"

/* What is known of another collector that has the lease. */
struct lease_other {
	struct lease_record last;
	uint64_t changed_us; /* when its sign of life last was another one */
};

struct lease {
	struct lease_config cfg;
	struct lease_file *file;
	/* the holder's */
	uint64_t number, takeovers;
	_Atomic bool holds, serving, lost;
	_Atomic uint64_t beat_us, turned_us, since_us;
	pthread_mutex_t lock; /* over 'look' */
	sqlite3 *db;
	sqlite3_stmt *look; /* at the number */
	/* what gives signs of life */
	pthread_t thread;
	_Atomic bool ending;
	sem_t wake;
	bool running, timed, guarded, hung, mute;
	timer_t timer;
	/* what is seen while waiting */
	struct lease_other others[LEASE_FILE_SLOTS];
	uint64_t began_us; /* monotonic */
	uint64_t looked_us; /* at the others, last */
	bool waited, told_stuck, told_busy;
};

/* lease.c: the number in the store; false when it cannot be read. */
bool lease_number(struct lease *l, uint64_t *number);
/* Every connection that is opened from now on may commit while it is ours;
 * NULL: nobody looks any more. */
void lease_fence(struct lease *l);
/* Writes our line. */
void lease_say(struct lease *l, uint64_t beat_us);
/* Signs of life begin. */
enum err lease_begin(struct lease *l, struct diag *d) MUST_CHECK;

/* lease_take.c: tells the store that nobody has it, if it is ours. */
void lease_give_up(struct lease *l);

#endif
