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

#include "collector/arm.h"
#include "collector/indicator_polls.h"
#include "collector/lease.h"
#include "collector/metrics_store.h"
#include "collector/output.h"
#include "collector/pipeline.h"
#include "common/confine.h"
#include "common/json.h"
#include "common/metrics_text.h"

#define METRICS_PREFIX "picket_collector_"

/* {"info":{...},"confined":{...},"uptime":N,"total":{...},"now":{...},
 * "redis_troubles":{...}} and what metrics_store_write() adds, into 'j', reset
 * first. */
void metrics_write(struct json *j, const struct pipeline *p,
		   struct lease *lease, /* or NULL */
		   struct arm *arm, /* or NULL */
		   struct indicator_polls *polls, /* or NULL */
		   struct outputs *outputs, /* or NULL */
		   struct metrics_store *store,
		   const struct confine_state *confined, uint64_t uptime_us);

/* Of one that stands by: "info", "confined", "uptime" and "lease" of these. */
void metrics_standby(struct json *j, struct lease *lease,
		     const struct confine_state *confined, uint64_t uptime_us);

extern const struct metric_row metrics_rows[];
extern const size_t metrics_n_rows;

#endif
