/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_sock.h - one socket to one server, plain or under TLS
 *
 * Place    above redis_tls.h and redis_url.h, below redis_link.h.
 * Threads  one.
 * Memory   the addresses of one name, and the TLS session.
 * Cost     never waits longer than asked, but for name resolution.
 */
#ifndef COMMON_REDIS_SOCK_H
#define COMMON_REDIS_SOCK_H

#include "common/redis_tls.h"
#include "common/redis_url.h"

struct addrinfo;

struct redis_sock {
	int fd; /* -1: none */
	struct redis_tls *tls; /* NULL: plain */
	struct addrinfo *addrs, *addr; /* those found, the one being tried */
	uint64_t tried_us; /* since when 'addr' is */
	bool tls_failed; /* why the last failure was one */
};

void redis_sock_init(struct redis_sock *s);
void redis_sock_close(struct redis_sock *s);

/* Begins to connect.  ERR_CLOSED with diag (without the server's name). */
enum err redis_sock_open(struct redis_sock *s, const struct redis_endpoint *at,
			 struct diag *d) MUST_CHECK;
/* Waits at most 'wait_ms' for the connection to stand, trying one address
 * after the other: one that does not answer for 1.5 seconds is given up when
 * there is another.  ERR_AGAIN: not yet. */
enum err redis_sock_connected(struct redis_sock *s, int wait_ms,
			      struct diag *d) MUST_CHECK;
/* TLS on a connection that stands; again until it is not ERR_AGAIN. */
enum err redis_sock_secure(struct redis_sock *s,
			   const struct redis_tls_files *f, const char *host,
			   int wait_ms, struct diag *d) MUST_CHECK;

/* ERR_OK with '*n' bytes above 0, ERR_AGAIN, ERR_CLOSED with diag. */
enum err redis_sock_send(struct redis_sock *s, const void *buf, size_t len,
			 size_t *n, struct diag *d) MUST_CHECK;
enum err redis_sock_recv(struct redis_sock *s, void *buf, size_t cap, size_t *n,
			 struct diag *d) MUST_CHECK;
/* What to poll(2) for: to read, and to write when there is something to. */
short redis_sock_events(const struct redis_sock *s, bool writing);

#endif
