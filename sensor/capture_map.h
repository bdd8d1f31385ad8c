/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_map.h - a capture file in memory, without a copy
 *
 * Internal to the capture_*.c files.  Frames are views into the file's pages;
 * each batch that holds some keeps the map alive.
 *
 * A file may be cut short or become unreadable while it is read: touching what
 * is gone raises SIGBUS.  Opening a map installs a handler, which puts zero
 * bytes in place of what is gone and marks the map as torn; faults elsewhere go
 * to whoever handled them before.  So a frame never vanishes under a reader,
 * and the capture finds out that the file ended.  A file that is overwritten in
 * place changes the frames too: nothing helps against that.
 *
 * Place    above base.h.
 * Threads  opened, held and released by the capture's thread alone, without
 *          locks; any thread may read what batches hold.
 * Memory   the system's cache of the file; what lies far behind is let go.
 * Cost     a system call per megabyte.
 */
#ifndef SENSOR_CAPTURE_MAP_H
#define SENSOR_CAPTURE_MAP_H

#include <signal.h>

#include "common/base.h"

struct capture_map {
	const uint8_t *base;
	size_t len;
	volatile sig_atomic_t torn; /* part of it is gone */
	unsigned refs;
	size_t ready, dropped; /* pages brought in up to, let go up to */
};

/*
 * Maps the first 'len' bytes of 'fd', which may be closed then; NULL when that
 * cannot be done, or too many are.  The caller holds it.
 */
struct capture_map *capture_map_open(int fd, size_t len);
void capture_map_hold(struct capture_map *m);
void capture_map_release(struct capture_map *m); /* accepts NULL */

/* Reading has come to 'at': brings in what follows, lets go what is behind. */
void capture_map_advance(struct capture_map *m, size_t at);

#endif
