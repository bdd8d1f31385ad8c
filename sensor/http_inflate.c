/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/http_inflate.h"

#include <zlib.h>

#include "sensor/http_brotli.h"
#include "sensor/http_lzma.h"

/*
 * Input kept until a layer has given its first byte.  Deflate's longest
 * header (dynamic trees) is below 300 bytes, a gzip header with a name is
 * seldom longer.
 */
#define LEAD_CAP 1024
#define OUT_CHUNK 4096
#define IN_SLICE 512
#define ZLIB_BLOCKS 4

/* How a layer's input is read; tried in the order of 'attempts'. */
enum reading {
	READ_AUTO, /* zlib finds out whether gzip or zlib */
	READ_RAW, /* deflate without any header, RFC 1951 */
	READ_SKIP, /* raw after a gzip header that zlib refuses */
	READ_LZMA,
	READ_BROTLI,
	READ_PLAIN, /* not compressed after all */
};

static const enum reading attempts[][4] = {
	[HTTP_CODING_GZIP] = { READ_AUTO, READ_SKIP, READ_RAW, READ_PLAIN },
	[HTTP_CODING_DEFLATE] = { READ_RAW, READ_AUTO, READ_SKIP, READ_PLAIN },
	[HTTP_CODING_BROTLI] = { READ_BROTLI, READ_PLAIN, READ_PLAIN,
				 READ_PLAIN },
	[HTTP_CODING_LZMA] = { READ_LZMA, READ_PLAIN, READ_PLAIN, READ_PLAIN },
};

/* RFC 1952 2.3: where in a gzip header we are. */
enum gz_part { GZ_FIXED, GZ_EXTRA_LEN, GZ_EXTRA, GZ_NAME, GZ_COMMENT, GZ_CRC };

struct gz_skip {
	enum gz_part part;
	uint32_t left;
	uint8_t flags, extra_low;
	bool bad, done;
};

struct layer {
	z_stream zs;
	struct pool *pool;
	struct {
		void *p;
		size_t size;
	} blocks[ZLIB_BLOCKS]; /* zlib's own: zfree is not told the size */
	enum http_coding coding;
	unsigned attempt;
	struct http_lzma *lzma;
	struct http_brotli *brotli;
	size_t lzma_limit;
	bool active; /* zs is initialised */
	bool sure; /* gave output: its format is known */
	bool member_end; /* a member ended; another may follow */
	bool dead; /* failed after output: the rest is dropped */
	struct gz_skip skip;
	uint8_t lead[LEAD_CAP];
	size_t n_lead;
};

struct http_inflate {
	struct pool *pool;
	struct http_inflate_out out;
	uint64_t in_bytes, made_bytes; /* by all layers: inner ones may drop */
	bool failed, bomb;
	unsigned n;
	struct layer *layers[HTTP_CODINGS_MAX]; /* outermost first */
};

static void emit(struct http_inflate *z, unsigned to, struct view v);

static void *
zlib_get(void *arg, uInt items, uInt size)
{
	struct layer *l = arg;
	uint64_t need = (uint64_t)items * size;

	if (need > POOL_MAX_BLOCK) {
		return NULL;
	}
	for (unsigned i = 0; i < ZLIB_BLOCKS; i++) {
		if (l->blocks[i].p == NULL) {
			l->blocks[i].p = pool_get(l->pool, (size_t)need);
			l->blocks[i].size = (size_t)need;
			return l->blocks[i].p;
		}
	}
	return NULL;
}

static void
zlib_put(void *arg, void *p)
{
	struct layer *l = arg;

	for (unsigned i = 0; i < ZLIB_BLOCKS; i++) {
		if (p != NULL && l->blocks[i].p == p) {
			pool_put(l->pool, p, l->blocks[i].size);
			l->blocks[i].p = NULL;
			return;
		}
	}
}

static enum reading
reading(const struct layer *l)
{
	return attempts[l->coding][l->attempt];
}

static void
stop(struct layer *l)
{
	http_lzma_free(l->lzma);
	l->lzma = NULL;
	http_brotli_free(l->brotli);
	l->brotli = NULL;
	if (l->active) {
		inflateEnd(&l->zs);
		l->active = false;
	}
}

static bool
start(struct layer *l)
{
	enum reading r = reading(l);

	l->skip = (struct gz_skip){ .left = 10 };
	if (r == READ_PLAIN) {
		return true;
	}
	if (r == READ_LZMA) {
		l->lzma = http_lzma_new(l->pool, l->lzma_limit);
		return l->lzma != NULL;
	}
	if (r == READ_BROTLI) {
		l->brotli = http_brotli_new(l->pool);
		return l->brotli != NULL;
	}
	memset(&l->zs, 0, sizeof(l->zs));
	l->zs.zalloc = zlib_get;
	l->zs.zfree = zlib_put;
	l->zs.opaque = l;
	l->active =
		inflateInit2(&l->zs, r == READ_AUTO ? 15 + 32 : -15) == Z_OK;
	return l->active;
}

static void
next_gz_part(struct gz_skip *s)
{
	static const struct {
		enum gz_part part;
		uint8_t flag;
		uint32_t left;
	} order[] = {
		{ GZ_EXTRA_LEN, 4, 2 },
		{ GZ_NAME, 8, 0 },
		{ GZ_COMMENT, 16, 0 },
		{ GZ_CRC, 2, 2 },
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		if (order[i].part > s->part && (s->flags & order[i].flag)) {
			s->part = order[i].part;
			s->left = order[i].left;
			return;
		}
	}
	s->done = true;
}

/* Takes one byte of a gzip header, whatever reserved flags it has set. */
static void
skip_gz_byte(struct gz_skip *s, uint8_t c)
{
	switch (s->part) {
	case GZ_FIXED:
		if ((s->left == 10 && c != 0x1f) ||
		    (s->left == 9 && c != 0x8b)) {
			s->bad = true;
			return;
		}
		if (s->left == 7) {
			s->flags = c;
		}
		if (--s->left == 0) {
			next_gz_part(s);
		}
		break;
	case GZ_EXTRA_LEN:
		if (s->left-- == 2) {
			s->extra_low = c;
			break;
		}
		s->left = (uint32_t)c << 8 | s->extra_low;
		s->part = GZ_EXTRA;
		if (s->left == 0) {
			next_gz_part(s);
		}
		break;
	case GZ_NAME:
	case GZ_COMMENT:
		if (c == 0) {
			next_gz_part(s);
		}
		break;
	case GZ_EXTRA:
	case GZ_CRC:
		if (--s->left == 0) {
			next_gz_part(s);
		}
		break;
	}
}

/* The part of 'in' behind the gzip header. */
static struct view
skip_gz(struct gz_skip *s, struct view in)
{
	size_t i = 0;

	while (i < in.len && !s->done && !s->bad) {
		skip_gz_byte(s, in.p[i++]);
	}
	return view_sub(in, i, in.len);
}

static bool
is_bomb(const struct http_inflate *z)
{
	return z->made_bytes > z->out.bomb_limit &&
	       z->made_bytes / HTTP_BOMB_RATIO > z->in_bytes;
}

/* As run(), of a layer that is neither gzip nor deflate. */
static bool
run_decoder(struct http_inflate *z, unsigned at, struct view in)
{
	struct layer *l = z->layers[at];
	uint8_t out[OUT_CHUNK];

	while (!l->dead && !z->bomb) {
		size_t n = 0;
		enum http_decoded rc =
			l->lzma != NULL ? http_lzma_run(l->lzma, &in, out,
							sizeof(out), &n)
					: http_brotli_run(l->brotli, &in, out,
							  sizeof(out), &n);

		if (n > 0) {
			l->sure = true;
			emit(z, at + 1, view_of(out, n));
		}
		if (rc == HTTP_DECODED_MORE) {
			break;
		}
		if (rc == HTTP_DECODED_BAD && !l->sure) {
			return false;
		}
		z->failed = z->failed || rc == HTTP_DECODED_BAD;
		l->dead = rc != HTTP_DECODED_OUT;
	}
	return true;
}

/*
 * Runs 'in' through layer 'at' as it is now read.  False: this reading is
 * wrong, and nothing came out of it.
 */
static bool
run(struct http_inflate *z, unsigned at, struct view in)
{
	struct layer *l = z->layers[at];
	uint8_t out[OUT_CHUNK];

	if (reading(l) == READ_PLAIN) {
		emit(z, at + 1, in);
		return true;
	}
	if (reading(l) == READ_LZMA || reading(l) == READ_BROTLI) {
		return run_decoder(z, at, in);
	}
	if (!l->active) {
		return false;
	}
	if (reading(l) == READ_SKIP && !l->skip.done) {
		in = skip_gz(&l->skip, in);
		if (l->skip.bad) {
			return false;
		}
	}
	l->zs.next_in = (Bytef *)(uintptr_t)in.p;
	l->zs.avail_in = (uInt)in.len;
	while (!l->dead && !z->bomb) {
		int rc;
		size_t n;

		if (l->member_end) {
			if (l->zs.avail_in == 0) {
				break;
			}
			l->member_end = false;
			l->dead = inflateReset(&l->zs) != Z_OK;
			continue;
		}
		l->zs.next_out = out;
		l->zs.avail_out = sizeof(out);
		rc = inflate(&l->zs, Z_NO_FLUSH);
		n = sizeof(out) - l->zs.avail_out;
		if (n > 0) {
			l->sure = true;
			emit(z, at + 1, view_of(out, n));
		}
		if (rc == Z_STREAM_END) {
			l->sure = true;
			/* Only gzip has members, RFC 1952 2.2. */
			l->member_end = reading(l) == READ_AUTO;
			l->dead = !l->member_end;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			if (!l->sure) {
				return false;
			}
			z->failed = true;
			l->dead = true;
		} else if (l->zs.avail_out > 0) {
			break; /* all input taken, nothing held back */
		}
	}
	return true;
}

/* Tries the readings that are left on all input so far; the last is plain. */
static void
retry(struct http_inflate *z, unsigned at)
{
	struct layer *l = z->layers[at];
	struct view lead = view_of(l->lead, l->n_lead);

	do {
		stop(l);
		l->attempt++;
		if (reading(l) == READ_PLAIN) {
			z->failed = true;
		}
	} while (!start(l) || !run(z, at, lead));
}

static void
feed_layer(struct http_inflate *z, unsigned at, struct view in)
{
	struct layer *l = z->layers[at];

	while (in.len > 0 && !l->sure && reading(l) != READ_PLAIN) {
		size_t n = MIN(in.len, LEAD_CAP - l->n_lead);
		struct view part = view_of(in.p, n);

		if (n == 0) {
			l->sure = true; /* too far to start again */
			break;
		}
		memcpy(l->lead + l->n_lead, part.p, n);
		l->n_lead += n;
		if (!run(z, at, part)) {
			retry(z, at);
		}
		in = view_sub(in, n, in.len);
	}
	if (in.len > 0 && !run(z, at, in)) {
		l->dead = true;
	}
}

/* Gives bytes to layer 'to', or to the sink behind the last. */
static void
emit(struct http_inflate *z, unsigned to, struct view v)
{
	if (z->bomb || v.len == 0) {
		return;
	}
	if (to > 0) {
		z->made_bytes += v.len;
		if (is_bomb(z)) {
			z->bomb = true;
			return;
		}
	}
	if (to < z->n) {
		feed_layer(z, to, v);
		return;
	}
	z->out.sink(z->out.arg, v);
}

struct http_inflate *
http_inflate_new(struct pool *pool, const enum http_coding *codings, unsigned n,
		 const struct http_inflate_out *out)
{
	struct http_inflate *z = pool_get(pool, sizeof(*z));

	if (z == NULL) {
		return NULL;
	}
	*z = (struct http_inflate){ .pool = pool, .out = *out };
	n = MIN(n, HTTP_CODINGS_MAX);
	for (unsigned i = 0; i < n; i++) {
		struct layer *l = pool_get(pool, sizeof(*l));

		if (l == NULL) {
			http_inflate_free(z);
			return NULL;
		}
		memset(l, 0, sizeof(*l));
		l->pool = pool;
		l->coding = codings[n - 1 - i];
		l->lzma_limit = out->lzma_limit;
		z->layers[z->n++] = l;
		if (!start(l)) {
			http_inflate_free(z);
			return NULL;
		}
	}
	return z;
}

void
http_inflate_free(struct http_inflate *z)
{
	if (z == NULL) {
		return;
	}
	for (unsigned i = 0; i < z->n; i++) {
		stop(z->layers[i]);
		pool_put(z->pool, z->layers[i], sizeof(*z->layers[i]));
	}
	pool_put(z->pool, z, sizeof(*z));
}

void
http_inflate_feed(struct http_inflate *z, struct view in)
{
	/* In slices, so that a bomb's ratio is judged as it goes off. */
	while (in.len > 0 && !z->bomb) {
		struct view part = view_sub(in, 0, IN_SLICE);

		z->in_bytes += part.len;
		emit(z, 0, part);
		in = view_sub(in, part.len, in.len);
	}
}

void
http_inflate_end(struct http_inflate *z)
{
	for (unsigned i = 0; i < z->n; i++) {
		struct layer *l = z->layers[i];

		/* Too short to tell: a reader would show it as it is. */
		if (!l->sure && l->n_lead > 0 && reading(l) != READ_PLAIN) {
			l->sure = true;
			z->failed = true;
			emit(z, i + 1, view_of(l->lead, l->n_lead));
		}
	}
}

void
http_inflate_gap(struct http_inflate *z)
{
	for (unsigned i = 0; i < z->n; i++) {
		struct layer *l = z->layers[i];

		if (reading(l) != READ_PLAIN) {
			l->sure = true;
			l->dead = true;
		}
	}
}

bool
http_inflate_failed(const struct http_inflate *z)
{
	return z->failed;
}

bool
http_inflate_bomb(const struct http_inflate *z)
{
	return z->bomb;
}
