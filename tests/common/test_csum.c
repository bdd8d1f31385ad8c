/* SPDX-License-Identifier: Apache-2.0 */
#include "common/csum.h"
#include "common/proto.h"
#include "tests/test.h"

#include <stdlib.h>

/* RFC 1071, 4.1, as it stands there: word by word, in network order. */
static uint16_t
by_the_book(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		sum += load_be16(p + i);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	if (len % 2 != 0) {
		sum += (uint32_t)p[len - 1] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static uint16_t
ours(const uint8_t *p, size_t len)
{
	uint16_t sum = csum_fold(csum_add(0, p, len));
	uint8_t b[2];

	memcpy(b, &sum, 2);
	return load_be16(b);
}

/* Of every length, in a block of its own, so that no byte beyond is read. */
static void
all_lengths(void **state)
{
	uint32_t r = 1;

	(void)state;
	for (size_t len = 0; len < 1700; len++) {
		uint8_t *p = malloc(len + 1);

		assert_non_null(p);
		for (size_t i = 0; i < len; i++) {
			r = r * 1664525 + 1013904223;
			p[i + 1] = (uint8_t)(r >> 24);
		}
		assert_int_equal(ours(p + 1, len), by_the_book(p + 1, len));
		memset(p + 1, 0xff, len);
		assert_int_equal(ours(p + 1, len), by_the_book(p + 1, len));
		free(p);
	}
}

static void
carries(void **state)
{
	const size_t cap = ((size_t)1 << 19) + 64;
	/* The words that are furthest from the middle, either way. */
	const uint8_t fill[] = { 0xff, 0x00, 0x7f, 0x80 };
	uint8_t *p = malloc(cap);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < sizeof(fill); i++) {
		memset(p, fill[i], cap);
		for (size_t len = cap - 128; len <= cap; len += 32) {
			p[len - 1] ^= 1;
			assert_int_equal(ours(p, len), by_the_book(p, len));
		}
	}
	free(p);
}

/* A UDP datagram 10.0.0.1:1 to 10.0.0.2:2 without data, and what is not. */
static void
transports(void **state)
{
	const uint8_t a[] = { 10, 0, 0, 1 }, b[] = { 10, 0, 0, 2 };
	const uint8_t echo[] = { 8, 0, 0xf7, 0xff, 0, 0, 0, 0 };
	uint8_t udp[] = { 0, 1, 0, 2, 0, 8, 0, 0 };
	struct addr src = addr_from_v4(a), dst = addr_from_v4(b);
	struct view l4 = view_of(udp, sizeof(udp));

	(void)state;
	store_be16(udp + 6, (uint16_t) ~(2 * 0x0a00 + 3 + 17 + 8 + 1 + 2 + 8));
	assert_true(csum_transport_ok(&src, &dst, 4, IPP_UDP, l4));
	assert_false(csum_transport_ok(&src, &dst, 4, IPP_TCP, l4));
	assert_false(csum_transport_ok(&src, &src, 4, IPP_UDP, l4));
	/* As IPv6 the mapped prefix counts, twice ffff: nothing. */
	assert_true(csum_transport_ok(&src, &dst, 6, IPP_UDP, l4));
	udp[7] ^= 1;
	assert_false(csum_transport_ok(&src, &dst, 4, IPP_UDP, l4));
	l4 = view_of(echo, sizeof(echo));
	assert_true(csum_transport_ok(&src, &dst, 4, IPP_ICMP, l4));
	assert_true(csum_transport_ok(&src, &dst, 4, IPP_ICMPV6, l4));
	assert_false(csum_transport_ok(&src, &dst, 6, IPP_ICMPV6, l4));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_lengths),
		cmocka_unit_test(carries),
		cmocka_unit_test(transports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
