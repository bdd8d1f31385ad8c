/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_convert.h - a store with a row for each alert, as one without
 *
 * Alerts keep their numbers, so that what incidents name as evidence is still
 * found.
 *
 * Place    above store_line and store_sql; below store_schema.
 * Threads  used at start by the one writer.
 * Memory   one frame, and a mark for each of its lines.
 * Cost     cold; some 10 us an alert, once.
 */
#ifndef COLLECTOR_STORE_CONVERT_H
#define COLLECTOR_STORE_CONVERT_H

#include <sqlite3.h>

#include "common/err.h"

/* Fills alert_groups, group_frames and the new columns of frames from the
 * tables alerts and old_groups, within the caller's transaction. */
enum err store_convert_alerts(sqlite3 *db) MUST_CHECK;

#endif
