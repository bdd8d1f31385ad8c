/* SPDX-License-Identifier: Apache-2.0 */
/*
 * skew_state.h - what the files of skew share
 *
 * Internal: included by skew*.c only.
 *
 * Place    with skew.
 * Threads  as skew.h.
 * Memory   as skew.h.
 * Cost     as skew.h.
 */
#ifndef COLLECTOR_SKEW_STATE_H
#define COLLECTOR_SKEW_STATE_H

#include "collector/skew.h"

#define PAIR_SLOTS (2 * SKEW_PAIRS)

struct anchor {
	uint64_t id, syn_us, answer_us; /* id 0: free */
};

struct skew_sensor {
	struct skew_clock clock;
	struct anchor *anchors; /* by id; NULL: none yet */
	unsigned component; /* while it is solved: 0 is none */
	double offset, drift; /* while it is solved; microseconds */
};

struct skew {
	struct skew_sensor sensors[SKEW_SENSORS];
	unsigned n_sensors;
	struct skew_pair *pairs[SKEW_PAIRS];
	unsigned n_pairs;
	uint16_t slots[PAIR_SLOTS]; /* index + 1 of a pair; 0 is free */
	unsigned last; /* that skew_find() found */
	bool dirty;
	struct skew_stats stats;
};

/* Index of a sensor; SKEW_SENSORS: unknown. */
unsigned skew_find(struct skew *s, int64_t sensor);
/* What the samples of a pair say. */
void skew_estimate(struct skew_pair *p);

#endif
