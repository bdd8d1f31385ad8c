/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - a bar on the terminal while files are read
 *
 * Place    above capture.h; below main.
 * Threads  one.
 * Memory   one small block.
 * Cost     draws at most five times a second.
 */
#ifndef SENSOR_PROGRESS_H
#define SENSOR_PROGRESS_H

#include "sensor/capture.h"

struct progress;

/* NULL when not 'wanted' or out of memory; the others accept NULL. */
struct progress *progress_new(bool wanted);
void progress_update(struct progress *p, const struct capture_stats *c);
/* Erases the bar and frees. */
void progress_end(struct progress *p);

#endif
