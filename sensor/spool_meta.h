/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_meta.h - what a spool must remember beside its segments
 *
 * A small text file, replaced whole: written beside, synced, renamed, and the
 * directory synced, so that there is always one good copy.
 *
 * Place    above err.h, below spool.h, its only user.
 * Threads  as the spool: one.
 * Memory   caller's.
 * Cost     spool_meta_save() waits for the disk.
 */
#ifndef SENSOR_SPOOL_META_H
#define SENSOR_SPOOL_META_H

#include "common/err.h"

#define SPOOL_CLASSES 4
#define SPOOL_NAME_CAP 160

struct spool_meta {
	char name[SPOOL_NAME_CAP]; /* SITE/SENSOR */
	uint64_t epoch;
	uint64_t committed;
	uint64_t next; /* no number below it may be given again */
	uint64_t shed_frames[SPOOL_CLASSES];
	uint64_t shed_events[SPOOL_CLASSES];
};

/* ERR_NOTFOUND when there is none, ERR_FORMAT when it is damaged, ERR_IO. */
enum err spool_meta_load(struct spool_meta *m, int dirfd) MUST_CHECK;
enum err spool_meta_save(const struct spool_meta *m, int dirfd) MUST_CHECK;

#endif
