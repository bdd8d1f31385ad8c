/* SPDX-License-Identifier: Apache-2.0 */
/* Markings: words, the lattice's laws on drawn markings, and bounds. */
#include "tests/test.h"

#include <stdio.h>

#include "common/marking.h"
#include "tests/rnd.h"

static struct marking
read_ok(const char *text)
{
	struct marking m;
	struct diag d;

	assert_int_equal(marking_read(&m, view_cstr(text), &d), ERR_OK);
	return m;
}

static void
test_words(void **state)
{
	static const char *const texts[] = { "clear", "red//", "amber//JP",
					     "amber+strict//JP,US" };
	char out[MARKING_TEXT_CAP];
	struct marking m;
	struct diag d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		m = read_ok(texts[i]);
		assert_string_equal(marking_text(&m, out), texts[i]);
	}
	m = read_ok("TLP:White//US,JP,US");
	assert_string_equal(marking_text(&m, out), "clear//JP,US");
	assert_int_equal(marking_read(&m, VIEW_LIT("pink"), &d), ERR_FORMAT);
	assert_int_equal(marking_read(&m, VIEW_LIT("red/JP"), &d), ERR_FORMAT);
	assert_int_equal(marking_read(&m, VIEW_LIT("red//J P"), &d),
			 ERR_FORMAT);
	assert_int_equal(marking_read(&m, VIEW_LIT(""), &d), ERR_FORMAT);
}

static void
test_too_many_names(void **state)
{
	struct marking m = MARKING_CLEAR;
	char name[8];

	(void)state;
	for (int i = 0; i < MARKING_MAX_NAMES; i++) {
		snprintf(name, sizeof(name), "N%02d", i);
		assert_int_equal(marking_release_to(&m, view_cstr(name)),
				 ERR_OK);
	}
	assert_int_equal(marking_release_to(&m, VIEW_LIT("A")), ERR_LIMIT);
	assert_false(marking_names(&m, "A"));
	assert_int_equal(m.n_names, MARKING_MAX_NAMES);
}

static struct marking
draw(void)
{
	static const char *const names[] = { "AU", "JP", "UK", "US" };
	struct marking m = { .tlp = (enum tlp)rnd(5) };

	if (rnd(3) > 0) {
		m.limited = true;
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			if (rnd(2) > 0) {
				assert_int_equal(
					marking_release_to(&m,
							   view_cstr(names[i])),
					ERR_OK);
			}
		}
	}
	return m;
}

static bool
same(const struct marking *a, const struct marking *b)
{
	return marking_covers(a, b) && marking_covers(b, a);
}

/* The join is commutative, associative, idempotent, and above both. */
static void
test_lattice(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct marking a = draw(), b = draw(), c = draw();
		struct marking ab = a, ba = b, ab_c, bc = b, a_bc = a, aa = a;

		marking_join(&ab, &b);
		marking_join(&ba, &a);
		assert_true(same(&ab, &ba));
		ab_c = ab;
		marking_join(&ab_c, &c);
		marking_join(&bc, &c);
		marking_join(&a_bc, &bc);
		assert_true(same(&ab_c, &a_bc));
		marking_join(&aa, &a);
		assert_true(same(&aa, &a));
		assert_true(marking_covers(&ab, &a));
		assert_true(marking_covers(&ab, &b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_too_many_names),
		cmocka_unit_test(test_lattice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
