/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_name.h - what files with kept packets are called
 *
 *   evidence-20261124T101500.123456Z-r3-w1-12.pcap
 *
 * by the time of the first packet (UTC), the run of the sensor in that
 * directory, the worker, and the file's number; "exercise-" where the alerts
 * were an exercise's.
 *
 * Place    above evidence_tap.h; below event_log and evidence_dir.
 * Threads  pure functions.
 * Memory   the caller's.
 * Cost     cold: an alert's line, a file.
 */
#ifndef SENSOR_EVIDENCE_NAME_H
#define SENSOR_EVIDENCE_NAME_H

#include "sensor/evidence_tap.h"

#define EVIDENCE_NAME_CAP 96

/* Of the file that 'at' is in; returns 'out'. */
const char *evidence_name(const struct evidence_at *at,
			  char out[EVIDENCE_NAME_CAP]);
/* Whether it is one of ours, of which run. */
bool evidence_name_read(const char *name, uint32_t *run);

#endif
