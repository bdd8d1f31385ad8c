/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise_file.h - an exercise as those who plan it write it down
 *
 *   name: KEEN-LANTERN-27
 *   from: 2026-11-23T00:00:00Z
 *   until: 2026-11-25T00:00:00Z
 *   ranges: [192.0.2.0/24]
 *   injects:
 *     - id: phish-1
 *       title: the letter with the link
 *       at: 2026-11-23T09:00:00Z       # when it begins; may be left out
 *       sources: [198.51.100.0/24]     # where the players sit
 *       names: [cdn.updates-sync.example]
 *
 * Place    above common/exercise.h; below ctl_exercise.
 * Threads  one.
 * Memory   heap, one owner.
 */
#ifndef COLLECTOR_EXERCISE_FILE_H
#define COLLECTOR_EXERCISE_FILE_H

#include "common/exercise.h"

#define EXERCISE_FILE_MAX ((size_t)256 << 10)

/* ERR_USAGE, ERR_IO with diag that names file and line; ERR_NOMEM. */
enum err exercise_load(struct exercise **out, const char *path,
		       struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file. */
enum err exercise_read_yaml(struct exercise **out, const char *name,
			    struct view text, struct diag *d) MUST_CHECK;

#endif
