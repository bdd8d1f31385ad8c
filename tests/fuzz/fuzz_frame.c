/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream entry as a hostile sensor or broker may write it: the first byte
 * says how many fields follow, each {u8 name length, name, u16 value length,
 * value}; what is left over is inflated as a body of its own.
 */
#include <stdlib.h>

#include "common/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view
take(struct view *in, unsigned head)
{
	struct view v;
	size_t len;

	if (in->len < head) {
		return VIEW_NONE;
	}
	len = head == 1 ? in->p[0] : load_be16(in->p);
	v = view_sub(*in, head, len);
	*in = view_sub(*in, head + v.len, in->len);
	return v;
}

static void
unpack(struct frame_codec *c, struct view data, uint32_t crc)
{
	struct view raw = VIEW_NONE, again;
	struct frame_header h;
	struct diag d;

	if (frame_unpack(c, data, crc, &raw, &d) != ERR_OK) {
		return;
	}
	if (raw.len > FRAME_MAX_RAW) {
		abort();
	}
	/* What came out goes in again, through memory of its own. */
	uint8_t *copy = malloc(raw.len + 1);
	size_t len = raw.len;

	if (copy == NULL) {
		return;
	}
	memcpy(copy, raw.p != NULL ? raw.p : (const uint8_t *)"", len);
	if (frame_pack(c, view_of(copy, len), &h, &again) == ERR_OK &&
	    (h.crc != crc || h.raw_len != len)) {
		abort();
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame_codec *c;
	struct view in = view_of(data, size), kv[32];
	struct frame_entry f;
	struct diag d;
	size_t n = 0, want;

	if (c == NULL) {
		c = frame_codec_new(1);
	}
	if (size == 0) {
		return 0;
	}
	want = MIN((size_t)(data[0] % 17) * 2, ARRAY_LEN(kv));
	in = view_sub(in, 1, in.len);
	while (n < want) {
		kv[n++] = take(&in, 1);
		kv[n++] = take(&in, 2);
	}
	if (frame_read_fields(kv, n, &f, &d) == ERR_OK) {
		if (f.hdr.seq == 0 || f.hdr.epoch == 0 ||
		    f.gap_from > f.gap_to) {
			abort();
		}
		unpack(c, f.data, f.hdr.crc);
	}
	unpack(c, in, in.len >= 4 ? load_be32(in.p) : 0);
	return 0;
}
