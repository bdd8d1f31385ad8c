/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats.h - all workers' counters, summed, as one JSON object
 *
 * Suricata's names below "stats" where the counter exists there; the ledger
 * of frames and alerts under "picket".
 *
 * Place    above worker, sink and forward; below main.
 * Threads  call while no worker runs, or accept counters a moment apart.
 */
#ifndef SENSOR_STATS_H
#define SENSOR_STATS_H

#include "sensor/armed.h"
#include "sensor/capture.h"
#include "sensor/evidence.h"
#include "sensor/forward.h"
#include "sensor/live.h"
#include "sensor/reload.h"
#include "sensor/retro.h"
#include "sensor/sink.h"
#include "sensor/worker.h"

struct stats_source {
	struct worker *const *workers;
	unsigned n_workers;
	struct sink *sink;
	const struct capture *capture; /* or NULL: */
	struct live *live;
	const struct shared_state *shared; /* or NULL */
	struct reload *reload;
	struct armed *armed; /* or NULL */
	const struct forward_stats *forward; /* NULL: stand-alone */
	struct event_origin origin;
	uint64_t started_mono_us;
	const struct confine_state *confined;
	struct retro *retro; /* or NULL */
	struct evidence *evidence; /* or NULL */
};

/* The members of the "stats" object (without key), for a file or a tool. */
void stats_write(struct json *j, const char *key, const struct stats_source *s);
/* A whole EVE stats event. */
void stats_event(struct json *j, const struct stats_source *s, uint64_t ts_us);

/* What was captured so far, of files or of interfaces. */
void stats_captured(const struct stats_source *s, struct capture_stats *out);
/* Sums used elsewhere: presence, the closing line. */
void stats_sum_workers(const struct stats_source *s,
		       struct worker_counters *out);

#endif
