/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_exercise.h - picketctl exercise: begin, end, list, report
 *
 * Place    above exercise_report, exercise_file and ctl_show; below ctl.
 * Threads  one.
 * Memory   one answer.
 */
#ifndef COLLECTOR_CTL_EXERCISE_H
#define COLLECTOR_CTL_EXERCISE_H

#include "collector/ctl_show.h"

/* All there are and were, with what their sensors do. */
enum err ctl_exercise_list(struct ctl *c) MUST_CHECK;
/* Reads a plan; asks no store.  Errors as exercise_load(). */
enum err ctl_exercise_check(struct ctl *c, const char *path,
			    struct diag *d) MUST_CHECK;
enum err ctl_exercise_start(struct ctl *c, const char *path, const char *who,
			    struct diag *d) MUST_CHECK;
enum err ctl_exercise_stop(struct ctl *c, const char *name, const char *who,
			   struct diag *d) MUST_CHECK;
/* Markdown; HTML or JSON when that is asked for. */
enum err ctl_exercise_report(struct ctl *c, const char *name, bool html,
			     struct diag *d) MUST_CHECK;

#endif
