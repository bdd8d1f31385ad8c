/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_json.h - what the store holds, as JSON objects
 *
 * The one form in which the console's API and `picketctl --json` hand out
 * rows.  Times are ISO 8601 in UTC; a time that is not known is null.  Every
 * text is escaped, JSON kept in the store is read and written anew (it is the
 * sensors'), so that the result is one valid value whatever the network sent.
 *
 * Place    above store_read and store_cases; below console_api and ctl.
 * Threads  pure, on the caller's writer.
 * Memory   the writer's.
 * Cost     a few microseconds a row.
 */
#ifndef COLLECTOR_STORE_JSON_H
#define COLLECTOR_STORE_JSON_H

#include "collector/store_cases.h"
#include "collector/store_read.h"
#include "common/json.h"

/* 'key' as in json.h: NULL inside an array and for the outermost value. */
void store_json_status(struct json *j, const char *key,
		       const struct store_status *s);
void store_json_sensor(struct json *j, const struct store_sensor *s);
void store_json_alert(struct json *j, const struct store_alert *a);
void store_json_group(struct json *j, const struct store_group *g);
/* JSON that the store keeps as text, read and written anew; null when it is
 * none. */
void store_json_kept(struct json *j, const char *key, const char *text);
/* An object left open, for the caller to add to and to end. */
void store_json_incident(struct json *j, const char *key,
			 const struct store_incident *i);
void store_json_log(struct json *j, const struct store_log *l);
void store_json_sighting(struct json *j, const struct store_sighting *s);
void store_json_bucket(struct json *j, const struct store_bucket *b);

#endif
