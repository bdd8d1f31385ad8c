/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_http_file.h - the files of an HTTP body
 *
 * A response's body is one file, and that of a PUT or POST; each part of an
 * upload form that has a file name is one.  A body without bytes is none.
 *
 * Place    above app_http_head.h, multipart.h and file.h; below app_http_conn.
 * Threads  one worker.
 * Memory   one block a form; see file.h.
 */
#ifndef SENSOR_APP_HTTP_FILE_H
#define SENSOR_APP_HTTP_FILE_H

#include "sensor/http_tx.h"

/* Makes the message of 'dir' ready for its bytes. */
void http_msg_begin(struct app_ctx *ctx, struct app_flow *af,
		    struct http_tx *tx, enum flow_dir dir);
/* Gives back what it holds outside the transaction's arena. */
void http_msg_end(struct http_tx *tx, enum flow_dir dir);

/* No more bytes of this direction come: its files end. */
void http_files_end(struct http_tx *tx, enum flow_dir dir);
/* Whether the front of a file should be offered to the rules. */
bool http_files_due(const struct http_tx *tx, enum flow_dir dir);

#endif
