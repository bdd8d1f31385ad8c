/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/readdress.h"

#include <stdlib.h>

#include "common/proto.h"
#include "tests/bench/frames.h"
#include "tests/test.h"

#define FRAME 14
#define PAYLOAD "GET / HTTP/1.1\r\n\r\n"

/* Sum of 'n' bytes, folded: 0xffff when a checksum among them is right. */
static uint32_t
sum(const uint8_t *p, size_t n, uint32_t x)
{
	for (size_t i = 0; i < n; i++) {
		x += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	}
	while (x >> 16 != 0) {
		x = (x & 0xffff) + (x >> 16);
	}
	return x;
}

static uint32_t
tcp_sum(const uint8_t *ip, size_t n)
{
	return sum(ip + 20, n - 20,
		   sum(ip + 12, 8, (uint32_t)(IPP_TCP + n - 20)));
}

static void
make(struct frames *f, uint8_t out[2][128], size_t *n)
{
	frames_reset(f);
	for (unsigned side = 0; side < 2; side++) {
		frames_put(f, 77, side, TCP_ACK, VIEW_LIT(PAYLOAD));
		*n = f->v[side].caplen;
		assert_true(*n <= 128);
		memcpy(out[side], f->v[side].data, *n);
	}
}

static void
test_checksums(void **state)
{
	struct frames *f = frames_new(100, 80, 64);
	uint8_t was[2][128], p[2][128];
	size_t n;

	(void)state;
	make(f, was, &n);
	assert_int_equal(sum(was[0] + FRAME, 20, 0), 0xffff);
	assert_int_equal(tcp_sum(was[0] + FRAME, n - FRAME), 0xffff);
	for (uint32_t copy = 1; copy < 3000; copy++) {
		memcpy(p, was, sizeof(p));
		readdress(p[0], n, copy);
		readdress(p[1], n, copy);
		assert_int_equal(sum(p[0] + FRAME, 20, 0), 0xffff);
		assert_int_equal(tcp_sum(p[0] + FRAME, n - FRAME), 0xffff);
		/* other hosts of the same network, the same for both sides */
		assert_int_equal(p[0][FRAME + 12], 10);
		assert_memory_equal(p[0] + FRAME + 12, p[1] + FRAME + 16, 4);
		assert_memory_equal(p[0] + FRAME + 16, p[1] + FRAME + 12, 4);
		/* nothing else changes */
		assert_memory_equal(p[0] + FRAME + 20, was[0] + FRAME + 20, 16);
		assert_memory_equal(p[0] + 54, was[0] + 54, n - 54);
	}
	assert_memory_not_equal(p[0] + FRAME + 12, was[0] + FRAME + 12, 4);
	frames_free(f);
}

static void
test_wrong_stays_wrong(void **state)
{
	struct frames *f = frames_new(100, 80, 64);
	uint8_t p[2][128];
	size_t n;

	(void)state;
	make(f, p, &n);
	p[0][FRAME + 20 + 16] ^= 0x40;
	readdress(p[0], n, 5);
	assert_int_not_equal(tcp_sum(p[0] + FRAME, n - FRAME), 0xffff);
	frames_free(f);
}

static void
test_copy_0_and_short_frames(void **state)
{
	struct frames *f = frames_new(100, 80, 64);
	uint8_t was[2][128], p[2][128];
	size_t n;

	(void)state;
	make(f, was, &n);
	memcpy(p, was, sizeof(p));
	readdress(p[0], n, 0);
	assert_memory_equal(p[0], was[0], n);
	for (size_t k = 0; k < n; k++) {
		uint8_t *exact = malloc(MAX(k, (size_t)1));

		memcpy(exact, was[0], k);
		readdress(exact, k, 9);
		(void)carried_by(exact, k);
		free(exact);
	}
	frames_free(f);
}

static void
test_carried(void **state)
{
	struct frames *f = frames_new(100, 80, 64);
	uint8_t p[2][128];
	struct carried c;
	size_t n;

	(void)state;
	make(f, p, &n);
	c = carried_by(p[0], n);
	assert_int_equal(c.proto, IPP_TCP);
	assert_int_equal(c.dport, 80);
	assert_true(view_eq(c.payload, VIEW_LIT(PAYLOAD)));
	frames_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksums),
		cmocka_unit_test(test_wrong_stays_wrong),
		cmocka_unit_test(test_copy_0_and_short_frames),
		cmocka_unit_test(test_carried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
