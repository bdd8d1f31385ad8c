/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_store.h - of the counters, those that only the store knows
 *
 * Of each sensor: whether its ledger adds up, equation by equation, and what
 * it lost, by cause; of each site: what it is blind by just now; and what the
 * store's limits dropped.  Read through a connection of its own, when somebody
 * asks for counters and not otherwise.
 *
 * Place    above store_ledger and store_blind; below metrics.
 * Threads  one at a time.
 * Memory   a connection that only reads; a table of METRICS_SITES sites for
 *          the call.
 * Cost     some statements a sensor; a millisecond or so for ten sensors.
 */
#ifndef COLLECTOR_METRICS_STORE_H
#define COLLECTOR_METRICS_STORE_H

#include "common/json.h"

/* Beyond these nothing is said of single sensors and sites, only how many were
 * left out: METRICS_MAX_SAMPLES has to do for all. */
#define METRICS_SENSORS 400
#define METRICS_SITES 400

struct store_reader;

/* Zeroed is closed. */
struct metrics_store {
	struct store_reader *reader;
	bool failing; /* and said so */
};

/*
 * Writes the members "store", "consult", "sensors" and "blind" into the object that is
 * open in 'j'.  What cannot be read is left out, and logged once.
 */
void metrics_store_write(struct metrics_store *m, const char *path,
			 struct json *j);
void metrics_store_close(struct metrics_store *m);

#endif
