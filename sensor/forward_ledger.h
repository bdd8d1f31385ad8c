/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward_ledger.h - the forwarder's account of every event
 *
 * Events are raised, wait in the queue and in batches, reach the spool or are
 * lost, each by class and cause; all of it stands in a file that outlives the
 * program (ledger_file.h).  At the start the file is compared with what the
 * spool really holds: what was raised and is neither there nor lost by another
 * cause was in memory when the program was killed.
 *
 * Place    above ledger_file.h and spool.h, below forward.h, its only user.
 * Threads  forward_ledger_raise() and forward_ledger_lose() under the
 *          forwarder's lock; everything else by its thread.
 * Memory   inside of the forwarder.
 * Cost     a few stores an event, one slot of 2.5 KiB a batch.
 */
#ifndef SENSOR_FORWARD_LEDGER_H
#define SENSOR_FORWARD_LEDGER_H

#include "sensor/ledger_file.h"
#include "sensor/spool.h"

struct forward_ledger {
	struct ledger_file *file;
	struct spool *spool;
	struct ledger_slot slot; /* written to the file by each change */
	struct ledger_slot unshed; /* should a file that is shed stay */
	bool damage_told;
	/* Lines that were put into the queue (under the lock), and taken out. */
	uint64_t queued[LEDGER_CLASSES], taken[LEDGER_CLASSES];
	uint64_t next_sync_us;
};

/*
 * Opens the file beside the spool's own, settles what the last run left, and
 * says so in the log.  ERR_IO, ERR_NOMEM with diag.
 */
enum err forward_ledger_open(struct forward_ledger *l, const char *dir,
			     struct spool *spool, struct diag *d) MUST_CHECK;
/* 'clean': nothing is in memory any more. */
void forward_ledger_close(struct forward_ledger *l, bool clean);

/* A line was handed over, and went into the queue or did not. */
void forward_ledger_raise(struct forward_ledger *l, unsigned cls, bool fits);
/* 'n' lines were raised, and lost before they could be handed over. */
void forward_ledger_lose(struct forward_ledger *l, enum ledger_lost cause,
			 unsigned cls, uint64_t n);

/* The thread took a line out of the queue. */
static inline void
forward_ledger_take(struct forward_ledger *l, unsigned cls)
{
	l->taken[cls]++;
}

/* It could not be put into any batch. */
void forward_ledger_drop(struct forward_ledger *l, enum ledger_lost cause,
			 unsigned cls, uint64_t n);
/* What became of a batch: 'e' of spool_append(). */
void forward_ledger_batch(struct forward_ledger *l,
			  const struct frame_header *h, enum err e);
/* After the link was served: what has been committed. */
void forward_ledger_commit(struct forward_ledger *l);
/* A sign of life, once a second or so. */
void forward_ledger_beat(struct forward_ledger *l, uint64_t now_us);

/* Part one, under the lock: what producers change. */
void forward_ledger_raised(const struct forward_ledger *l, struct ledger *out);
/* Part two: all else but packets; 'batched' are the lines in open batches. */
void forward_ledger_fill(const struct forward_ledger *l,
			 const uint64_t batched[LEDGER_CLASSES],
			 struct ledger *out);

#endif
