/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/eve_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define BUFFER ((size_t)1 << 20)
#define LOOK_MS 100 /* for stop, while a pipe is full */

struct eve_out {
	struct eve_out_settings set;
	int fd; /* -1: none */
	bool waits; /* no file: writing may have to wait */
	bool failed; /* said once; further errors are only counted */
	bool torn; /* what was written ends within a line */
	uint64_t stop_us; /* when stop was seen; 0: it was not */
	bool given_up; /* waiting for the reader */
	atomic_bool gone;
	struct eve_out_counters count;
	size_t len;
	uint8_t buf[BUFFER];
};

static const char *
name_of(const struct eve_out *o)
{
	return strcmp(o->set.path, "-") == 0 ? "standard output" : o->set.path;
}

/* Set by a signal, which another thread may have got. */
static bool
is_stopped(const struct eve_out *o)
{
	return o->set.stop != NULL &&
	       __atomic_load_n(o->set.stop, __ATOMIC_RELAXED) != 0;
}

/* Whether the time to wait for a reader is over. */
static bool
is_over(struct eve_out *o)
{
	uint64_t now;

	if (!is_stopped(o)) {
		return false;
	}
	now = clock_mono_us();
	o->stop_us = o->stop_us == 0 ? now : o->stop_us;
	return now - o->stop_us >= o->set.drain_us;
}

/* --- opening --- */

/*
 * A FIFO that nobody reads cannot be opened; that would be waited for in open(),
 * which no signal ends.
 */
static int
open_path(struct eve_out *o)
{
	const char *path = o->set.path;
	bool told = false;
	int fd;

	for (;;) {
		fd = open(path,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
				  O_NONBLOCK,
			  0640);
		if (fd >= 0 || errno != ENXIO || is_stopped(o)) {
			break;
		}
		if (!told) {
			log_info("--eve %s: waiting for somebody to read it",
				 path);
			told = true;
		}
		(void)poll(NULL, 0, LOOK_MS);
	}
	if (fd >= 0) {
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	}
	return fd;
}

static enum err
open_out(struct eve_out *o, struct diag *d)
{
	struct stat st;

	o->fd = -1;
	if (o->set.path == NULL) {
		return ERR_OK;
	}
	o->fd = strcmp(o->set.path, "-") == 0 ? STDOUT_FILENO : open_path(o);
	if (o->fd < 0) {
		return diag_set(
			d, ERR_USAGE, "--eve %s: %s", o->set.path,
			errno == ENXIO ? "nobody reads it"
			: errno == EACCES
				? "Permission denied: the file, or the "
				  "directory it is to be made in, must be "
				  "writable by whom the sensor runs as"
				: strerror(errno));
	}
	o->waits = fstat(o->fd, &st) != 0 || !S_ISREG(st.st_mode);
	return ERR_OK;
}

enum err
eve_out_open(struct eve_out **out, const struct eve_out_settings *set,
	     struct diag *d)
{
	struct eve_out *o = malloc(sizeof(*o));
	enum err e;

	*out = NULL;
	if (o == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	memset(o, 0, offsetof(struct eve_out, buf));
	o->set = *set;
	e = open_out(o, d);
	if (e != ERR_OK) {
		free(o);
		return e;
	}
	*out = o;
	return ERR_OK;
}

/* --- writing --- */

static void
note_error(struct eve_out *o, int why)
{
	o->count.write_errors++;
	if (why == EPIPE) {
		o->torn = false; /* the next reader begins with a line */
	}
	if (why == EPIPE && o->fd == STDOUT_FILENO) {
		atomic_store(&o->gone, true);
	} else if (!o->failed) {
		log_err("writing %s: %s; events are being lost", name_of(o),
			strerror(why));
	}
	o->failed = true;
}

/* Until something can be written; false: it will not be.  A reader that takes a
 * little now and then is waited for no longer than one that takes nothing. */
static bool
await_reader(struct eve_out *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	/* a signal ends the waiting, not the need for it */
	for (int ms = 0; !o->given_up && poll(&p, 1, ms) <= 0; ms = LOOK_MS) {
		if (is_over(o)) {
			log_err("%s: whoever reads it is too slow, or takes "
				"nothing; events are being lost",
				name_of(o));
			o->given_up = true;
			o->count.write_errors++;
		}
	}
	return !o->given_up;
}

static uint64_t
count_lines(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	uint64_t lines = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		lines++;
		p++;
	}
	return lines;
}

/* Of what could not be written, the lines that end in it are counted. */
static bool
write_all(struct eve_out *o, const uint8_t *p, size_t n)
{
	while (n > 0 && o->fd >= 0 && !atomic_load(&o->gone)) {
		size_t most = o->waits ? MIN(n, (size_t)PIPE_BUF) : n;
		ssize_t k;

		if (o->waits && !await_reader(o)) {
			break;
		}
		k = write(o->fd, p, most);
		if (k < 0 && (errno == EINTR || errno == EAGAIN)) {
			continue;
		}
		if (k < 0) {
			note_error(o, errno);
			break;
		}
		p += k;
		n -= (size_t)k;
		o->count.bytes += (size_t)k;
		o->torn = k > 0 ? p[-1] != '\n' : o->torn;
	}
	o->count.unwritten += count_lines(p, n);
	return n == 0;
}

/* Where a line begins: one that was cut short before, by a disk that was full,
 * shall not take the next one with it. */
static bool
begin_line(struct eve_out *o)
{
	static const uint8_t end = '\n';

	if (!o->torn || write_all(o, &end, 1)) {
		return true;
	}
	o->count.unwritten--; /* no line of its own */
	return false;
}

void
eve_out_flush(struct eve_out *o)
{
	if (o->len > 0 && begin_line(o)) {
		(void)write_all(o, o->buf, o->len);
	} else {
		o->count.unwritten += count_lines(o->buf, o->len);
	}
	o->len = 0;
}

static void
write_long(struct eve_out *o, struct view line)
{
	if (!begin_line(o) || !write_all(o, line.p, line.len)) {
		o->count.unwritten++;
	} else {
		(void)write_all(o, (const uint8_t *)"\n", 1);
	}
}

void
eve_out_line(struct eve_out *o, struct view line)
{
	if (o->fd < 0) {
		/* Not asked for, or could not be opened again. */
		o->count.unwritten += o->set.path != NULL;
		return;
	}
	if (o->len + line.len + 1 > BUFFER) {
		eve_out_flush(o);
	}
	if (line.len + 1 > BUFFER) {
		write_long(o, line);
		return;
	}
	memcpy(o->buf + o->len, line.p, line.len);
	o->len += line.len;
	o->buf[o->len++] = '\n';
}

void
eve_out_reopen(struct eve_out *o)
{
	struct diag d;

	if (o->set.path == NULL || strcmp(o->set.path, "-") == 0) {
		return;
	}
	eve_out_flush(o);
	if (o->fd >= 0) {
		close(o->fd);
	}
	o->failed = o->torn = false;
	if (open_out(o, &d) != ERR_OK) {
		o->count.write_errors++;
		log_err("%s; events are being lost", d.msg);
	}
}

const struct eve_out_counters *
eve_out_counters(const struct eve_out *o)
{
	return &o->count;
}

bool
eve_out_reader_gone(const struct eve_out *o)
{
	return atomic_load(&o->gone);
}

enum err
eve_out_close(struct eve_out *o)
{
	enum err e;

	if (o == NULL) {
		return ERR_OK;
	}
	eve_out_flush(o);
	e = o->count.write_errors > 0 ? ERR_IO : ERR_OK;
	/* The error itself was told when it came. */
	if (o->count.unwritten > 0) {
		log_msg(o->failed ? LOG_INFO : LOG_WARN,
			"%llu event%s not written to %s",
			(unsigned long long)o->count.unwritten,
			o->count.unwritten == 1 ? " was" : "s were",
			name_of(o));
	}
	if (o->fd > STDERR_FILENO && close(o->fd) != 0) {
		e = ERR_IO;
	}
	free(o);
	return e;
}
