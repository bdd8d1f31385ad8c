/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_brotli.h - undoes "Content-Encoding: br" (RFC 7932)
 *
 * Place    above pool.h; below http_inflate.
 * Threads  as the pool: one worker.
 * Memory   the window that the stream needs, at most one block of the pool,
 *          and some 64 KiB of tables, from the pool.
 * Cost     linear in input and output.
 */
#ifndef SENSOR_HTTP_BROTLI_H
#define SENSOR_HTTP_BROTLI_H

#include "sensor/http_decoded.h"

struct http_brotli;

/* NULL when memory is out. */
struct http_brotli *http_brotli_new(struct pool *pool);
void http_brotli_free(struct http_brotli *z);
enum http_decoded http_brotli_run(struct http_brotli *z, struct view *in,
				  uint8_t *out, size_t cap, size_t *n);

#endif
