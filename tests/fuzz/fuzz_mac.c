/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mac of a batch, from whoever may write to Redis: none is taken for a
 * signature but the one that the key makes of just this claim.
 */
#include <assert.h>

#include "common/frame_sign.h"
#include "tests/fuzz/fuzz_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

/* Takes up to 'n' bytes from the front of 'v'. */
static struct view
take(struct view *v, size_t n)
{
	struct view out = view_sub(*v, 0, n);

	*v = view_sub(*v, out.len, v->len - out.len);
	return out;
}

static uint64_t
number(struct view *v)
{
	struct view b = take(v, 8);
	uint64_t n = 0;

	for (size_t i = 0; i < b.len; i++) {
		n = n << 8 | b.p[i];
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct view v = view_of(p, len), mac, name, enc;
	uint8_t own[FRAME_MAC_MAX];
	struct frame_header h = { 0 };
	struct frame_mac m;
	struct frame_claim c = { .hdr = &h };
	size_t n = 0;

	if (key == NULL) {
		make_key();
	}
	v = view_sub(v, MIN(len, (size_t)1), len);
	mac = take(&v, len > 0 ? p[0] % (FRAME_MAC_MAX + 8) : 0);
	name = take(&v, 300);
	enc = take(&v, mac.len % 7);
	h.epoch = number(&v);
	h.seq = number(&v);
	h.n = (uint32_t)number(&v);
	c.gap_from = number(&v);
	c.name = name;
	c.enc = enc;
	c.data = v;
	if (frame_mac_read(mac, &m)) {
		assert(m.sig.p + m.sig.len == mac.p + mac.len);
		assert(m.sig.len == sign_len(m.alg));
		assert(!frame_sign_check(key, &c, &m));
	}
	if (frame_sign(key, &c, own, &n) != ERR_OK) {
		assert(name.len > 255);
		return 0;
	}
	assert(frame_mac_read(view_of(own, n), &m));
	assert(frame_sign_check(key, &c, &m));
	h.seq++;
	assert(!frame_sign_check(key, &c, &m));
	h.seq--;
	own[n - 1] ^= 1;
	assert(!frame_sign_check(key, &c, &m));
	return 0;
}
