/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taps_json.h - clocks, and who saw an event, for picketctl and the console
 *
 * Place    above taps and store_reader; below console_api, metrics and ctl.
 * Threads  pure, on the caller's writer.
 * Memory   the writer's.
 * Cost     one query each.
 */
#ifndef COLLECTOR_TAPS_JSON_H
#define COLLECTOR_TAPS_JSON_H

#include "collector/store_reader.h"
#include "common/json.h"

/* A list under 'key': an object for each sensor whose clock was compared. */
enum err taps_json_clocks(struct store_reader *r, struct json *j,
			  const char *key) MUST_CHECK;
/* A list under 'key': each observation of the event that alert 'id' is of;
 * empty when one sensor alone saw it. */
enum err taps_json_event(struct store_reader *r, int64_t id, struct json *j,
			 const char *key) MUST_CHECK;
/* A list under 'key': the sensors that saw what an incident was made of. */
enum err taps_json_incident(struct store_reader *r, int64_t incident,
			    struct json *j, const char *key) MUST_CHECK;
/* The object "clocks" for the metrics: site, then sensor, then what is known
 * in seconds; at most 'max' sensors. */
enum err taps_json_metrics(struct store_reader *r, unsigned max,
			   struct json *j) MUST_CHECK;

#endif
