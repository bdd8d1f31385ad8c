/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture_source.h"

#include "sensor/capture_map.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define INPUT_CAP ((size_t)256 << 10)
#define STOP_LOOK_MS 100 /* how often a pipe's reader looks whether to stop */

enum packing { PACK_NONE, PACK_GZIP, PACK_ZSTD };

struct source {
	int fd;
	bool own_fd, is_pipe; /* reading may wait for a writer */
	const volatile sig_atomic_t *stop; /* or NULL */
	bool stopped; /* while it waited */
	enum packing packing;

	uint8_t *window;
	/* A plain file is one large window, mapped: 'map' is not NULL, and
	 * 'bytes' is its first byte; otherwise 'bytes' is the window. */
	struct capture_map *map;
	const uint8_t *bytes;
	size_t front, end; /* unread part of 'bytes' */
	bool at_end; /* nothing more will come into the window */

	uint8_t *input; /* compressed bytes, when there are any */
	size_t in_front, in_end;
	bool input_end; /* the file itself is read */

	z_stream z;
	bool z_ready, z_between; /* between: a member ended, next may begin */
	ZSTD_DCtx *zstd;
	bool zstd_between;

	enum err err;
	const char *why;
	uint64_t n_read, size;
};

struct source *
source_new(void)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->fd = -1;
	s->window = malloc(SOURCE_WINDOW);
	if (s->window == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

void
source_free(struct source *s)
{
	if (s == NULL) {
		return;
	}
	source_close(s);
	if (s->z_ready) {
		inflateEnd(&s->z);
	}
	ZSTD_freeDCtx(s->zstd);
	free(s->input);
	free(s->window);
	free(s);
}

void
source_close(struct source *s)
{
	if (s->own_fd && s->fd >= 0) {
		close(s->fd);
	}
	capture_map_release(s->map);
	s->map = NULL;
	s->bytes = s->window;
	s->fd = -1;
	s->own_fd = false;
}

static void
fail(struct source *s, enum err e, const char *why)
{
	s->err = e;
	s->why = why;
	s->at_end = true;
}

/* For a pipe's writer; false when nobody wants to wait any more. */
static bool
wait_for_writer(struct source *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	if (!s->is_pipe || s->stop == NULL) {
		return true;
	}
	do {
		s->stopped = __atomic_load_n(s->stop, __ATOMIC_RELAXED) != 0;
	} while (!s->stopped && poll(&p, 1, STOP_LOOK_MS) <= 0);
	return !s->stopped;
}

/* One read(2) into 'to'; 0 at the end, after an error, or when stopped. */
static size_t
read_file(struct source *s, uint8_t *to, size_t room)
{
	ssize_t n;

	if (!wait_for_writer(s)) {
		return 0;
	}
	do {
		n = read(s->fd, to, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		fail(s, ERR_IO, strerror(errno));
		return 0;
	}
	s->n_read += (uint64_t)n;
	return (size_t)n;
}

static bool
fill_input(struct source *s)
{
	if (s->in_front < s->in_end) {
		return true;
	}
	if (s->input_end) {
		return false;
	}
	s->in_front = 0;
	s->in_end = read_file(s, s->input, INPUT_CAP);
	s->input_end = s->in_end == 0;
	return !s->input_end;
}

static size_t
inflate_some(struct source *s, uint8_t *to, size_t room)
{
	while (!s->at_end) {
		size_t before = room;
		int rc;

		if (!fill_input(s)) {
			if (s->err == ERR_OK && !s->z_between) {
				fail(s, ERR_TRUNCATED, "gzip data ends early");
			}
			return 0;
		}
		if (s->z_between) {
			/* Zero padding after the last member is usual on
			 * tapes; anything but a member ends the data. */
			if (s->input[s->in_front] != 0x1f) {
				return 0;
			}
			if (inflateReset(&s->z) != Z_OK) {
				fail(s, ERR_NOMEM, "out of memory");
				return 0;
			}
			s->z_between = false;
		}
		s->z.next_in = s->input + s->in_front;
		s->z.avail_in = (uInt)(s->in_end - s->in_front);
		s->z.next_out = to;
		s->z.avail_out = (uInt)room;
		rc = inflate(&s->z, Z_NO_FLUSH);
		s->in_front = s->in_end - s->z.avail_in;
		if (rc == Z_STREAM_END) {
			s->z_between = true;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			fail(s, ERR_FORMAT, "gzip data is damaged");
		}
		if (s->z.avail_out < before) {
			return before - s->z.avail_out;
		}
	}
	return 0;
}

static size_t
unzstd_some(struct source *s, uint8_t *to, size_t room)
{
	ZSTD_outBuffer out = { to, room, 0 };

	while (!s->at_end) {
		ZSTD_inBuffer in;
		size_t rc;
		bool more = fill_input(s);

		if (!more && (s->err != ERR_OK || s->zstd_between)) {
			return 0;
		}
		/* Without input the decoder may still hold output. */
		in = (ZSTD_inBuffer){ s->input, s->in_end, s->in_front };
		rc = ZSTD_decompressStream(s->zstd, &out, &in);
		s->in_front = in.pos;
		if (ZSTD_isError(rc)) {
			fail(s, ERR_FORMAT, ZSTD_getErrorName(rc));
		}
		s->zstd_between = rc == 0;
		if (out.pos > 0) {
			return out.pos;
		}
		if (!more && !s->at_end) {
			fail(s, ERR_TRUNCATED, "zstd data ends early");
		}
	}
	return 0;
}

/* Adds to the window; sets at_end when nothing came. */
static void
fill_window(struct source *s)
{
	uint8_t *to = s->window + s->end;
	size_t room = SOURCE_WINDOW - s->end;
	size_t n;

	switch (s->packing) {
	case PACK_GZIP:
		n = inflate_some(s, to, room);
		break;
	case PACK_ZSTD:
		n = unzstd_some(s, to, room);
		break;
	default:
		n = read_file(s, to, room);
		break;
	}
	s->end += n;
	if (n == 0) {
		s->at_end = true;
	}
}

static enum err
begin_gzip(struct source *s, struct diag *d)
{
	if (s->z_ready) {
		inflateEnd(&s->z);
		s->z_ready = false;
	}
	memset(&s->z, 0, sizeof(s->z));
	/* 15 + 16: the largest window, gzip framing with its CRC checked. */
	if (inflateInit2(&s->z, 15 + 16) != Z_OK) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->z_ready = true;
	s->z_between = false;
	return ERR_OK;
}

static enum err
begin_zstd(struct source *s, struct diag *d)
{
	if (s->zstd == NULL) {
		s->zstd = ZSTD_createDCtx();
		if (s->zstd == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
		ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax,
				       SOURCE_ZSTD_WINDOW_LOG);
	}
	ZSTD_DCtx_reset(s->zstd, ZSTD_reset_session_only);
	s->zstd_between = false;
	return ERR_OK;
}

static bool
is_gzip(const uint8_t *p, size_t len)
{
	return len >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8;
}

static bool
is_zstd(const uint8_t *p, size_t len)
{
	return len >= 4 && load_le32(p) == 0xfd2fb528;
}

/* Looks at the first bytes and, when compressed, moves them to the input. */
static enum err
detect_packing(struct source *s, struct diag *d)
{
	const uint8_t *p = s->window;
	enum err e;

	while (s->end < 4 && !s->at_end) {
		fill_window(s);
	}
	if (is_gzip(p, s->end)) {
		e = begin_gzip(s, d);
		s->packing = PACK_GZIP;
	} else if (is_zstd(p, s->end)) {
		e = begin_zstd(s, d);
		s->packing = PACK_ZSTD;
	} else {
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	if (s->input == NULL) {
		/* The first look may have filled a whole window. */
		s->input = malloc(SOURCE_WINDOW);
		if (s->input == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	memcpy(s->input, s->window, s->end);
	s->in_front = 0;
	s->in_end = s->end;
	s->input_end = false;
	s->end = 0;
	s->at_end = false;
	return ERR_OK;
}

/* A plain file of its own, which can be looked at as a whole; false for all
 * others. */
static bool
map_file(struct source *s)
{
	uint8_t head[4];

	if (s->is_pipe || !s->own_fd || s->size > SIZE_MAX / 2 ||
	    pread(s->fd, head, sizeof(head), 0) != sizeof(head) ||
	    is_gzip(head, sizeof(head)) || is_zstd(head, sizeof(head))) {
		return false;
	}
	s->map = capture_map_open(s->fd, (size_t)s->size);
	if (s->map == NULL) {
		return false;
	}
	s->bytes = s->map->base;
	s->end = s->map->len;
	return true;
}

/*
 * Goes on with read(2) from where the map has been read: at its end, as a file
 * may have grown since, and when part of it is gone.
 */
static void
leave_map(struct source *s)
{
	struct stat st;

	if (lseek(s->fd, (off_t)s->front, SEEK_SET) < 0) {
		fail(s, ERR_IO, strerror(errno));
	} else if (fstat(s->fd, &st) == 0 && (uint64_t)st.st_size < s->front) {
		fail(s, ERR_TRUNCATED, "the file was cut while it was read");
	}
	s->n_read = s->front;
	s->front = s->end = 0;
	s->bytes = s->window;
	capture_map_release(s->map);
	s->map = NULL;
}

/* A named pipe that nobody writes to yet is waited for in read_file(), where
 * the wait can be ended. */
static int
open_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && fcntl(fd, F_SETFL, O_RDONLY) != 0) {
		int why = errno;

		close(fd);
		errno = why;
		return -1;
	}
	return fd;
}

void
source_stop(struct source *s, const volatile sig_atomic_t *stop)
{
	s->stop = stop;
}

bool
source_stopped(const struct source *s)
{
	return s->stopped;
}

enum err
source_open(struct source *s, const char *path, struct diag *d)
{
	struct stat st;

	source_close(s);
	s->front = s->end = s->in_front = s->in_end = 0;
	s->at_end = s->input_end = s->stopped = false;
	s->packing = PACK_NONE;
	s->err = ERR_OK;
	s->why = NULL;
	s->n_read = s->size = 0;
	if (strcmp(path, "-") == 0) {
		s->fd = STDIN_FILENO;
	} else {
		s->fd = open_path(path);
		if (s->fd < 0) {
			return diag_set(d, ERR_IO, "%s: %s", path,
					strerror(errno));
		}
		s->own_fd = true;
	}
	s->is_pipe = fstat(s->fd, &st) == 0 && !S_ISREG(st.st_mode);
	if (!s->is_pipe) {
		s->size = (uint64_t)st.st_size;
		/* A hint only: the kernel reads further ahead. */
		(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	if (map_file(s)) {
		return ERR_OK;
	}
	return detect_packing(s, d);
}

bool
source_ready(const struct source *s, size_t taken, int wait_ms)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };

	if (!s->is_pipe || s->at_end || s->end - s->front > taken ||
	    s->in_front < s->in_end) {
		return true;
	}
	/* a signal ends the wait: the caller looks what it was */
	return poll(&p, 1, wait_ms) > 0;
}

struct view
source_peek(struct source *s, size_t n)
{
	if (s->map != NULL &&
	    UNLIKELY(s->map->torn != 0 || s->end - s->front < n)) {
		leave_map(s);
	}
	if (UNLIKELY(s->end - s->front < n)) {
		/* What is left moves to the front, so that a read can fill
		 * the rest of the window. */
		memmove(s->window, s->window + s->front, s->end - s->front);
		s->end -= s->front;
		s->front = 0;
		while (s->end < n && !s->at_end) {
			fill_window(s);
		}
	}
	return view_of(s->bytes + s->front, s->end - s->front);
}

struct capture_map *
source_map(struct source *s)
{
	if (s->map != NULL) {
		capture_map_advance(s->map, s->front);
	}
	return s->map;
}

void
source_consume(struct source *s, size_t n)
{
	s->front += n;
}

bool
source_skip(struct source *s, uint64_t n)
{
	while (n > 0) {
		struct view v = source_peek(s, 1);
		size_t part = (size_t)MIN(n, (uint64_t)v.len);

		if (part == 0) {
			return false;
		}
		source_consume(s, part);
		n -= part;
	}
	return true;
}

enum err
source_error(const struct source *s, const char **why)
{
	*why = s->why;
	return s->err;
}

uint64_t
source_bytes_read(const struct source *s)
{
	return s->map != NULL ? s->front : s->n_read;
}

uint64_t
source_file_size(const struct source *s)
{
	return s->size;
}
