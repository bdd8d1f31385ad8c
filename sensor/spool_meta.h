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

#include "common/clock.h"
#include "common/err.h"

#define SPOOL_CLASSES 4
#define SPOOL_NAME_CAP 160

/* Why events were shed. */
enum spool_cause {
	SPOOL_FULL, /* spool.max-size */
	SPOOL_DISK_FULL, /* ENOSPC or EDQUOT */
	SPOOL_DISK_ERROR, /* all else that the system may say */
	SPOOL_NO_MEMORY,
	SPOOL_CAUSES
};

struct spool_meta {
	char name[SPOOL_NAME_CAP]; /* SITE/SENSOR */
	uint64_t epoch;
	uint64_t committed;
	uint64_t next; /* no number below it may be given again */
	uint64_t shed_frames[SPOOL_CLASSES];
	uint64_t shed_events[SPOOL_CLASSES];
	uint64_t shed_causes[SPOOL_CAUSES]; /* the same events, by cause */
	/*
	 * When batches are sent before they are durable: numbers below
	 * 'reserved' may have been given although no record tells.  Without a
	 * crash of the system ('boot' is still its boot_id) the records tell
	 * all the same.  0: all is durable.
	 */
	uint64_t reserved;
	char boot[CLOCK_BOOT_CAP];
};

/* ERR_NOTFOUND when there is none, ERR_FORMAT when it is damaged, ERR_IO. */
enum err spool_meta_load(struct spool_meta *m, int dirfd) MUST_CHECK;
enum err spool_meta_save(const struct spool_meta *m, int dirfd) MUST_CHECK;

#endif
