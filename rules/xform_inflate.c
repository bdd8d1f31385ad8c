/* SPDX-License-Identifier: Apache-2.0 */
#include "rules/xform_inflate.h"

#include <stdlib.h>
#include <zlib.h>

#define WINDOW_BITS 15
#define GZIP_BITS (WINDOW_BITS + 16) /* zlib's way to ask for gzip */
#define INFLATE_ROOM ((size_t)64 << 10) /* state 8 KiB, window 32 KiB */

struct inflater {
	z_stream z;
	size_t used;
	uint8_t room[INFLATE_ROOM] __attribute__((aligned(16)));
};

/*
 * zlib allocates twice in its life: the state at the start, the window at
 * first need.  Both come from 'room' and stay there.
 */
static void *
take(void *arg, unsigned n, unsigned size)
{
	struct inflater *f = arg;
	size_t bytes = ((size_t)n * size + 15) & ~(size_t)15;
	void *p;

	if (bytes > sizeof(f->room) - f->used) {
		return NULL;
	}
	p = f->room + f->used;
	f->used += bytes;
	return p;
}

static void
give(void *arg, void *p)
{
	(void)arg;
	(void)p;
}

struct inflater *
inflater_new(void)
{
	struct inflater *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return NULL;
	}
	f->z.zalloc = take;
	f->z.zfree = give;
	f->z.opaque = f;
	if (inflateInit2(&f->z, WINDOW_BITS) != Z_OK) {
		free(f);
		return NULL;
	}
	return f;
}

void
inflater_free(struct inflater *f)
{
	if (f != NULL) {
		(void)inflateEnd(&f->z);
		free(f);
	}
}

size_t
inflater_run(struct inflater *f, enum inflate_format format, struct view in,
	     uint8_t *out, size_t cap)
{
	int bits = format == INFLATE_GZIP ? GZIP_BITS : WINDOW_BITS;

	if (in.len == 0 || cap == 0 || inflateReset2(&f->z, bits) != Z_OK) {
		return 0;
	}
	f->z.next_in = (Bytef *)in.p; /* zlib only reads it */
	f->z.avail_in = (uInt)MIN(in.len, (size_t)UINT32_MAX);
	f->z.next_out = out;
	f->z.avail_out = (uInt)MIN(cap, (size_t)UINT32_MAX);
	(void)inflate(&f->z, Z_SYNC_FLUSH);
	return (size_t)(f->z.next_out - out);
}
