/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_lzma.h - undoes "Content-Encoding: lzma" (LZMA_alone)
 *
 * Place    above pool.h; below http_inflate.
 * Threads  as the pool: one worker.
 * Memory   the dictionary that the stream asks for, at most the limit, and
 *          about 32 KiB, from the pool.
 * Cost     linear in input and output.
 */
#ifndef SENSOR_HTTP_LZMA_H
#define SENSOR_HTTP_LZMA_H

#include "sensor/http_decoded.h"

#define HTTP_LZMA_LIMIT_MAX ((size_t)960 << 10) /* one block of the pool */

struct http_lzma;

/* 'limit': bytes of dictionary.  NULL when memory is out. */
struct http_lzma *http_lzma_new(struct pool *pool, size_t limit);
void http_lzma_free(struct http_lzma *z);
enum http_decoded http_lzma_run(struct http_lzma *z, struct view *in,
				uint8_t *out, size_t cap, size_t *n);

#endif
