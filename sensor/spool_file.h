/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_file.h - system calls on the spool's files, done to the end
 *
 * An interrupted call is made again and a short write goes on where it
 * stopped, so that above there is only "done" and "the system refused".
 *
 * Place    above base.h, below spool_meta.h and spool_seg.h.
 * Threads  any.
 * Memory   none.
 * Cost     the calls.
 */
#ifndef SENSOR_SPOOL_FILE_H
#define SENSOR_SPOOL_FILE_H

#include <sys/types.h>

#include "common/err.h"

/* A descriptor that is closed by exec; -1 with errno. */
int file_open_at(int dirfd, const char *name, int flags, mode_t mode);
/* Both parts, one behind the other, at 'off'.  False with errno; how much is
 * there then is not known. */
bool file_write_at(int fd, struct view head, struct view body,
		   uint64_t off) MUST_CHECK;
/* Exactly 'n' bytes at 'off'.  ERR_EOF when the file is shorter, ERR_IO with
 * errno. */
enum err file_read_at(int fd, void *buf, size_t n, uint64_t off) MUST_CHECK;
bool file_truncate(int fd, uint64_t len) MUST_CHECK;
/* fdatasync(2), and fsync(2) for directories. */
bool file_sync(int fd) MUST_CHECK;
bool file_sync_dir(int dirfd) MUST_CHECK;

#endif
