/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "collector/exchange_pace.h"

#define SECOND UINT64_C(1000000)

static unsigned
take_all(struct exchange_pace *p, uint64_t now)
{
	unsigned n = 0;

	while (exchange_pace_may(p, now) && n < 1000000) {
		exchange_pace_count(p);
		n++;
	}
	return n;
}

static void
a_burst_and_then_so_many_a_second(void **state)
{
	struct exchange_pace p = { 0 };
	uint64_t now = 77 * SECOND;

	(void)state;
	assert_int_equal(take_all(&p, now), EXCHANGE_PACE_BURST);
	assert_int_equal(take_all(&p, now), 0);
	assert_int_equal(take_all(&p, now + SECOND), EXCHANGE_PACE_S);
	assert_int_equal(take_all(&p, now + 10 * SECOND), 9 * EXCHANGE_PACE_S);
	/* Looked at often, it comes to the same. */
	now += 10 * SECOND;
	for (unsigned i = 0, n = 0; i <= 1000; i++) {
		n += take_all(&p, now + i * SECOND / 100);
		if (i == 1000) {
			assert_int_equal(n, 10 * EXCHANGE_PACE_S);
		}
	}
	/* And after a long silence it is a burst again, no more. */
	assert_int_equal(take_all(&p, now + 100000 * SECOND),
			 EXCHANGE_PACE_BURST);
}

/* 'serves' parties fit in a slice, all of which have more than enough. */
static void
take_turns(unsigned n, unsigned serves)
{
	unsigned times[8] = { 0 }, first = 0;

	for (unsigned slice = 0; slice < 100 * n; slice++) {
		for (unsigned i = 0; i < serves; i++) {
			times[(first + i) % n]++;
		}
		first = exchange_pace_first(first, serves, n);
		assert_true(first < n);
	}
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(times[i], 100 * serves);
	}
}

static void
who_was_not_served_is_first_then(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned serves = 1; serves <= n; serves++) {
			take_turns(n, serves);
		}
	}
	/* A slice that was spent before the first serves it the next time. */
	assert_int_equal(exchange_pace_first(2, 0, 3), 2);
	assert_int_equal(exchange_pace_first(0, 0, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_so_many_a_second),
		cmocka_unit_test(who_was_not_served_is_first_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
