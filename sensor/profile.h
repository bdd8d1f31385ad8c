/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - what the rules cost, of all workers, as a table or as JSON
 *
 * Place    above worker and reload; below main.
 * Threads  write while no worker runs.
 * Memory   counters on the heap while writing.
 * Cost     once a run.
 */
#ifndef SENSOR_PROFILE_H
#define SENSOR_PROFILE_H

#include "sensor/worker.h"

/* When the measuring began, by both clocks. */
struct profile_start {
	uint64_t ticks, mono_us;
};

void profile_begin(struct profile_start *s);

/*
 * Writes the sum of all workers to 'path', "-" being standard output.  False
 * when that fails; it was logged then.
 */
bool profile_write(const struct profile_start *s, struct worker *const *workers,
		   unsigned n_workers, const char *path,
		   bool as_json) MUST_CHECK;

#endif
