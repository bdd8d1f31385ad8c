/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen.h - "ADDRESS:PORT" as a user writes where to listen
 *
 * Place    above err.h.
 * Threads  pure.
 * Memory   none.
 */
#ifndef COMMON_LISTEN_H
#define COMMON_LISTEN_H

#include <sys/socket.h>

#include "common/err.h"

struct listen_address {
	char host[64]; /* numeric */
	uint16_t port; /* 0: the system picks one */
	bool loopback;
};

/*
 * "127.0.0.1:8080", "[::1]:0", ":8080" and "localhost:8080" (loopback).
 * 'option' is what the user wrote it behind ("--listen"), and 'example' a good
 * value: both are for the message of ERR_USAGE.
 */
enum err listen_parse(const char *text, const char *option, const char *example,
		      struct listen_address *out, struct diag *d) MUST_CHECK;
/* The same for bind(2); the family tells which of the two it is. */
void listen_sockaddr(const struct listen_address *at,
		     struct sockaddr_storage *out);

#endif
