/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_start.h - where the next message begins, and what stands between
 *
 * A line may open a message, belong to the one before, to a tunnel, or to a
 * response without head.
 *
 * Place    above app_http_conn.h; below app_http.
 * Threads  one worker.
 * Cost     linear; lines without home are passed on once.
 */
#ifndef SENSOR_APP_HTTP_START_H
#define SENSOR_APP_HTTP_START_H

#include "sensor/app_http_conn.h"

/* Before or in a start line; behind a request line without protocol.  Each
 * returns whether to go on with the bytes at hand. */
bool http_on_line(struct http_run *r);
bool http_on_probe(struct http_run *r);

#endif
