/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_http.h - HTTP as the console speaks it, and no more
 *
 * libmicrohttpd reads the requests, console_check refuses what it is lax
 * about, and this gives the answers with the headers that bind a browser.  A
 * request must be there within HTTP_PATIENCE_S, however slowly it drips.
 *
 * Place    above console_api, console_asset, console_check, console_events and
 *          console_people; below console.
 * Threads  HTTP_THREADS of libmicrohttpd's, and one that ticks.
 * Memory   HTTP_MAX_CONNECTIONS of 32 KiB, and their answers.
 */
#ifndef COLLECTOR_CONSOLE_HTTP_H
#define COLLECTOR_CONSOLE_HTTP_H

#include "collector/console_api.h"
#include "collector/console_check.h"
#include "collector/console_events.h"
#include "collector/console_people.h"
#include "common/listen.h"

#define HTTP_THREADS 4
#define HTTP_MAX_CONNECTIONS 256
#define HTTP_MAX_WATCHERS 64 /* connections that follow events */
#define HTTP_PATIENCE_S 15

struct console_http;

/* Texts in PEM; NULL: none. */
struct console_tls {
	const char *certificate, *key;
};

/* What it serves; all must outlive it but the texts of 'tls'. */
struct console_parts {
	struct console_api *api;
	struct console_events *events;
	struct console_people *people;
	struct console_tls tls;
};

enum err console_http_start(struct console_http **out,
			    const struct listen_address *at,
			    const struct console_parts *parts,
			    struct diag *d) MUST_CHECK;
void console_http_stop(struct console_http *h);
uint16_t console_http_port(const struct console_http *h);

#endif
