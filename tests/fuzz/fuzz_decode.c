/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames through one decoder, so that fragments meet: link type (2 bytes, low
 * first), then length (2 bytes) and bytes of each frame.
 */
#include "tests/sensor/pairs_right.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool
inside(struct view v, struct view of)
{
	return v.len == 0 || (v.p >= of.p && v.p + v.len <= of.p + of.len);
}

static void
one_frame(struct decoder *d, const uint8_t *p, uint16_t len, uint16_t type)
{
	struct packet out[FRAME_MAX_PACKETS];
	/* A block of its own, so that a read beyond it shows. */
	uint8_t *copy = malloc(len > 0 ? len : 1);
	struct frame f = {
		.data = copy, .caplen = len, .wirelen = len, .linktype = type
	};
	unsigned k;

	memcpy(copy, p, len);
	k = decode_frame(d, &f, out);
	if (k == 0 || k > FRAME_MAX_PACKETS || !pairs_right(d, &f, out, k)) {
		abort();
	}
	for (unsigned i = 0; i < k; i++) {
		struct view of = view_of(copy, len);

		if (out[i].l3.len > 0 && !inside(out[i].l3, of)) {
			of = out[i].l3; /* a datagram put together */
		}
		if (!inside(out[i].l4, of) || !inside(out[i].payload, of)) {
			abort();
		}
		(void)packet_l4_csum_ok(&out[i]);
	}
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct pool *pool;
	struct decoder *d;
	uint16_t type;

	if (n < 4) {
		return 0;
	}
	pool = pool_new((size_t)1 << 20);
	d = decoder_new(NULL, pool);
	type = load_le16(p);
	p += 2;
	n -= 2;
	while (n >= 2) {
		uint16_t len = (uint16_t)MIN(load_le16(p), n - 2);

		one_frame(d, p + 2, len, type);
		p += 2 + (size_t)len;
		n -= 2 + (size_t)len;
	}
	decoder_free(d);
	if (pool_in_use(pool) != 0) {
		abort();
	}
	pool_free(pool);
	return 0;
}
