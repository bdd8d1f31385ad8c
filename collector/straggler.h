/* SPDX-License-Identifier: Apache-2.0 */
/*
 * straggler.h - sensors that do not do yet what they were told
 *
 * Each is told again after a while, then less and less often.
 *
 *   straggler_look(t)          a look at all sensors begins
 *   straggler_due(t, ...)      of each that lags
 *   straggler_looked(t)        those that lag no more are forgotten
 *
 * Place    above common/clock.h; below the pipeline's orders.
 * Threads  one.
 * Memory   some bytes for each that lags.
 * Cost     a few steps for each that lags when each look goes by sensors in the
 *          same order, a search of all for one that is new.
 */
#ifndef COLLECTOR_STRAGGLER_H
#define COLLECTOR_STRAGGLER_H

#include "common/base.h"

struct stragglers {
	struct straggler *v;
	unsigned n, cap;
	unsigned at; /* behind the last that was found */
};

void stragglers_free(struct stragglers *t);
void straggler_look(struct stragglers *t);
/* Whether the sensor is to be told again now; 'order' is what it lags behind. */
bool straggler_due(struct stragglers *t, int64_t sensor, int64_t order);
void straggler_looked(struct stragglers *t);

#endif
