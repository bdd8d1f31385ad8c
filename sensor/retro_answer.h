/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_answer.h - from an indicator to what the index knows of it, and a line
 *
 * Place    above retro_index.h; below retro and retro_ask.
 * Threads  the caller's.
 * Memory   the caller's.
 * Cost     a key for each question, see retro_index.h.
 */
#ifndef SENSOR_RETRO_ANSWER_H
#define SENSOR_RETRO_ANSWER_H

#include "common/json.h"
#include "sensor/event_log.h"
#include "sensor/retro_index.h"

/* Of 'i', whose value is canonical.  False: nothing of its kind is kept. */
bool retro_answer_find(struct retro_index *x, const struct indicator *i,
		       struct retro_past *out) MUST_CHECK;
/*
 * The alert: at 'now_us', of the indicator's built-in rule, with one flow that
 * showed it and "picket":{"past":{...}}.
 */
void retro_answer_line(struct json *j, const struct event_origin *o,
		       const struct indicator *i, const struct retro_past *p,
		       uint64_t now_us);
/* In the week with more of them, as host_bits.h. */
uint32_t retro_answer_hosts(const struct retro_past *p);
/* "first", "last", "count", hosts, and "at_least" when more may have been
 * seen. */
void retro_answer_past(struct json *j, const char *key,
		       const struct retro_past *p);

#endif
