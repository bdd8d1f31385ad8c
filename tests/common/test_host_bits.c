/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "common/host_bits.h"

static struct addr
host(uint32_t n)
{
	uint8_t v4[4] = { 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			  (uint8_t)n };

	return addr_from_v4(v4);
}

static uint32_t
bits_of(uint32_t from, uint32_t n)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct addr a = host(from + i);

		bits |= host_bits_of(&a);
	}
	return bits;
}

/* Neighbours, as hosts of ours are, are told apart as well as any. */
static void
test_about_so_many(void **state)
{
	static const unsigned real[] = { 1, 2, 5, 10, 20, 50 };

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(real); k++) {
		unsigned n = real[k], sum = 0;

		for (uint32_t net = 0; net < 256; net++) {
			unsigned is = host_bits_count(bits_of(net << 8 | 1, n));

			assert_in_range(is, 1, HOST_BITS_MOST);
			sum += is;
		}
		/* within a tenth, on the average */
		assert_in_range(sum * 10 / 256, n * 9, n * 11);
	}
}

static void
test_few_are_few(void **state)
{
	(void)state;
	assert_int_equal(host_bits_count(0), 0);
	for (uint32_t net = 0; net < 4096; net++) {
		assert_in_range(host_bits_count(bits_of(net * 7, 3)), 1, 3);
		assert_int_equal(host_bits_count(bits_of(net, 1)), 1);
	}
}

/* Of very many it says that there are many, and never fewer than before. */
static void
test_full(void **state)
{
	unsigned was = 0;

	(void)state;
	for (uint32_t n = 0; n < 2000; n++) {
		unsigned is = host_bits_count(bits_of(0, n));

		assert_true(is >= was);
		was = is;
	}
	assert_int_equal(was, HOST_BITS_MOST);
}

/* What stands in docs/formats.md. */
static void
test_which_bit(void **state)
{
	struct addr a = host(1);

	(void)state;
	assert_int_equal(host_bits_of(&a), UINT32_C(4194304));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_about_so_many),
		cmocka_unit_test(test_few_are_few),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_which_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
