/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_brotli.h"

#include <brotli/decode.h>

struct http_brotli {
	struct pool *pool;
	BrotliDecoderState *s;
};

/* The library does not tell the size to free: it stands before each block. */
union head {
	size_t size;
	max_align_t align;
};

static void *
get(void *arg, size_t size)
{
	struct http_brotli *z = arg;
	union head *h = NULL;

	if (size <= POOL_MAX_BLOCK - sizeof(*h)) {
		h = pool_get(z->pool, size + sizeof(*h));
	}
	if (h == NULL) {
		return NULL;
	}
	h->size = size + sizeof(*h);
	return h + 1;
}

static void
put(void *arg, void *p)
{
	struct http_brotli *z = arg;

	if (p != NULL) {
		union head *h = (union head *)p - 1;

		pool_put(z->pool, h, h->size);
	}
}

struct http_brotli *
http_brotli_new(struct pool *pool)
{
	struct http_brotli *z = pool_get(pool, sizeof(*z));

	if (z == NULL) {
		return NULL;
	}
	z->pool = pool;
	z->s = BrotliDecoderCreateInstance(get, put, z);
	if (z->s == NULL) {
		pool_put(pool, z, sizeof(*z));
		return NULL;
	}
	return z;
}

void
http_brotli_free(struct http_brotli *z)
{
	if (z != NULL) {
		BrotliDecoderDestroyInstance(z->s);
		pool_put(z->pool, z, sizeof(*z));
	}
}

/*
 * One byte of input at a time: what the library holds back while it has more
 * is lost when a later byte is wrong, and then how the bytes were cut into
 * segments would show.
 */
enum http_decoded
http_brotli_run(struct http_brotli *z, struct view *in, uint8_t *out,
		size_t cap, size_t *n)
{
	BrotliDecoderResult rc;
	size_t n_out = cap;

	do {
		size_t given = MIN(in->len, (size_t)1), n_in = given;
		const uint8_t *next_in = in->p;

		rc = BrotliDecoderDecompressStream(z->s, &n_in, &next_in,
						   &n_out, &out, NULL);
		*in = view_sub(*in, given - n_in, in->len);
	} while (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT && in->len > 0);
	*n = cap - n_out;
	switch (rc) {
	case BROTLI_DECODER_RESULT_SUCCESS:
		return HTTP_DECODED_END;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
		return HTTP_DECODED_MORE;
	case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
		return HTTP_DECODED_OUT;
	default:
		return HTTP_DECODED_BAD;
	}
}
