/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_conf.h - the HTTP parser's settings
 *
 * Place    above http_tx.h; below app_http.
 * Threads  set up by one thread, then read by its worker.
 * Cost     cold.
 */
#ifndef SENSOR_APP_HTTP_CONF_H
#define SENSOR_APP_HTTP_CONF_H

#include "sensor/http_tx.h"

/* Reads app-layer.protocols.http.libhtp.default-config.*; false: no memory. */
bool http_setup(struct app_ctx *ctx) MUST_CHECK;
void http_teardown(struct app_ctx *ctx);

#endif
