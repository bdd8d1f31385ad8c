/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outputs.h - who wants what the sensor finds
 *
 * A filter whose reader has gone ends; a sensor that was asked for more than
 * standard output goes on.
 *
 * Place    above options, file_store and rules/shared_state; below main.
 * Threads  one at a time.
 * Memory   the caller's.
 */
#ifndef SENSOR_OUTPUTS_H
#define SENSOR_OUTPUTS_H

#include "rules/shared_state.h"
#include "sensor/options.h"

/* Whether there is anything but standard output; 'out' names it for people. */
bool outputs_others(const struct options *o, const struct shared_state *state,
		    char *out, size_t cap);

/*
 * Nobody reads standard output any more: says so, and whether the sensor goes
 * on, which is the result.
 */
bool outputs_reader_gone(const struct options *o,
			 const struct shared_state *state);

#endif
