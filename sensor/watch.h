/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - what a sensor says of its own sight, beside its counters
 *
 * Which networks it watches, and whether its indicators are still fresh.
 *
 * Place    above presence.h and common/conf.h; below main.
 * Threads  the forwarder's.
 * Memory   caller's.
 * Cost     one stat(2) an indicator file.
 */
#ifndef SENSOR_WATCH_H
#define SENSOR_WATCH_H

#include "common/conf.h"
#include "sensor/presence.h"

/* Checks the settings watches and indicator-max-age.  ERR_USAGE with diag. */
enum err watch_check(const struct conf *conf, struct diag *d) MUST_CHECK;
/* Fills in 'watches' and 'indicators_stale'. */
void watch_fill(const struct conf *conf, const char *const *indicators,
		size_t n_indicators, struct presence_facts *out);

#endif
