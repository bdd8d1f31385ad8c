/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_lzma.h"

#include <lzma.h>

/* LZMA_alone: properties, dictionary size, size of the plain bytes. */
#define HEADER_LEN 13
#define DICT_AT 1
#define BLOCKS 8
#define STATE_ROOM ((uint64_t)256 << 10) /* beside the dictionary */

struct http_lzma {
	struct pool *pool;
	size_t limit;
	bool begun, ended;
	lzma_stream s;
	lzma_allocator allocator;
	struct {
		void *p;
		size_t size;
	} blocks[BLOCKS]; /* the library does not tell the size to free */
	uint8_t header[HEADER_LEN];
	uint8_t n_header;
};

static void *
get(void *arg, size_t n, size_t size)
{
	struct http_lzma *z = arg;

	if (size > 0 && n > POOL_MAX_BLOCK / size) {
		return NULL;
	}
	for (unsigned i = 0; i < BLOCKS; i++) {
		if (z->blocks[i].p == NULL) {
			z->blocks[i].size = MAX(n * size, (size_t)1);
			z->blocks[i].p = pool_get(z->pool, z->blocks[i].size);
			return z->blocks[i].p;
		}
	}
	return NULL;
}

static void
put(void *arg, void *p)
{
	struct http_lzma *z = arg;

	for (unsigned i = 0; i < BLOCKS; i++) {
		if (p != NULL && z->blocks[i].p == p) {
			pool_put(z->pool, p, z->blocks[i].size);
			z->blocks[i].p = NULL;
			return;
		}
	}
}

struct http_lzma *
http_lzma_new(struct pool *pool, size_t limit)
{
	struct http_lzma *z = pool_get(pool, sizeof(*z));

	if (z != NULL) {
		*z = (struct http_lzma){ .pool = pool,
					 .limit = MIN(limit,
						      HTTP_LZMA_LIMIT_MAX),
					 .s = LZMA_STREAM_INIT };
		z->allocator.alloc = get;
		z->allocator.free = put;
		z->allocator.opaque = z;
		z->s.allocator = &z->allocator;
	}
	return z;
}

void
http_lzma_free(struct http_lzma *z)
{
	if (z != NULL) {
		if (z->begun) {
			lzma_end(&z->s);
		}
		pool_put(z->pool, z, sizeof(*z));
	}
}

/*
 * Compressors ask for megabytes by default whatever they pack.  With a
 * smaller dictionary all is read that does not reach further back.
 */
static bool
begin(struct http_lzma *z)
{
	uint8_t plain[1];

	if (load_le32(z->header + DICT_AT) > z->limit) {
		store_le32(z->header + DICT_AT, (uint32_t)z->limit);
	}
	z->begun = true;
	if (lzma_alone_decoder(&z->s, z->limit + STATE_ROOM) != LZMA_OK) {
		return false;
	}
	z->s.next_in = z->header;
	z->s.avail_in = HEADER_LEN;
	z->s.next_out = plain;
	z->s.avail_out = sizeof(plain); /* it takes nothing without room */
	return lzma_code(&z->s, LZMA_RUN) == LZMA_OK && z->s.avail_in == 0;
}

enum http_decoded
http_lzma_run(struct http_lzma *z, struct view *in, uint8_t *out, size_t cap,
	      size_t *n)
{
	lzma_ret rc;

	*n = 0;
	while (!z->begun && in->len > 0) {
		z->header[z->n_header++] = in->p[0];
		*in = view_sub(*in, 1, in->len);
		if (z->n_header == HEADER_LEN && !begin(z)) {
			return HTTP_DECODED_BAD;
		}
	}
	if (!z->begun) {
		return HTTP_DECODED_MORE;
	}
	z->s.next_in = in->p;
	z->s.avail_in = in->len;
	z->s.next_out = out;
	z->s.avail_out = cap;
	rc = lzma_code(&z->s, LZMA_RUN);
	*n = cap - z->s.avail_out;
	*in = view_sub(*in, in->len - z->s.avail_in, in->len);
	if (rc == LZMA_STREAM_END) {
		return HTTP_DECODED_END;
	}
	if (rc != LZMA_OK && rc != LZMA_BUF_ERROR) {
		return HTTP_DECODED_BAD;
	}
	return z->s.avail_out == 0 ? HTTP_DECODED_OUT : HTTP_DECODED_MORE;
}
