/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both directions of an HTTP connection, cut as the input says.
 *
 * The input is a row of records: one byte of control, one of length, then
 * bytes.  Control: bit 0 direction, bit 1 gap, bit 2 end, bits 3 to 7 the size
 * of the pieces.  Oracle: the same bytes whole and in pieces leave the same
 * transactions behind, whose copies tell what they do, and all memory is given
 * back.  And where a head is of
 * the usual form, its lines found at once are those found one by one.
 */
#include "sensor/app_http_line.h"
#include "sensor/app_http_plain.h"
#include "tests/sensor/copy_same.h"
#include "tests/sensor/http_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
play(struct rig *r, struct view in, bool whole)
{
	while (in.len >= 2) {
		uint8_t control = in.p[0];
		enum flow_dir dir = control & 1 ? FLOW_TOCLIENT : FLOW_TOSERVER;
		struct view v = view_sub(in, 2, in.p[1] * 2u);
		size_t piece = whole ? SIZE_MAX : 1 + (control >> 3);

		in = view_sub(in, 2 + v.len, in.len);
		if (control & 2) {
			rig_gap(r, dir, 1 + v.len);
			continue;
		}
		if (control & 4) {
			rig_eof(r, dir);
		}
		while (v.len > 0) {
			struct view part = view_sub(v, 0, piece);

			rig_feed(r, dir, part);
			v = view_sub(v, part.len, v.len);
		}
	}
	rig_eof(r, FLOW_TOSERVER);
	rig_eof(r, FLOW_TOCLIENT);
}

static void
check_lines(struct view v, bool any_cr)
{
	struct http_cutter c = { .any_cr = any_cr };
	struct http_plain h;
	struct http_line l;

	if (!http_plain_lines(v, &h)) {
		return;
	}
	for (uint32_t i = 0; i < h.n; i++) {
		struct view line = http_plain_line(v, &h, i);

		if (!http_cut(&c, v, false, &l) || l.empty ||
		    l.text.p != line.p || l.text.len != line.len) {
			abort();
		}
	}
	if (!http_cut(&c, v, false, &l) || !l.empty || c.at != h.len) {
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = {
		"app-layer.protocols.http.libhtp.default-config."
		"lzma-enabled=yes",
		NULL
	};
	struct rig a, b;
	char *x, *y;

	check_lines(view_of(data, size), false);
	check_lines(view_of(data, size), true);
	rig_init(&a, (size_t)16 << 20, settings);
	a.ctx.keep_frames = true;
	file_ctx_want(a.ctx.files, DIGEST_ALL);
	play(&a, view_of(data, size), true);
	rig_init(&b, (size_t)16 << 20, settings);
	b.ctx.keep_frames = true;
	play(&b, view_of(data, size), false);
	for (const struct app_tx *tx = a.af.txs; tx != NULL; tx = tx->next) {
		copy_same_all(tx);
	}
	x = rig_dump(&a);
	y = rig_dump(&b);
	/* Where a bomb is stopped may depend on the pieces. */
	if (strcmp(x, y) != 0 && strstr(x, "compression_bomb") == NULL) {
		fprintf(stderr, "whole:\n%s\npieces:\n%s\n", x, y);
		abort();
	}
	free(x);
	free(y);
	rig_fini(&a);
	rig_fini(&b);
	return 0;
}
