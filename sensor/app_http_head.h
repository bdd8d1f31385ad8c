/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_head.h - what a whole head means: host, framing, codings, names
 *
 * Place    above app_http_uri.h; below app_http.
 * Threads  one worker.
 * Cost     a few look-ups a head.
 */
#ifndef SENSOR_APP_HTTP_HEAD_H
#define SENSOR_APP_HTTP_HEAD_H

#include "sensor/http_tx.h"

/* Sets host, body framing and codings, file name, events. */
void http_request_head_done(struct http_tx *tx);
void http_response_head_done(struct http_tx *tx);

/* The value of parameter 'filename' of a Content-Disposition field. */
struct view http_disposition_name(struct view value);
/* Whether 'v', without its NULs, holds 'word' (lower case) in any case. */
bool http_value_has(struct view v, const char *word);

#endif
