/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - one collector at a time writes a store; others stand by
 *
 * Several collectors may be started on one store.  One holds the lease: it
 * reads the streams, writes, publishes.  The others wait and take over as soon
 * as it ends, dies or hangs.
 *
 *   lease_new(&l, &cfg, &d);                   standing by
 *   lease_wait(l, &stop, turn, arg, &d);       until it is ours
 *   ... open the store, rebuild memory; lease_serving(l); ...
 *   lease_turn(l) each time round, lease_held(l) before what others see
 *   lease_free(l);                             somebody else's
 *
 * Whose the store is says a number in its table 'lease', which each taking
 * raises.  Every transaction that a connection of this process commits to the
 * store is refused unless the number is still ours: since there is one writer
 * at a time, nothing can change between that look and the commit.  Whoever was
 * stopped, and is continued after another took over, finds out there.
 *
 * That a holder is dead is known from the lock of its line (lease_file.h), and
 * that it hangs from a sign of life that stays the same for 'stale_us'.  Signs
 * of life are not in the store: they must not wait for the lock that a long
 * transaction has, nor cost a sync each.
 *
 * A holder that hangs within a transaction keeps the lock of SQLite, and nobody
 * could write.  So while another stands by, and 'kill' is set, each sign of
 * life winds up a timer of the kernel that ends the process when it runs down:
 * it reaches a process that is stopped as well, and needs no right to signal
 * others.
 *
 * Place    above lease_file and store_schema; below pipeline's callers.
 * Threads  lease_held() by any; the rest by main's.  A thread of its own gives
 *          the signs of life.
 * Memory   a connection to the store.
 * Cost     a write to a file every LEASE_BEAT_US; a look at one row a commit,
 *          about 10 us.
 */
#ifndef COLLECTOR_LEASE_H
#define COLLECTOR_LEASE_H

#include <signal.h>

#include "collector/lease_file.h"
#include "common/conf.h"

#define LEASE_BEAT_US UINT64_C(250000)
/* The pipeline may be busy with one thing for so long. */
#define LEASE_PATIENCE_US (UINT64_C(60) * 1000000)

/* Rows for the program's table of settings. */
#define LEASE_ROWS \
	{ "lease.stale", "number", "3", \
	  "seconds without a sign of life until one that stands by takes " \
	  "over" }, \
		{ "lease.kill", "bool", "yes", \
		  "end ourselves when we hang while another stands by" }, \
	{ \
		"lease.name", "string", "collector", \
			"name in the list of collectors" \
	}

struct lease_config {
	const char *store;
	char name[LEASE_NAME_CAP];
	uint64_t stale_us;
	bool kill;
	bool standby; /* let another have it who begins at the same time */
};

struct lease_status {
	bool held;
	uint64_t number; /* of our lease; 0: none */
	uint64_t takeovers; /* of holders that did not give up the lease, since
			     * the store was made; known to who holds it */
	unsigned others; /* collectors of this store that live, but for us */
};

struct lease;

/* The settings lease.*; ERR_USAGE with diag. */
enum err lease_configure(struct lease_config *out, const struct conf *conf,
			 struct diag *d) MUST_CHECK;

/* Stands by from now on.  ERR_IO, ERR_LIMIT, ERR_NOMEM with diag. */
enum err lease_new(struct lease **out, const struct lease_config *cfg,
		   struct diag *d) MUST_CHECK;
/*
 * Gives it up, and others take over at once; nothing may use the store any
 * more.  NULL is fine.
 */
void lease_free(struct lease *l);

/*
 * Waits until it is ours, and makes the store or brings it up to date.  'turn'
 * (or NULL) is called about ten times a second while another has it.
 * ERR_CLOSED: '*stop' was set before.  Else errors of the store.
 */
enum err lease_wait(struct lease *l, volatile sig_atomic_t *stop,
		    void (*turn)(void *arg), void *arg,
		    struct diag *d) MUST_CHECK;
/* Whether another had it when lease_wait() was called. */
bool lease_waited(const struct lease *l);

/* Memory is rebuilt: batches are taken in from now on. */
void lease_serving(struct lease *l);
/* The pipeline came round; without this for LEASE_PATIENCE_US we hang. */
void lease_turn(struct lease *l);
/*
 * Whether it is ours still: nothing may be told to others or acknowledged when
 * it is not.  'arg' is the lease.  Any thread.
 */
bool lease_held(void *arg);
void lease_status(struct lease *l, struct lease_status *out);

#endif
