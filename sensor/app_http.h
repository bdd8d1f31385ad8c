/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http.h - the HTTP/1 parser
 *
 * Reads what lenient servers and browsers accept (RFC 9112 and the deviations
 * evaders use), since a sensor must see what the victim sees.
 *
 * Place    above all app_http_*; below app.
 * Threads  one worker.
 * Memory   see http_tx.h.
 * Cost     linear in the bytes, however they are cut into segments.
 */
#ifndef SENSOR_APP_HTTP_H
#define SENSOR_APP_HTTP_H

#include "sensor/app_http_conf.h"
#include "sensor/http_tx.h"

extern const struct app_parser app_http;

#endif
