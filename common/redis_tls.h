/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_tls.h - TLS over a socket that does not block
 *
 * The server's certificate is always checked: chain, dates, and that it names
 * the host we meant (a DNS name or an IP address in subjectAltName, RFC 6125).
 * Files are read anew for each session, so that a certificate that was
 * replaced counts from the next connection on.
 *
 * Place    above err.h.
 * Threads  one session, one thread.
 * Memory   OpenSSL's, ended by redis_tls_end().
 * Cost     a handshake is some milliseconds; then that of AES-GCM.
 */
#ifndef COMMON_REDIS_TLS_H
#define COMMON_REDIS_TLS_H

#include "common/err.h"

/* Names of PEM files; NULL or "": not given.  Strings are the caller's and
 * outlive all sessions. */
struct redis_tls_files {
	const char *ca; /* file or directory; none: the system's */
	const char *cert, *key; /* ours, for mutual TLS; both or neither */
	const char *server_name; /* instead of the host, in the check */
	bool allow_tls12; /* else 1.3 only */
};

struct redis_tls;

/* ERR_USAGE with a diag that names the file and what is wrong with it. */
enum err redis_tls_check(const struct redis_tls_files *f,
			 struct diag *d) MUST_CHECK;
/* A session on 'fd', which stays the caller's.  'host' is whom we mean. */
enum err redis_tls_begin(struct redis_tls **out,
			 const struct redis_tls_files *f, int fd,
			 const char *host, struct diag *d) MUST_CHECK;
void redis_tls_end(struct redis_tls *t);

/* Goes on with the handshake.  ERR_AGAIN: the socket must be waited for;
 * ERR_CLOSED with diag: it failed. */
enum err redis_tls_shake(struct redis_tls *t, struct diag *d) MUST_CHECK;
/* As send(2) and recv(2): bytes in '*n'.  ERR_AGAIN, ERR_CLOSED with diag. */
enum err redis_tls_send(struct redis_tls *t, const void *buf, size_t len,
			size_t *n, struct diag *d) MUST_CHECK;
enum err redis_tls_recv(struct redis_tls *t, void *buf, size_t cap, size_t *n,
			struct diag *d) MUST_CHECK;
/* What poll(2) is to wait for before calls that were ERR_AGAIN can go on;
 * 0 when the last ones were not. */
short redis_tls_wants(const struct redis_tls *t);
/* Whether it ended for a reason of TLS rather than of the network. */
bool redis_tls_broken(const struct redis_tls *t);

#endif
