/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_exercise.h - exercises: told to the sensors, and kept apart
 *
 * Sensors mark what an exercise's injects cause (common/exercise.h).  The mark
 * is checked here: an alert that bears the name of an exercise that we ordered
 * and is not of its injects counts as real, so that nobody can hide behind it.
 * When each inject was first seen at each site is kept for the report.
 *
 * Place    the pipeline's own: above store_exercise and control_send.
 * Threads  the pipeline's.
 * Memory   the exercises, and some bytes for each inject and site.
 * Cost     nothing for an alert that is real.
 */
#ifndef COLLECTOR_PIPELINE_EXERCISE_H
#define COLLECTOR_PIPELINE_EXERCISE_H

#include "common/alert.h"
#include "common/err.h"

struct pipeline;
struct pipeline_exercise;

enum err pipeline_exercise_new(struct pipeline_exercise **out,
			       struct pipeline *p, struct diag *d) MUST_CHECK;
void pipeline_exercise_free(struct pipeline_exercise *t);
/* As pipeline_posture_turn(). */
enum err pipeline_exercise_turn(struct pipeline_exercise *t,
				struct diag *d) MUST_CHECK;

/* An alert on its way into the store: 'a', or without its mark in '*real'.
 * '*inject' is for pipeline_exercise_note(). */
const struct alert *pipeline_exercise_judge(struct pipeline_exercise *t,
					    const struct alert *a,
					    struct alert *real, int *inject);
/* It is number 'id'; only with an inject that is not EXERCISE_REAL. */
enum err pipeline_exercise_note(struct pipeline_exercise *t,
				const struct alert *a, const char *site,
				int inject, int64_t id) MUST_CHECK;
/* What was noted in this transaction, to the store; or not. */
enum err pipeline_exercise_keep(struct pipeline_exercise *t) MUST_CHECK;
void pipeline_exercise_forget(struct pipeline_exercise *t);

#endif
