/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posture_file.h - the levels of readiness that there are
 *
 *   levels:
 *     - name: peacetime
 *     - name: heightened
 *       settings:
 *         forward.types: alert,stats,http
 *         correlate.min-stages: 2
 *
 * The first is number 0; each one after it is more ready than the one before.
 *
 * Place    above common/posture.h; below posture.
 * Threads  one.
 * Memory   fixed size.
 */
#ifndef COLLECTOR_POSTURE_FILE_H
#define COLLECTOR_POSTURE_FILE_H

#include "common/posture.h"

#define POSTURE_MAX_LEVELS 8
#define POSTURE_FILE_MAX ((size_t)64 << 10)

struct posture_levels {
	unsigned n;
	struct posture level[POSTURE_MAX_LEVELS];
};

/*
 * 'path' NULL: the levels that come with Picket, peacetime, heightened and
 * contingency.  ERR_USAGE, ERR_IO with diag that names file and line.
 */
enum err posture_levels_load(struct posture_levels *out, const char *path,
			     struct diag *d) MUST_CHECK;
/* The same from memory; 'name' stands for the file. */
enum err posture_levels_read(struct posture_levels *out, const char *name,
			     struct view text, struct diag *d) MUST_CHECK;
/* NULL: there is no such level. */
const struct posture *posture_levels_find(const struct posture_levels *l,
					  const char *name);

#endif
