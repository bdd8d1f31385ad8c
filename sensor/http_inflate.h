/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_inflate.h - undoes the content codings of an HTTP body
 *
 * gzip, zlib, raw deflate, Brotli and LZMA, in up to HTTP_CODINGS_MAX layers.  Servers and
 * evaders mislabel bodies, and clients guess; so a layer that fails before it
 * gave a byte is tried again as the other formats and at last taken as plain.
 *
 * Place    above pool.h; below app_http_body.
 * Threads  as the pool: one worker.
 * Memory   about 45 KiB of the pool a layer while the body runs.
 * Cost     linear in input and output; output is capped by the bomb rule.
 */
#ifndef SENSOR_HTTP_INFLATE_H
#define SENSOR_HTTP_INFLATE_H

#include "common/pool.h"

#define HTTP_CODINGS_MAX 8

enum http_coding {
	HTTP_CODING_GZIP,
	HTTP_CODING_DEFLATE,
	HTTP_CODING_BROTLI,
	HTTP_CODING_LZMA
};

struct http_inflate;

/* 'sink' takes the plain bytes. */
struct http_inflate_out {
	void (*sink)(void *arg, struct view plain);
	void *arg;
	/* Plain bytes from which a ratio above HTTP_BOMB_RATIO is a bomb. */
	uint64_t bomb_limit;
	size_t lzma_limit; /* bytes of an LZMA dictionary */
};

/* Legitimate pages reach 1:100; single deflate cannot pass 1:1032. */
#define HTTP_BOMB_RATIO 400

/*
 * 'codings' in the order they were applied, as Content-Encoding lists them
 * (RFC 9110 8.4).  NULL when memory is out.
 */
struct http_inflate *http_inflate_new(struct pool *pool,
				      const enum http_coding *codings,
				      unsigned n,
				      const struct http_inflate_out *out);
void http_inflate_free(struct http_inflate *z);

void http_inflate_feed(struct http_inflate *z, struct view in);
/* No more input: bytes still held back to guess the format come out. */
void http_inflate_end(struct http_inflate *z);
/* Input is missing here: the layers cannot go on. */
void http_inflate_gap(struct http_inflate *z);

bool http_inflate_failed(const struct http_inflate *z); /* some layer did */
bool http_inflate_bomb(const struct http_inflate *z);

#endif
