/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise_json.h - exercises, and which sensors mark them, as JSON
 *
 * Place    above store_exercise; below console_ops and ctl_exercise.
 * Threads  as the reader.
 * Memory   one row.
 * Cost     a row an exercise, a row a sensor.
 */
#ifndef COLLECTOR_EXERCISE_JSON_H
#define COLLECTOR_EXERCISE_JSON_H

#include "collector/store_exercise.h"
#include "collector/store_reader.h"
#include "common/json.h"

/* "not told yet", "planned", "on", "over", "ending" or "ended". */
const char *exercise_state(const struct store_exercise *e);
/* Members of an open object: "exercises", the last first, and "sensors". */
enum err exercise_json(struct store_reader *r, struct json *j) MUST_CHECK;

#endif
