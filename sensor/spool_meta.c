/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/spool_meta.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <zlib.h>

#define META_CAP 1024

static enum err
parse(struct spool_meta *m, const char *text, size_t len)
{
	const char *crc_line = len > 13 ? text + len - 13 : NULL;
	uint32_t crc;
	int end = 0;

	*m = (struct spool_meta){ 0 };
	if (crc_line == NULL || sscanf(crc_line, "crc %8" SCNx32, &crc) != 1 ||
	    crc != (uint32_t)crc32_z(0, (const Bytef *)text, len - 13)) {
		return ERR_FORMAT;
	}
	/* The CRC says that we wrote it: the numbers need no more checks. */
	if (sscanf(text,
		   "picket-spool 1\nname %159[^\n]\nepoch %" SCNu64
		   "\ncommitted %" SCNu64 "\nnext %" SCNu64
		   "\nshed_frames %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   "\nshed_events %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   "\n%n",
		   m->name, &m->epoch, &m->committed, &m->next,
		   &m->shed_frames[0], &m->shed_frames[1], &m->shed_frames[2],
		   &m->shed_frames[3], &m->shed_events[0], &m->shed_events[1],
		   &m->shed_events[2], &m->shed_events[3], &end) != 12 ||
	    (size_t)end != len - 13 || m->epoch == 0 || m->next == 0) {
		return ERR_FORMAT;
	}
	return ERR_OK;
}

enum err
spool_meta_load(struct spool_meta *m, int dirfd)
{
	char text[META_CAP + 1];
	int fd = openat(dirfd, "meta", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		return errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
	}
	n = read(fd, text, META_CAP);
	close(fd);
	if (n < 0) {
		return ERR_IO;
	}
	text[n] = '\0';
	return parse(m, text, (size_t)n);
}

static int
print(const struct spool_meta *m, char *text, size_t cap)
{
	int n = snprintf(
		text, cap,
		"picket-spool 1\nname %s\nepoch %" PRIu64 "\ncommitted %" PRIu64
		"\nnext %" PRIu64 "\nshed_frames %" PRIu64 " %" PRIu64
		" %" PRIu64 " %" PRIu64 "\nshed_events %" PRIu64 " %" PRIu64
		" %" PRIu64 " %" PRIu64 "\n",
		m->name, m->epoch, m->committed, m->next, m->shed_frames[0],
		m->shed_frames[1], m->shed_frames[2], m->shed_frames[3],
		m->shed_events[0], m->shed_events[1], m->shed_events[2],
		m->shed_events[3]);

	return n +
	       snprintf(text + n, cap - (size_t)n, "crc %08" PRIx32 "\n",
			(uint32_t)crc32_z(0, (const Bytef *)text, (size_t)n));
}

enum err
spool_meta_save(const struct spool_meta *m, int dirfd)
{
	char text[META_CAP];
	int n = print(m, text, sizeof(text));
	int fd = openat(dirfd, "meta.new",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok;

	if (fd < 0) {
		return ERR_IO;
	}
	errno = ENOSPC; /* what a short write means */
	ok = write(fd, text, (size_t)n) == n && fdatasync(fd) == 0;
	if (close(fd) < 0 || !ok ||
	    renameat(dirfd, "meta.new", dirfd, "meta") < 0 ||
	    fsync(dirfd) < 0) {
		return ERR_IO;
	}
	return ERR_OK;
}
