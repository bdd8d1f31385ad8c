/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats_overload.h - what the workers gave up and kept, in the statistics
 *
 * Internal: included by stats.c, stats_overload.c and packet_ledger.c only.
 *
 * Place    with stats.
 * Threads  as stats.h: no worker runs.
 * Memory   caller's.
 */
#ifndef SENSOR_STATS_OVERLOAD_H
#define SENSOR_STATS_OVERLOAD_H

#include "sensor/stats.h"

/* Sums of the counters; the highest level. */
void stats_overload_sum(const struct stats_source *s, struct overload *out);
/* Of "skipped": frames by reason, whoever needs only these. */
void stats_put_shed(struct json *j, const struct stats_source *s);
void stats_put_overload(struct json *j, const struct stats_source *s);

/* The index of what was seen; nothing without one. */
void stats_put_retro(struct json *j, struct retro *r);
/* Packets of alerts that were kept; nothing where none ever are. */
void stats_put_evidence(struct json *j, struct evidence *v);

#endif
