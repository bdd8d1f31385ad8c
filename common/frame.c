/* SPDX-License-Identifier: Apache-2.0 */
#include "common/frame.h"

#include <config.h>

#include <libdeflate.h>
#include <stdlib.h>
#include <zlib.h>
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

/*
 * Output grows by doubling from here, so that a bomb is refused after having
 * cost its sender FRAME_MAX_RAW and us no more.
 */
#define FIRST_STEP ((size_t)64 << 10)

struct frame_codec {
	int level;
	bool hurried;
	struct libdeflate_compressor *def;
	struct libdeflate_decompressor *inf;
	z_stream slow; /* to say what is wrong with a stream */
	bool slow_ready;
#ifdef HAVE_ISAL
	struct isal_zstream fast;
	uint8_t *fast_buf;
#else
	struct libdeflate_compressor *fast;
#endif
	uint8_t *buf;
	size_t cap;
};

struct frame_codec *
frame_codec_new(int level)
{
	struct frame_codec *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		return NULL;
	}
	c->level = level;
	c->inf = libdeflate_alloc_decompressor();
	c->slow_ready = inflateInit(&c->slow) == Z_OK;
	if (c->inf == NULL || !c->slow_ready) {
		frame_codec_free(c);
		return NULL;
	}
	return c;
}

void
frame_codec_free(struct frame_codec *c)
{
	if (c == NULL) {
		return;
	}
	if (c->slow_ready) {
		inflateEnd(&c->slow);
	}
	libdeflate_free_decompressor(c->inf);
	if (c->def != NULL) {
		libdeflate_free_compressor(c->def);
	}
#ifdef HAVE_ISAL
	free(c->fast_buf);
#else
	if (c->fast != NULL) {
		libdeflate_free_compressor(c->fast);
	}
#endif
	free(c->buf);
	free(c);
}

void
frame_codec_hurry(struct frame_codec *c, bool hurried)
{
	c->hurried = hurried;
}

static bool
reserve(struct frame_codec *c, size_t cap)
{
	uint8_t *p;

	if (c->cap >= cap) {
		return true;
	}
	p = realloc(c->buf, cap);
	if (p == NULL) {
		return false;
	}
	c->buf = p;
	c->cap = cap;
	return true;
}

static uint32_t
crc_of(struct view v)
{
	/* An empty view may be NULL, which libdeflate takes for a question. */
	return v.len == 0 ? 0 : libdeflate_crc32(0, v.p, v.len);
}

/* As one stream at the codec's level; 0 when there is no memory. */
static size_t
deflate_well(struct frame_codec *c, struct view raw)
{
	if (c->def == NULL) {
		c->def = libdeflate_alloc_compressor(c->level);
	}
	return c->def != NULL ? libdeflate_zlib_compress(c->def, raw.p, raw.len,
							 c->buf, c->cap)
			      : 0;
}

/* The same in a quarter of the time or less, a sixth larger. */
#ifdef HAVE_ISAL
static size_t
deflate_fast(struct frame_codec *c, struct view raw)
{
	if (c->fast_buf == NULL) {
		c->fast_buf = malloc(ISAL_DEF_LVL2_DEFAULT);
		if (c->fast_buf == NULL) {
			return 0;
		}
	}
	isal_deflate_stateless_init(&c->fast);
	c->fast.level = 2;
	c->fast.level_buf = c->fast_buf;
	c->fast.level_buf_size = ISAL_DEF_LVL2_DEFAULT;
	c->fast.gzip_flag = IGZIP_ZLIB;
	c->fast.end_of_stream = 1;
	c->fast.next_in = (uint8_t *)(uintptr_t)raw.p;
	c->fast.avail_in = (uint32_t)raw.len;
	c->fast.next_out = c->buf;
	c->fast.avail_out = (uint32_t)c->cap;
	return isal_deflate_stateless(&c->fast) == COMP_OK ? c->fast.total_out
							   : 0;
}
#else
static size_t
deflate_fast(struct frame_codec *c, struct view raw)
{
	if (c->fast == NULL) {
		c->fast = libdeflate_alloc_compressor(1);
	}
	return c->fast != NULL
		       ? libdeflate_zlib_compress(c->fast, raw.p, raw.len,
						  c->buf, c->cap)
		       : 0;
}
#endif

enum err
frame_pack(struct frame_codec *c, struct view raw, struct frame_header *h,
	   struct view *data)
{
	static const uint8_t nothing[1];
	size_t len;

	if (raw.len > FRAME_MAX_RAW) {
		return ERR_LIMIT;
	}
	if (raw.len == 0) {
		raw.p = nothing;
	}
	/* More than either makes of bytes that cannot be compressed. */
	if (!reserve(c, raw.len + raw.len / 64 + 1024)) {
		return ERR_NOMEM;
	}
	len = c->hurried && raw.len > 0 ? deflate_fast(c, raw)
					: deflate_well(c, raw);
	if (len == 0) {
		return ERR_NOMEM;
	}
	if (len > FRAME_MAX_DATA) {
		return ERR_LIMIT;
	}
	h->crc = crc_of(raw);
	h->raw_len = (uint32_t)raw.len;
	*data = view_of(c->buf, len);
	return ERR_OK;
}

/*
 * Step by step, for what libdeflate refuses: it does not say why, nor tell a
 * bomb from rubbish.
 */
static enum err
inflate_all(struct frame_codec *c, struct diag *d)
{
	size_t have = 0;
	int rc;

	for (;;) {
		/* One byte above the limit tells "full" from "too much". */
		size_t cap = MIN(MAX(have * 2, FIRST_STEP), FRAME_MAX_RAW + 1);

		if (!reserve(c, cap)) {
			return diag_set(d, ERR_NOMEM,
					"no memory to inflate a batch");
		}
		c->slow.next_out = c->buf + have;
		c->slow.avail_out = (uInt)(c->cap - have);
		rc = inflate(&c->slow, Z_NO_FLUSH);
		have = c->slow.total_out;
		if (have > FRAME_MAX_RAW) {
			return diag_set(d, ERR_FORMAT,
					"batch inflates to more than %zu bytes",
					FRAME_MAX_RAW);
		}
		if (rc == Z_STREAM_END) {
			return ERR_OK;
		}
		if (rc == Z_MEM_ERROR) {
			return diag_set(d, ERR_NOMEM,
					"no memory to inflate a batch");
		}
		if (rc != Z_OK) {
			return diag_set(d, ERR_FORMAT,
					"batch is not a zlib stream: %s",
					rc == Z_NEED_DICT ? "needs a dictionary"
					: c->slow.msg != NULL ? c->slow.msg
							      : "ends early");
		}
		if (c->slow.avail_in == 0 && c->slow.avail_out > 0) {
			return diag_set(d, ERR_FORMAT,
					"batch's zlib stream ends early");
		}
	}
}

static enum err
inflate_slowly(struct frame_codec *c, struct view data, size_t *len,
	       struct diag *d)
{
	enum err e;

	if (inflateReset(&c->slow) != Z_OK) {
		return ERR_NOMEM;
	}
	c->slow.next_in = (Bytef *)(uintptr_t)data.p;
	c->slow.avail_in = (uInt)data.len;
	e = inflate_all(c, d);
	if (e == ERR_OK && c->slow.avail_in > 0) {
		return diag_set(d, ERR_FORMAT,
				"%u bytes follow the batch's zlib stream",
				c->slow.avail_in);
	}
	*len = c->slow.total_out;
	return e;
}

enum err
frame_unpack(struct frame_codec *c, struct view data, uint32_t crc,
	     struct view *raw, struct diag *d)
{
	size_t in = 0, len = 0;
	enum err e;

	if (data.len == 0 || data.len > FRAME_MAX_DATA) {
		return diag_set(d, ERR_FORMAT,
				"batch of %zu compressed bytes, want 1 to %zu",
				data.len, FRAME_MAX_DATA);
	}
	if (!reserve(c, FRAME_MAX_RAW)) {
		return diag_set(d, ERR_NOMEM, "no memory to inflate a batch");
	}
	if (libdeflate_zlib_decompress_ex(c->inf, data.p, data.len, c->buf,
					  FRAME_MAX_RAW, &in,
					  &len) != LIBDEFLATE_SUCCESS ||
	    in != data.len) {
		e = inflate_slowly(c, data, &len, d);
		if (e != ERR_OK) {
			return e;
		}
	}
	*raw = view_of(c->buf, len);
	if (crc_of(*raw) != crc) {
		return diag_set(d, ERR_FORMAT,
				"batch has CRC %08x, its header says %08x",
				crc_of(*raw), crc);
	}
	return ERR_OK;
}

/* Decimal digits only: no sign, no space, no more than 'max'. */
static bool
read_u64(struct view v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 20) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		unsigned digit = (unsigned)v.p[i] - '0';

		if (digit > 9 || n > (UINT64_MAX - digit) / 10) {
			return false;
		}
		n = n * 10 + digit;
	}
	*out = n;
	return n <= max;
}

enum field {
	F_V,
	F_EPOCH,
	F_SEQ,
	F_ENC,
	F_N,
	F_SEV,
	F_CRC,
	F_DATA,
	F_GAP_FROM,
	F_GAP_TO,
	F_MAC,
	F_COUNT
};

static const struct {
	const char *name;
	bool needed;
	uint64_t max; /* 0: not a number */
} fields[F_COUNT] = {
	[F_V] = { "v", true, UINT32_MAX },
	[F_EPOCH] = { "epoch", true, UINT64_MAX },
	[F_SEQ] = { "seq", true, UINT64_MAX },
	[F_ENC] = { "enc", true, 0 },
	[F_N] = { "n", true, UINT32_MAX },
	[F_SEV] = { "sev", true, UINT8_MAX },
	[F_CRC] = { "crc", true, UINT32_MAX },
	[F_DATA] = { "data", true, 0 },
	[F_GAP_FROM] = { "gap_from", false, UINT64_MAX },
	[F_GAP_TO] = { "gap_to", false, UINT64_MAX },
	[F_MAC] = { "mac", false, 0 },
};

static enum err
check_gap(const struct frame_entry *f, bool has_from, bool has_to,
	  struct diag *d)
{
	if (has_from != has_to) {
		return diag_set(d, ERR_FORMAT,
				"gap_from and gap_to come together");
	}
	if (has_from && (f->gap_from == 0 || f->gap_from > f->gap_to ||
			 f->hdr.seq != f->gap_to || f->hdr.n != 0)) {
		return diag_set(d, ERR_FORMAT,
				"a gap ends at its own seq and has n 0");
	}
	if (f->hdr.seq == 0 || f->hdr.epoch == 0) {
		return diag_set(d, ERR_FORMAT, "epoch and seq begin at 1");
	}
	return ERR_OK;
}

enum err
frame_read_fields(const struct view *kv, size_t n, struct frame_entry *out,
		  struct diag *d)
{
	bool seen[F_COUNT] = { false };
	struct view text[F_COUNT] = { { NULL, 0 } };
	uint64_t num[F_COUNT] = { 0 };

	for (size_t i = 0; i + 1 < n; i += 2) {
		size_t f = 0;

		while (f < F_COUNT &&
		       !view_eq(kv[i], view_cstr(fields[f].name))) {
			f++;
		}
		if (f == F_COUNT) {
			continue;
		}
		if (seen[f]) {
			return diag_set(d, ERR_FORMAT,
					"field %s is there twice",
					fields[f].name);
		}
		seen[f] = true;
		text[f] = kv[i + 1];
		if (fields[f].max != 0 &&
		    !read_u64(kv[i + 1], fields[f].max, &num[f])) {
			return diag_set(d, ERR_FORMAT,
					"field %s is not a number up to %llu",
					fields[f].name,
					(unsigned long long)fields[f].max);
		}
	}
	for (size_t f = 0; f < F_COUNT; f++) {
		if (fields[f].needed && !seen[f]) {
			return diag_set(d, ERR_FORMAT, "field %s is missing",
					fields[f].name);
		}
	}
	if (num[F_V] != FRAME_VERSION ||
	    !view_eq(text[F_ENC], VIEW_LIT("zlib"))) {
		return diag_set(d, ERR_FORMAT,
				"batch of version %llu: this program reads "
				"version %d with enc zlib",
				(unsigned long long)num[F_V], FRAME_VERSION);
	}
	*out = (struct frame_entry){
		.hdr = { .epoch = num[F_EPOCH],
			 .seq = num[F_SEQ],
			 .n = (uint32_t)num[F_N],
			 .sev = (uint8_t)num[F_SEV],
			 .crc = (uint32_t)num[F_CRC] },
		.gap_from = num[F_GAP_FROM],
		.gap_to = num[F_GAP_TO],
		.data = text[F_DATA],
		.mac = text[F_MAC],
	};
	return check_gap(out, seen[F_GAP_FROM], seen[F_GAP_TO], d);
}
