/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_history.h - what an indicator would have met in the last days
 *
 * The store's sightings of the last days (not those of exercises) as a table in
 * memory: addresses, names with all above them, fingerprints; each with how
 * often, at how many hosts of ours, and at how many sites.  Beside it, of addresses
 * that raised nothing, how many hosts of ours called them in the last two days, as
 * far as sensors tell of contacts.  It is read in slices, so that no batch waits
 * for it, and read anew when it is old.
 *
 * Place    above store_sql and finding_state; below gate.
 * Threads  one.
 * Memory   about 150 bytes a run, of at most GATE_HISTORY_RUNS runs, newest
 *          first; 64 bytes a port outside that ours call.
 * Cost     about 2 us a run to read; a question is a hash, or two binary
 *          searches for a network.
 */
#ifndef COLLECTOR_GATE_HISTORY_H
#define COLLECTOR_GATE_HISTORY_H

#include <sqlite3.h>

#include "common/indicator.h"

#define GATE_HISTORY_RUNS 200000

struct gate_history;

/* What would have been raised. */
struct gate_hits {
	uint64_t alerts, hosts, sites;
	uint64_t callers; /* hosts of ours, about, alerts or not */
};

/* NULL: out of memory.  On a connection of the caller's. */
struct gate_history *gate_history_new(sqlite3 *db);
void gate_history_free(struct gate_history *h);

/*
 * Reads on for about 'budget_us', so that it covers the time since 'since_us'
 * and is not older than 'max_age_us'; '*ready' when it may be asked.  ERR_IO,
 * ERR_NOMEM: it begins anew the next time.
 */
enum err gate_history_turn(struct gate_history *h, uint64_t since_us,
			   uint64_t max_age_us, uint64_t budget_us,
			   bool *ready) MUST_CHECK;

/* Of an address or network, a name, a fingerprint; of other kinds nothing. */
struct gate_hits gate_history_ask(const struct gate_history *h,
				  const struct indicator *i);

#endif
