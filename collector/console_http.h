/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_http.h - HTTP as the console speaks it, and no more
 *
 * libmicrohttpd reads the requests; what it is lax about is refused here
 * (RFC 9112): more than one Host or Content-Length, any Transfer-Encoding, a
 * body on GET, odd bytes in the target, more than HTTP_MAX_HEADERS.  A Host
 * that is a name other than ours is refused, so that a name an attacker
 * controls cannot be pointed at this address (DNS rebinding); what changes
 * anything needs the header "X-Picket: 1", which a foreign page cannot send.
 * A request must be there within HTTP_PATIENCE_S, however slowly it drips.
 *
 * Place    above console_api, console_asset and console_events; below console.
 * Threads  HTTP_THREADS of libmicrohttpd's, and one that ticks.
 * Memory   HTTP_MAX_CONNECTIONS of 32 KiB, and their answers.
 */
#ifndef COLLECTOR_CONSOLE_HTTP_H
#define COLLECTOR_CONSOLE_HTTP_H

#include "collector/console_api.h"
#include "collector/console_events.h"

#define HTTP_THREADS 4
#define HTTP_MAX_CONNECTIONS 256
#define HTTP_MAX_WATCHERS 64 /* connections that follow events */
#define HTTP_MAX_HEADERS 8192
#define HTTP_MAX_TARGET 2048
#define HTTP_MAX_BODY 16384
#define HTTP_PATIENCE_S 15

struct console_http;

struct http_address {
	char host[64]; /* numeric */
	uint16_t port; /* 0: the system picks one */
	bool loopback;
};
/* "127.0.0.1:8080", "[::1]:0", ":8080" (loopback). */
enum err http_parse_address(const char *text, struct http_address *out,
			    struct diag *d) MUST_CHECK;

/* 'api' and 'events' must outlive it. */
enum err console_http_start(struct console_http **out,
			    const struct http_address *at,
			    struct console_api *api,
			    struct console_events *events,
			    struct diag *d) MUST_CHECK;
void console_http_stop(struct console_http *h);
uint16_t console_http_port(const struct console_http *h);

#endif
