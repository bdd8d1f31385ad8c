/* SPDX-License-Identifier: Apache-2.0 */
#include "common/indicator_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/indicator_reading.h"

/* What comes from a pipe is kept whole, for it has to be read twice. */
#define MAX_PIPE ((size_t)64 << 20)

/* UTF-8's byte order mark says nothing. */
static void
skip_bom(struct block_read *in)
{
	static const uint8_t bom[] = { 0xef, 0xbb, 0xbf };

	for (size_t i = 0; i < sizeof(bom); i++) {
		if (block_read_peek(in) != bom[i]) {
			block_read_seek(in, 0);
			return;
		}
		in->at++;
	}
}

static void
read_all(struct indicator_reading *r, struct block_read *in)
{
	int c;

	skip_bom(in);
	while ((c = block_read_peek(in)) == ' ' || c == '\t' || c == '\r' ||
	       c == '\n') {
		in->at++;
	}
	if (c == '{' || c == '[') {
		indicator_read_json(r, in);
		return;
	}
	/* Lines are counted from the first, blank or not. */
	block_read_seek(in, 0);
	skip_bom(in);
	indicator_read_text(r, in);
	if (in->error != 0) {
		indicator_reading_stop(r, ERR_IO, strerror(in->error));
	}
}

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

static void
read_pipe(struct indicator_reading *r, int fd)
{
	uint8_t *all = NULL;
	size_t len = 0, cap = 0;
	struct block_read in;
	ssize_t got = 1;

	while (got != 0 && r->stop == ERR_OK) {
		if (len == cap) {
			size_t want = MIN(MAX_PIPE + 1,
					  MAX(cap * 2, BLOCK_READ_SIZE));
			uint8_t *bigger = realloc(all, want);

			if (bigger == NULL) {
				indicator_reading_stop(r, ERR_NOMEM,
						       "out of memory");
				break;
			}
			all = bigger;
			cap = want;
		}
		got = read(fd, all + len, cap - len);
		if (got < 0 && errno != EINTR) {
			indicator_reading_stop(r, ERR_IO, strerror(errno));
		}
		len += got > 0 ? (size_t)got : 0;
		if (len > MAX_PIPE) {
			indicator_reading_stop(r, ERR_LIMIT,
					       "more than 64 MiB from a pipe; "
					       "give it as a file");
		}
	}
	if (r->stop == ERR_OK) {
		block_read_memory(&in, view_of(all, len));
		read_all(r, &in);
	}
	free(all);
}

void
indicator_read_file(struct indicator_reading *r, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct block_read in;
	struct stat st;

	r->file = path;
	if (fd < 0 || fstat(fd, &st) != 0) {
		indicator_reading_stop(r, ERR_IO, strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		indicator_reading_stop(r, ERR_IO, strerror(EISDIR));
	} else if (!S_ISREG(st.st_mode)) {
		read_pipe(r, fd);
	} else if (block_read_file(&in, fd) != ERR_OK) {
		indicator_reading_stop(r, ERR_NOMEM, "out of memory");
	} else {
		read_all(r, &in);
		block_read_fini(&in);
	}
	if (fd >= 0) {
		close(fd);
	}
}

enum err
indicator_read_path(const char *path, const struct indicator_sink *s,
		    struct indicator_report *r, struct diag *d)
{
	struct indicator_reading rd = { .sink = s,
					.report = r,
					.d = d,
					.file = path,
					.source = last_part(path) };
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		indicator_read_feed(&rd, path);
	} else {
		indicator_read_file(&rd, path);
	}
	return rd.stop;
}

enum err
indicator_read_fd(const char *name, int fd, const struct indicator_sink *s,
		  struct indicator_report *r, struct diag *d)
{
	struct indicator_reading rd = { .sink = s,
					.report = r,
					.d = d,
					.file = name,
					.source = last_part(name) };
	struct block_read in;

	if (block_read_file(&in, fd) != ERR_OK) {
		return diag_set(d, ERR_NOMEM, "%s: out of memory", name);
	}
	read_all(&rd, &in);
	block_read_fini(&in);
	return rd.stop;
}

enum err
indicator_read_bytes(const char *name, struct view data,
		     const struct indicator_sink *s, struct indicator_report *r,
		     struct diag *d)
{
	struct indicator_reading rd = { .sink = s,
					.report = r,
					.d = d,
					.file = name,
					.source = last_part(name) };
	struct block_read in;

	block_read_memory(&in, data);
	read_all(&rd, &in);
	return rd.stop;
}
