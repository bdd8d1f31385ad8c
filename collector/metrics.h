/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - the collector's counters as one object, and their Prometheus
 *             names
 *
 * Place    above pipeline; below service.
 * Threads  the pipeline's.
 * Memory   the caller's.
 * Cost     cold.
 */
#ifndef COLLECTOR_METRICS_H
#define COLLECTOR_METRICS_H

#include "collector/pipeline.h"
#include "common/json.h"
#include "common/metrics_text.h"

#define METRICS_PREFIX "picket_collector_"

/* {"info":{...},"uptime":N,"total":{...},"now":{...}} into 'j', reset first. */
void metrics_write(struct json *j, const struct pipeline *p,
		   uint64_t uptime_us);

extern const struct metric_row metrics_rows[];
extern const size_t metrics_n_rows;

#endif
