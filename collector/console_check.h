/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_check.h - which requests the console answers at all
 *
 * libmicrohttpd accepts more than RFC 9112 allows.  Refused here: more than
 * one Host or Content-Length, any Transfer-Encoding, a body on GET, odd bytes
 * in the target, more than HTTP_MAX_HEADERS.  A Host that is a name other than
 * ours is refused, so that a name an attacker controls cannot be pointed at
 * this address (DNS rebinding); what changes anything needs the header
 * X-Picket, which a foreign page cannot send; whether it has the session's
 * secret is looked at later (console_http).
 *
 * Place    above err.h; below console_http.
 * Threads  pure.
 * Memory   none.
 */
#ifndef COLLECTOR_CONSOLE_CHECK_H
#define COLLECTOR_CONSOLE_CHECK_H

#include <microhttpd.h>

#include "common/err.h"

#define HTTP_MAX_HEADERS 8192
#define HTTP_MAX_TARGET 2048
#define HTTP_MAX_BODY 16384

/* The target as it was sent: printable, rooted, short, without dot segments
 * and encodings in its path. */
bool http_is_good_target(const char *target);

/* A request whose headers are in. */
struct http_asked {
	const char *hostname; /* the machine's own name */
	const char *path, *method, *version;
	bool good_target;
};
/* 0 when it may be answered, else an HTTP status, and why. */
unsigned http_check(const struct http_asked *q, struct MHD_Connection *c,
		    const char **why);

#endif
