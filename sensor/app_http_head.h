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

/* The file's name (may be empty): the one given by Content-Disposition or an
 * upload form, or the path. */
struct view http_file_name(struct http_tx *tx, enum flow_dir dir);

#endif
