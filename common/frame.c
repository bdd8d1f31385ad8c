/* SPDX-License-Identifier: Apache-2.0 */
#include "common/frame.h"

#include <stdlib.h>
#include <zlib.h>

/*
 * Output grows by doubling from here, so that a bomb is refused after having
 * cost its sender FRAME_MAX_RAW and us no more.
 */
#define FIRST_STEP ((size_t)64 << 10)

struct frame_codec {
	z_stream def, inf;
	bool def_ready, inf_ready;
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
	c->def_ready = deflateInit(&c->def, level) == Z_OK;
	c->inf_ready = inflateInit(&c->inf) == Z_OK;
	if (!c->def_ready || !c->inf_ready) {
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
	if (c->def_ready) {
		deflateEnd(&c->def);
	}
	if (c->inf_ready) {
		inflateEnd(&c->inf);
	}
	free(c->buf);
	free(c);
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
	/* crc32(0, NULL, 0) is defined and 0, but an empty view may be NULL. */
	return v.len == 0 ? 0 : (uint32_t)crc32_z(0, v.p, v.len);
}

enum err
frame_pack(struct frame_codec *c, struct view raw, struct frame_header *h,
	   struct view *data)
{
	static const uint8_t nothing[1];
	size_t bound;

	if (raw.len > FRAME_MAX_RAW) {
		return ERR_LIMIT;
	}
	if (deflateReset(&c->def) != Z_OK) {
		return ERR_NOMEM;
	}
	bound = deflateBound(&c->def, (uLong)raw.len);
	if (!reserve(c, bound)) {
		return ERR_NOMEM;
	}
	/* zlib's interface is not const; it does not write to its input. */
	c->def.next_in = (Bytef *)(uintptr_t)(raw.len > 0 ? raw.p : nothing);
	c->def.avail_in = (uInt)raw.len;
	c->def.next_out = c->buf;
	c->def.avail_out = (uInt)c->cap;
	if (deflate(&c->def, Z_FINISH) != Z_STREAM_END) {
		return ERR_NOMEM;
	}
	if (c->def.total_out > FRAME_MAX_DATA) {
		return ERR_LIMIT;
	}
	h->crc = crc_of(raw);
	h->raw_len = (uint32_t)raw.len;
	*data = view_of(c->buf, c->def.total_out);
	return ERR_OK;
}

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
		c->inf.next_out = c->buf + have;
		c->inf.avail_out = (uInt)(c->cap - have);
		rc = inflate(&c->inf, Z_NO_FLUSH);
		have = c->inf.total_out;
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
					: c->inf.msg != NULL ? c->inf.msg
							     : "ends early");
		}
		if (c->inf.avail_in == 0 && c->inf.avail_out > 0) {
			return diag_set(d, ERR_FORMAT,
					"batch's zlib stream ends early");
		}
	}
}

enum err
frame_unpack(struct frame_codec *c, struct view data, uint32_t crc,
	     struct view *raw, struct diag *d)
{
	enum err e;

	if (data.len == 0 || data.len > FRAME_MAX_DATA) {
		return diag_set(d, ERR_FORMAT,
				"batch of %zu compressed bytes, want 1 to %zu",
				data.len, FRAME_MAX_DATA);
	}
	if (inflateReset(&c->inf) != Z_OK) {
		return ERR_NOMEM;
	}
	c->inf.next_in = (Bytef *)(uintptr_t)data.p;
	c->inf.avail_in = (uInt)data.len;
	e = inflate_all(c, d);
	if (e != ERR_OK) {
		return e;
	}
	if (c->inf.avail_in > 0) {
		return diag_set(d, ERR_FORMAT,
				"%u bytes follow the batch's zlib stream",
				c->inf.avail_in);
	}
	*raw = view_of(c->buf, c->inf.total_out);
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
