/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_runs.h - the last account of each run of a sensor's program
 *
 * Packets are counted since the program's start, so that the account of a run
 * that was killed would be gone with the first word of the next one.  Kept are
 * the last 16 runs of a sensor, by what their newest ledger said of packets; a
 * run that is not the newest and never said that it ended was killed.
 *
 * Place    above store.h and common/ledger.h, below store_ledger.
 * Threads  the writing half: the store's; the reading half: as store_reader.h.
 * Memory   prepared statements.
 * Cost     two short statements a ledger.
 */
#ifndef COLLECTOR_STORE_RUNS_H
#define COLLECTOR_STORE_RUNS_H

#include "collector/store.h"
#include "common/ledger.h"

#define STORE_RUNS_KEPT 16 /* of a sensor */

struct store_runs;

/* ERR_NOMEM; ERR_FORMAT when the store is damaged. */
enum err store_runs_new(struct store_runs **out, struct store *s) MUST_CHECK;
void store_runs_free(struct store_runs *r);

/* A ledger came, in whatever order; inside of the store's transaction. */
enum err store_runs_told(struct store_runs *r, int64_t sensor,
			 const struct ledger *l) MUST_CHECK;

/* A run that was killed, as of its last word. */
struct store_run {
	const char *site, *sensor;
	uint64_t epoch, started_us, at_us;
	bool live;
	uint64_t captured; /* records of files; live: what the kernel saw */
	uint64_t dropped; /* live: by the kernel */
	uint64_t delivered, inspected, pending; /* as struct ledger_frames */
};

/* Of every sensor, or of one ('site' NULL: all), oldest first. */
enum err store_read_killed(struct store_reader *r, const char *site,
			   const char *sensor,
			   void (*fn)(void *arg, const struct store_run *run),
			   void *arg) MUST_CHECK;

#endif
