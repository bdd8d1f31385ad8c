/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_sock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"

/* A peer that vanished without a word is noticed by the kernel too. */
#define KEEP_IDLE_S 30
#define KEEP_EVERY_S 10
#define KEEP_TRIES 3
/* An address that does not answer must not keep us from the name's others. */
#define ADDRESS_US UINT64_C(1500000)

void
redis_sock_init(struct redis_sock *s)
{
	*s = (struct redis_sock){ .fd = -1 };
}

void
redis_sock_close(struct redis_sock *s)
{
	redis_tls_end(s->tls);
	if (s->fd >= 0) {
		close(s->fd);
	}
	if (s->addrs != NULL) {
		freeaddrinfo(s->addrs);
	}
	redis_sock_init(s);
}

static void
tune(int fd)
{
	int one = 1, idle = KEEP_IDLE_S, every = KEEP_EVERY_S,
	    tries = KEEP_TRIES;

	/* Batches are whole; waiting for more only delays them. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof(tries));
}

static int
open_socket(int family, const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0) {
		return -1;
	}
	if (family != AF_UNIX) {
		tune(fd);
	}
	if (connect(fd, sa, len) < 0 && errno != EINPROGRESS) {
		err = errno;
		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

/* Begins with the next address that takes a connect(). */
static enum err
try_addresses(struct redis_sock *s, struct diag *d)
{
	s->tried_us = clock_mono_us();
	for (; s->addr != NULL; s->addr = s->addr->ai_next) {
		s->fd = open_socket(s->addr->ai_family, s->addr->ai_addr,
				    s->addr->ai_addrlen);
		if (s->fd >= 0) {
			return ERR_OK;
		}
	}
	return diag_set(d, ERR_CLOSED, "%s", strerror(errno));
}

enum err
redis_sock_open(struct redis_sock *s, const struct redis_endpoint *at,
		struct diag *d)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM };
	int rc;

	if (at->is_unix) {
		struct sockaddr_un sun = { .sun_family = AF_UNIX };

		/* The URL's parser has checked the length. */
		memcpy(sun.sun_path, at->host,
		       MIN(strlen(at->host), sizeof(sun.sun_path) - 1));
		s->fd = open_socket(AF_UNIX, (struct sockaddr *)&sun,
				    sizeof(sun));
		return s->fd >= 0
			       ? ERR_OK
			       : diag_set(d, ERR_CLOSED, "%s", strerror(errno));
	}
	rc = getaddrinfo(at->host, at->port, &hints, &s->addrs);
	if (rc != 0) {
		s->addrs = NULL;
		return diag_set(d, ERR_CLOSED, "%s", gai_strerror(rc));
	}
	s->addr = s->addrs;
	return try_addresses(s, d);
}

/* Waits for this address: 0, or why it is none; -1: not known yet. */
static int
wait_for_address(struct redis_sock *s, uint64_t deadline_us)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	bool last = s->addr->ai_next == NULL;
	uint64_t until_us =
		last ? deadline_us : MIN(deadline_us, s->tried_us + ADDRESS_US);
	uint64_t now = clock_mono_us();
	int err = 0,
	    ms = now < until_us ? (int)((until_us - now + 999) / 1000) : 0;
	socklen_t len = sizeof(err);

	if (poll(&p, 1, ms) <= 0) {
		return !last && clock_mono_us() >= s->tried_us + ADDRESS_US
			       ? ETIMEDOUT
			       : -1;
	}
	return getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno
								       : err;
}

enum err
redis_sock_connected(struct redis_sock *s, int wait_ms, struct diag *d)
{
	uint64_t deadline_us =
		clock_mono_us() + (uint64_t)MAX(wait_ms, 0) * 1000;

	if (s->addrs == NULL) {
		return ERR_OK; /* a unix socket */
	}
	for (;;) {
		int err = wait_for_address(s, deadline_us);

		if (err <= 0) {
			return err == 0 ? ERR_OK : ERR_AGAIN;
		}
		close(s->fd);
		s->fd = -1;
		s->addr = s->addr->ai_next;
		errno = err;
		if (try_addresses(s, d) != ERR_OK) {
			return ERR_CLOSED;
		}
	}
}

enum err
redis_sock_secure(struct redis_sock *s, const struct redis_tls_files *f,
		  const char *host, int wait_ms, struct diag *d)
{
	enum err e;

	if (s->tls == NULL) {
		e = redis_tls_begin(&s->tls, f, s->fd, host, d);
		if (e != ERR_OK) {
			s->tls_failed = true;
			return e;
		}
	}
	e = redis_tls_shake(s->tls, d);
	if (e == ERR_AGAIN && wait_ms > 0) {
		struct pollfd p = { .fd = s->fd,
				    .events = redis_tls_wants(s->tls) };

		(void)poll(&p, 1, wait_ms);
		e = redis_tls_shake(s->tls, d);
	}
	s->tls_failed = redis_tls_broken(s->tls);
	return e;
}

enum err
redis_sock_send(struct redis_sock *s, const void *buf, size_t len, size_t *n,
		struct diag *d)
{
	ssize_t rc;

	if (s->tls != NULL) {
		enum err e = redis_tls_send(s->tls, buf, len, n, d);

		s->tls_failed = redis_tls_broken(s->tls);
		return e;
	}
	rc = send(s->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (rc > 0) {
		*n = (size_t)rc;
		return ERR_OK;
	}
	if (rc < 0 &&
	    (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
		return ERR_AGAIN;
	}
	return diag_set(d, ERR_CLOSED, "%s", strerror(errno));
}

enum err
redis_sock_recv(struct redis_sock *s, void *buf, size_t cap, size_t *n,
		struct diag *d)
{
	ssize_t rc;

	if (s->tls != NULL) {
		enum err e = redis_tls_recv(s->tls, buf, cap, n, d);

		s->tls_failed = redis_tls_broken(s->tls);
		return e;
	}
	rc = recv(s->fd, buf, cap, MSG_DONTWAIT);
	if (rc > 0) {
		*n = (size_t)rc;
		return ERR_OK;
	}
	if (rc == 0) {
		return diag_set(d, ERR_CLOSED, "closed by Redis");
	}
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR
		       ? ERR_AGAIN
		       : diag_set(d, ERR_CLOSED, "%s", strerror(errno));
}

short
redis_sock_events(const struct redis_sock *s, bool writing)
{
	short wants = s->tls != NULL ? redis_tls_wants(s->tls) : 0;

	/* A write under TLS may have to read first, and the reverse. */
	return (short)(POLLIN | (wants != 0 ? wants : writing ? POLLOUT : 0));
}
