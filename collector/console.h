/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console.h - the analysts' page over HTTP, beside the running collector
 *
 * Reads the store on connections of its own; the pipeline does not know it.
 *
 * Place    above console_http; below main.
 * Threads  starts its own, with all signals blocked in them.
 * Memory   bounded by the limits in console_http.h and console_events.h.
 */
#ifndef COLLECTOR_CONSOLE_H
#define COLLECTOR_CONSOLE_H

#include "collector/mission.h"

struct console;

struct console_config {
	const char *listen; /* "127.0.0.1:8080"; port 0 takes a free one */
	const char *store; /* an existing store */
	const struct mission_map *missions; /* must outlive the console */
	const char *policy; /* the release policy, or NULL */
	const char *certificate, *key; /* files of TLS in PEM; NULL: none */
	/* Listen beyond loopback without TLS: something in front has it. */
	bool allow_remote;
};

/*
 * Starts to serve and logs where ("console: http://127.0.0.1:8080/").
 * ERR_USAGE for an address that is none or is not allowed, ERR_IO when the
 * port cannot be had.
 */
enum err console_start(struct console **out, const struct console_config *cfg,
		       struct diag *d) MUST_CHECK;
void console_stop(struct console *c);
uint16_t console_port(const struct console *c);

#endif
