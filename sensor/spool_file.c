/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

int
file_open_at(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd;

	do {
		fd = openat(dirfd, name, flags | O_CLOEXEC, mode);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

bool
file_write_at(int fd, struct view head, struct view body, uint64_t off)
{
	size_t done = 0, all = head.len + body.len;

	while (done < all) {
		size_t h = MIN(done, head.len), b = done - h;
		struct iovec iov[2] = {
			{ .iov_base = (void *)(uintptr_t)(head.p + h),
			  .iov_len = head.len - h },
			{ .iov_base = (void *)(uintptr_t)(body.p + b),
			  .iov_len = body.len - b },
		};
		ssize_t n;

		errno = ENOSPC; /* what writing nothing means */
		n = pwritev(fd, iov, 2, (off_t)(off + done));
		if (n == 0 || (n < 0 && errno != EINTR)) {
			return false;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

enum err
file_read_at(int fd, void *buf, size_t n, uint64_t off)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(fd, (uint8_t *)buf + have, n - have,
				    (off_t)(off + have));

		if (got == 0) {
			return ERR_EOF;
		}
		if (got < 0 && errno != EINTR) {
			return ERR_IO;
		}
		have += got > 0 ? (size_t)got : 0;
	}
	return ERR_OK;
}

bool
file_truncate(int fd, uint64_t len)
{
	int rc;

	do {
		rc = ftruncate(fd, (off_t)len);
	} while (rc < 0 && errno == EINTR);
	return rc == 0;
}

bool
file_sync(int fd)
{
	int rc;

	do {
		rc = fdatasync(fd);
	} while (rc < 0 && errno == EINTR);
	return rc == 0;
}

bool
file_sync_dir(int dirfd)
{
	int rc;

	do {
		rc = fsync(dirfd);
	} while (rc < 0 && errno == EINTR);
	return rc == 0;
}
