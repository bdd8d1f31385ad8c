/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_uri.h - request targets, split and normalised
 *
 * As servers read them, so that one rule finds every spelling of a path:
 * escapes decoded once, back slashes turned, dot segments removed.
 *
 * Place    above http_tx.h; below app_http_line.
 * Threads  one worker.
 * Memory   the transaction's arena.
 * Cost     linear.
 */
#ifndef SENSOR_APP_HTTP_URI_H
#define SENSOR_APP_HTTP_URI_H

#include "sensor/http_tx.h"

/* Sets uri, path, uri_host and port from uri_raw. */
void http_parse_uri(struct http_tx *tx);
/* "Host: name:port" into its two parts; false when it is malformed. */
bool http_parse_host(struct view v, struct view *name, uint32_t *port);

#endif
