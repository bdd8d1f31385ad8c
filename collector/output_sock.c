/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output_send.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

#define SLICE_MS 100

struct output_sock {
	const struct output_conf *is;
	const atomic_bool *stop;
	int fd;
};

enum err
output_sock_new(struct output_sock **out, const struct output_conf *is,
		const atomic_bool *stop, struct diag *d)
{
	struct output_sock *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	s->is = is;
	s->stop = stop;
	s->fd = -1;
	return ERR_OK;
}

static void
hang_up(struct output_sock *s)
{
	if (s->fd >= 0) {
		close(s->fd);
	}
	s->fd = -1;
}

void
output_sock_free(struct output_sock *s)
{
	if (s != NULL) {
		hang_up(s);
		free(s);
	}
}

static enum err
broken(struct output_sock *s, const char *what, struct diag *d)
{
	hang_up(s);
	return diag_set(d, ERR_IO, "%s: %s", s->is->url, what);
}

static enum err
connect_it(struct output_sock *s, struct diag *d)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (s->fd >= 0) {
		return ERR_OK;
	}
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->is->url + 7);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 ||
	    connect(s->fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
		return broken(s, strerror(errno), d);
	}
	return ERR_OK;
}

/* Waits a slice for 'events'.  False: it is over, or the other end is gone. */
static bool
wait_for(struct output_sock *s, short events, uint64_t until_us)
{
	struct pollfd p = { .fd = s->fd, .events = events };

	if (atomic_load(s->stop) || clock_mono_us() >= until_us) {
		return false;
	}
	return poll(&p, 1, SLICE_MS) >= 0 &&
	       (p.revents & (POLLHUP | POLLERR)) == 0;
}

static enum err
send_all(struct output_sock *s, const char *p, size_t len, uint64_t until_us,
	 struct diag *d)
{
	while (len > 0) {
		ssize_t n = send(s->fd, p, len, MSG_NOSIGNAL);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			return broken(s, strerror(errno), d);
		} else if (!wait_for(s, POLLOUT, until_us)) {
			return broken(s, "it is not read from", d);
		}
	}
	return ERR_OK;
}

enum err
output_sock_send(struct output_sock *s, const struct output_batch *b,
		 struct output_told *told, struct diag *d)
{
	uint64_t until = clock_mono_us() + s->is->timeout_s * US_PER_S;
	enum err e = connect_it(s, d);
	int unread = 0;

	*told = (struct output_told){ 0 };
	for (size_t i = 0; i < b->n && e == ERR_OK; i++) {
		e = send_all(s, b->items[i].line, b->items[i].len, until, d);
		if (e == ERR_OK) {
			e = send_all(s, "\n", 1, until, d);
		}
	}
	/* What lies in the socket is lost with who does not read it. */
	while (e == ERR_OK) {
		if (ioctl(s->fd, TIOCOUTQ, &unread) != 0) {
			return broken(s, strerror(errno), d);
		}
		if (unread == 0) {
			break;
		}
		if (!wait_for(s, 0, until)) {
			return broken(s, "it is not read from", d);
		}
	}
	told->n = e == ERR_OK ? b->n : 0;
	return e;
}
