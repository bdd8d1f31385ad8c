/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_lists.h - status, sites, sensors, missions, alerts, timeline
 *
 * Place    above console_question and store_json; below console_api.
 * Threads  the question's.
 * Memory   the answer, bounded by the limit on rows.
 */
#ifndef COLLECTOR_CONSOLE_LISTS_H
#define COLLECTOR_CONSOLE_LISTS_H

#include "collector/console_question.h"

/* Answers the question by its path; ERR_NOTFOUND when it is none of these. */
enum err console_list(struct question *q) MUST_CHECK;
/* Which sensors saw the event that an alert is of. */
enum err console_list_taps(struct question *q, int64_t id) MUST_CHECK;
/* The object of /api/status, for whoever holds a reader of its own. */
enum err console_list_status(struct store_reader *r, uint64_t alerts_per_minute,
			     struct json *j) MUST_CHECK;

#endif
