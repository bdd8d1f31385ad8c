/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overload_conf.h - the settings of overload.h
 *
 * Keys read: overload.{enabled, start, urgent, stop, step-ms, calm-ms,
 * elephant-bytes, elephant-keep, default-priority, missions, priorities}.
 *
 * Place    above overload.h and asset_priority.h; below main.
 * Threads  main's.
 * Memory   the table of priorities, heap.
 */
#ifndef SENSOR_OVERLOAD_CONF_H
#define SENSOR_OVERLOAD_CONF_H

#include "sensor/overload.h"

/* 'site' is the sensor's, for the mission map.  ERR_USAGE, ERR_FORMAT,
 * ERR_NOMEM with diag; then 'out' holds nothing. */
enum err overload_conf_read(struct overload_conf *out, const struct conf *c,
			    const char *site, struct diag *d) MUST_CHECK;
void overload_conf_fini(struct overload_conf *c);

#endif
