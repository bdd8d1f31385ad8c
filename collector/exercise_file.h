/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exercise_file.h - an exercise as those who plan it write it down
 *
 *   name: KEEN-LANTERN-27
 *   from: 2026-11-23T00:00:00Z
 *   until: 2026-11-25T00:00:00Z
 *   ranges: [192.0.2.0/24]
 *   players: [198.51.100.0/24]         # whoever plays; may be left out
 *   injects:
 *     - id: phish-1
 *       title: the letter with the link
 *       at: 2026-11-23T09:00:00Z       # when it begins; may be left out
 *       until: 2026-11-23T12:00:00Z    # and ends; what follows as well
 *       sources: [198.51.100.0/28]     # where it comes from
 *       names: [cdn.updates-sync.example]
 *       targets: [192.0.2.10]          # at whom
 *       sids: [2001219]                # what it raises
 *       indicators: [198.51.100.23]
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
