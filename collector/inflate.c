/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/inflate.h"

bool
inflate_number(struct view v, uint64_t max, uint64_t *out)
{
	uint64_t n = 0;

	if (v.len == 0 || v.len > 20) {
		return false;
	}
	for (size_t i = 0; i < v.len; i++) {
		uint64_t digit = (uint64_t)v.p[i] - '0';

		if (digit > MIN(max, UINT64_C(9)) || n > (max - digit) / 10) {
			return false;
		}
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

static enum inflate_verdict
bad(struct inflated *out, const char *why)
{
	out->why = why;
	return INFLATE_BAD_HEADER;
}

enum inflate_verdict
inflate_header(const struct ingest_entry *e, struct inflated *out)
{
	/* SQLite's integers end at INT64_MAX. */
	const uint64_t max = INT64_MAX - 1;
	uint64_t v, n, sev = 0, crc = 0, raw;
	bool gap = false;

	*out = (struct inflated){ 0 };
	if (!inflate_number(e->v, UINT32_MAX, &v) || v != FRAME_VERSION) {
		return bad(out, "version");
	}
	if (!inflate_number(e->epoch, max, &out->h.epoch) ||
	    out->h.epoch == 0) {
		return bad(out, "epoch");
	}
	if (!inflate_number(e->seq, max, &out->h.seq) || out->h.seq == 0) {
		return bad(out, "seq");
	}
	if (!inflate_number(e->n, FRAME_MAX_RAW, &n)) {
		return bad(out, "n");
	}
	out->h.n = (uint32_t)n;
	if (e->raw.p != NULL) {
		if (!inflate_number(e->raw, FRAME_MAX_RAW, &raw)) {
			return bad(out, "raw");
		}
		out->h.raw_len = (uint32_t)raw;
		out->has_raw_len = true;
	}
	if (e->gap_from.len != 0 || e->gap_to.len != 0) {
		if (!inflate_number(e->gap_from, max, &out->gap_from) ||
		    !inflate_number(e->gap_to, max, &out->gap_to) ||
		    out->gap_from == 0 || out->gap_from > out->gap_to ||
		    n != 0) {
			return bad(out, "gap");
		}
		if (e->gap_n.len != 0 &&
		    !inflate_number(e->gap_n, max, &out->gap_n)) {
			return bad(out, "gap_n");
		}
		gap = true;
	}
	/* A gap need not have these, but its signature covers them. */
	if (!(gap && e->sev.p == NULL) &&
	    !inflate_number(e->sev, UINT8_MAX, &sev)) {
		return bad(out, "sev");
	}
	out->h.sev = (uint8_t)sev;
	if (!(gap && e->crc.p == NULL) &&
	    !inflate_number(e->crc, UINT32_MAX, &crc)) {
		return bad(out, "crc");
	}
	out->h.crc = (uint32_t)crc;
	return gap ? INFLATE_GAP : INFLATE_FRAME;
}

enum inflate_verdict
inflate_body(struct frame_codec *c, const struct ingest_entry *e,
	     struct inflated *out)
{
	if (!view_eq(e->enc, VIEW_LIT("zlib"))) {
		out->why = "enc";
		return INFLATE_BAD_BODY;
	}
	if (e->data.len == 0 || e->data.len > FRAME_MAX_DATA) {
		out->why = "data";
		return INFLATE_BAD_BODY;
	}
	if (frame_unpack(c, e->data, out->h.crc, &out->raw, NULL) != ERR_OK) {
		out->why = "zlib or CRC";
		return INFLATE_BAD_BODY;
	}
	if (out->has_raw_len && out->h.raw_len != out->raw.len) {
		out->why = "raw";
		return INFLATE_BAD_BODY;
	}
	out->h.raw_len = (uint32_t)out->raw.len;
	return INFLATE_FRAME;
}
