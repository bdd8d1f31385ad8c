/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_probe.h - do first bytes look like HTTP/1?
 *
 * Place    above app_http_line.h; below app_http.
 * Threads  pure.
 * Cost     at most 4 KiB looked at.
 */
#ifndef SENSOR_APP_HTTP_PROBE_H
#define SENSOR_APP_HTTP_PROBE_H

#include "sensor/http_tx.h"

/* See app_parser.h. */
enum app_probe http_probe(struct view data, enum flow_dir dir, bool by_port);

#endif
