/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_kept.h - documents that hold until others come, over a restart
 *
 * Each is kept as it came, with its signature, so that the file may be read
 * with no more trust than the stream.
 *
 * Place    above common/control.h; below control_feed.
 * Threads  one.
 * Memory   CONTROL_KEPT_MAX documents.
 * Cost     the file is written anew, and synced, by each change.
 */
#ifndef SENSOR_CONTROL_KEPT_H
#define SENSOR_CONTROL_KEPT_H

#include "common/clock.h"
#include "common/control.h"

#define CONTROL_KEPT_MAX 8
#define CONTROL_KEPT_NAME_CAP 96
#define CONTROL_KEPT_OVER_US (UINT64_C(86400) * US_PER_S) /* clocks differ */

struct control_kept;

/* Reads 'path' (NULL: nothing is kept); a file that is damaged is passed over
 * from there on.  NULL without memory. */
struct control_kept *control_kept_open(const char *path);
void control_kept_free(struct control_kept *k);
/* In place of the one of that name; false: no room, or no memory. */
bool control_kept_put(struct control_kept *k, const char *name,
		      struct view text, struct view sig) MUST_CHECK;
void control_kept_drop(struct control_kept *k, const char *name);
/* Forgets exercises that were over a day ago, whoever forgot to end them. */
void control_kept_drop_over(struct control_kept *k, uint64_t now_us);
void control_kept_each(const struct control_kept *k,
		       void (*fn)(void *arg, const char *name, struct view text,
				  struct view sig),
		       void *arg);

#endif
