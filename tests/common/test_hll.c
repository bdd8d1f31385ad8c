/* SPDX-License-Identifier: Apache-2.0 */
#include "common/hll.h"
#include "tests/test.h"

#define SETS 200

/* The n-th address of a set; sets share none. */
static struct addr
address(uint32_t set, uint32_t n)
{
	uint8_t b[4];

	store_be32(b, 0x0a000000 + set * 65536 + n);
	return addr_from_v4(b);
}

static struct hll
of_addresses(uint32_t set, uint32_t from, uint32_t to)
{
	struct hll h = { 0 };

	for (uint32_t i = from; i < to; i++) {
		struct addr a = address(set, i);

		hll_add_addr(&h, &a);
	}
	return h;
}

/* The mean of the squares of the relative error, and of the error. */
static double
error_at(uint32_t n, double *bias)
{
	double sum = 0, squares = 0;

	for (uint32_t s = 0; s < SETS; s++) {
		struct hll h = of_addresses(s, 0, n);
		double e = (double)hll_count(&h) / n - 1;

		sum += e;
		squares += e * e;
	}
	*bias = sum / SETS;
	return squares / SETS;
}

/* The root of the mean square is below 15 % wherever one looks, and what is
 * left of it in the middle is little. */
static void
counts_about_right(void **state)
{
	static const uint32_t sizes[] = { 3,   10,   30,   60,   100,
					  300, 1000, 3000, 10000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		double bias, square = error_at(sizes[i], &bias);

		print_message("%6u: %4.1f %% squared, %+.1f %% in the middle\n",
			      sizes[i], square * 100, bias * 100);
		assert_true(square < 0.15 * 0.15);
		assert_true(bias < 0.05 && bias > -0.05);
	}
}

static void
counts_few_exactly_enough(void **state)
{
	struct hll h = { 0 };

	(void)state;
	assert_int_equal(hll_count(&h), 0);
	hll_add_port(&h, 443);
	assert_int_equal(hll_count(&h), 1);
	for (unsigned i = 0; i < 1000; i++) {
		hll_add_port(&h, 443);
	}
	assert_int_equal(hll_count(&h), 1);
	hll_add_port(&h, 80);
	assert_int_equal(hll_count(&h), 2);
}

/* Parts that overlap, in either order and twice, make the whole. */
static void
merges_to_the_whole(void **state)
{
	struct hll all = of_addresses(1, 0, 3000);
	struct hll a = of_addresses(1, 0, 2000),
		   b = of_addresses(1, 1000, 3000);
	struct hll ab = a, ba = b;

	(void)state;
	hll_merge(&ab, &b);
	hll_merge(&ba, &a);
	assert_memory_equal(&ab, &all, sizeof(all));
	assert_memory_equal(&ba, &all, sizeof(all));
	hll_merge(&ab, &b);
	assert_memory_equal(&ab, &all, sizeof(all));
}

/* Where the bits lie, and the hash, are others' to rely on. */
static void
keeps_its_form(void **state)
{
	struct hll h = { 0 };
	char text[HLL_TEXT_CAP];

	(void)state;
	hll_add_hash(&h, 0); /* register 0, no one in it */
	hll_add_hash(&h, UINT64_MAX); /* register 63, first bit */
	hll_add_hash(&h, UINT64_C(1) << 58 | UINT64_C(1) << 55);
	assert_int_equal(hll_format(&h, text), 96);
	assert_string_equal(text,
			    "ec3000000000000000000000000000000000000000000000"
			    "000000000000000000000000000000000000000000000001");
	memset(&h, 0, sizeof(h));
	hll_add_port(&h, 443);
	hll_format(&h, text);
	assert_string_equal(text,
			    "000000000000000000000000000000000000000000000000"
			    "000000000040000000000000000000000000000000000000");
}

static void
reads_what_it_wrote(void **state)
{
	struct hll h = of_addresses(2, 0, 500), back;
	char text[HLL_TEXT_CAP];
	size_t n = hll_format(&h, text);

	(void)state;
	assert_true(hll_parse(view_of(text, n), &back));
	assert_memory_equal(&h, &back, sizeof(h));
}

static void
refuses_what_is_none(void **state)
{
	static const struct hll empty;
	struct hll h;
	char text[HLL_TEXT_CAP];

	(void)state;
	hll_format(&empty, text);
	assert_true(hll_parse(view_of(text, 96), &h));
	assert_false(hll_parse(view_of(text, 95), &h));
	assert_false(hll_parse(view_of(text, 97), &h));
	assert_false(hll_parse(VIEW_NONE, &h));
	text[95] = 'g';
	assert_false(hll_parse(view_of(text, 96), &h));
	text[95] = '0';
	text[0] = 'f'; /* 60 */
	assert_false(hll_parse(view_of(text, 96), &h));
	assert_memory_equal(&h, &empty, sizeof(h));
	text[0] = 'e'; /* 59, or 0xec with what follows */
	text[1] = 'c';
	assert_true(hll_parse(view_of(text, 96), &h));
	/* Full registers end in a number, too. */
	for (unsigned i = 0; i < HLL_REGISTERS; i++) {
		hll_add_hash(&h, (uint64_t)i << 58);
	}
	assert_true(hll_count(&h) >= UINT64_C(1) << 57);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_about_right),
		cmocka_unit_test(counts_few_exactly_enough),
		cmocka_unit_test(merges_to_the_whole),
		cmocka_unit_test(keeps_its_form),
		cmocka_unit_test(reads_what_it_wrote),
		cmocka_unit_test(refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
