/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise_report.h - the after-action report: what was seen, where and when
 *
 * Place    above store_exercise and store_read; below ctl_exercise.
 * Threads  one.
 * Memory   the exercise, and a row for each inject and site.
 */
#ifndef COLLECTOR_EXERCISE_REPORT_H
#define COLLECTOR_EXERCISE_REPORT_H

#include <stdio.h>

#include "collector/store_reader.h"
#include "common/json.h"
#include "common/words.h"

struct exercise_report;

/* In that language, but for its JSON if it is LANG_EN.  ERR_NOTFOUND with
 * diag: there is none of that name; ERR_IO, ERR_NOMEM. */
enum err exercise_report_new(struct exercise_report **out,
			     struct store_reader *r, const char *name,
			     enum lang lang, struct diag *d) MUST_CHECK;
void exercise_report_free(struct exercise_report *x);

/* Texts of packets are escaped as each needs it. */
void exercise_report_markdown(const struct exercise_report *x, FILE *out);
/* One page that needs nothing beside it; plots are SVG. */
void exercise_report_html(const struct exercise_report *x, FILE *out);
/* An object; nothing is open before. */
void exercise_report_json(const struct exercise_report *x, struct json *j);

#endif
