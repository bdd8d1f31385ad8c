/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_ops.h - exchange, audit log, exercises, posture and rules in the console's API
 *
 * Place    above console_indicators, exercise_report, posture_view and the
 *          *_json modules; below console_api.
 * Threads  as the question; a change is made on a connection of its own.
 * Memory   the answer; an exercise's plan while it is read.
 * Cost     a list of at most API_MAX_ROWS rows.
 */
#ifndef COLLECTOR_CONSOLE_OPS_H
#define COLLECTOR_CONSOLE_OPS_H

#include "collector/console_question.h"

/* Whether what is asked or changed at 'path' belongs here. */
bool console_ops_knows(const char *path);
/* Answers; ERR_NOTFOUND, ERR_IO.  With the store's lock held. */
enum err console_ops(struct question *q) MUST_CHECK;
/* Carries out a POST and returns its HTTP status. */
unsigned console_ops_change(struct question *q);

#endif
