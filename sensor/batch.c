/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/batch.h"

#include <stdlib.h>

enum err
batch_init(struct batch *b)
{
	*b = (struct batch){ .buf = malloc(FRAME_MAX_RAW) };
	return b->buf != NULL ? ERR_OK : ERR_NOMEM;
}

void
batch_fini(struct batch *b)
{
	free(b->buf);
	*b = (struct batch){ 0 };
}

enum err
batch_add(struct batch *b, struct view line, uint8_t sev, uint64_t now_us)
{
	if (line.len > 0 && line.p[line.len - 1] == '\n') {
		line.len--;
	}
	if (line.len == 0) {
		return ERR_OK;
	}
	if (line.len >= FRAME_MAX_RAW) {
		return ERR_LIMIT;
	}
	/* A batch may pass its mark by the line that makes it due. */
	if (b->len >= BATCH_BYTES || FRAME_MAX_RAW - b->len <= line.len) {
		return ERR_AGAIN;
	}
	memcpy(b->buf + b->len, line.p, line.len);
	b->len += line.len;
	b->buf[b->len++] = '\n';
	if (b->n++ == 0) {
		b->since_us = now_us;
	}
	if (sev != 0 && (b->sev == 0 || sev < b->sev)) {
		b->sev = sev;
	}
	return ERR_OK;
}

bool
batch_due(const struct batch *b, uint64_t now_us, uint64_t age_us)
{
	return b->n > 0 &&
	       (b->len >= BATCH_BYTES || now_us - b->since_us >= age_us);
}

enum err
batch_pack(struct batch *b, struct frame_codec *c, struct frame_header *h,
	   struct view *data)
{
	enum err e;

	*h = (struct frame_header){ .n = b->n, .sev = b->sev };
	e = frame_pack(c, view_of(b->buf, b->len), h, data);
	b->len = 0;
	b->n = 0;
	b->sev = 0;
	return e;
}
