/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - the sensor's counters as one object, and their Prometheus names
 *
 * The object is {"info":{...},"stats":{...},"forward":{...},"workers":[...]}:
 * "stats" is what stats.h writes, so that a counter added there is a metric
 * too, also before it has a row here.
 *
 * Place    above stats and forward; below service.
 * Threads  metrics_write() while no worker runs, as stats_write().
 * Memory   the caller's.
 * Cost     cold.
 */
#ifndef SENSOR_METRICS_H
#define SENSOR_METRICS_H

#include "common/metrics_text.h"
#include "sensor/forward.h"
#include "sensor/stats.h"

#define METRICS_PREFIX "picket_sensor_"

/* 'f' may be NULL: stand-alone. */
void metrics_write(struct json *j, const struct stats_source *s,
		   struct forward *f);

extern const struct metric_row metrics_rows[];
extern const size_t metrics_n_rows;

#endif
