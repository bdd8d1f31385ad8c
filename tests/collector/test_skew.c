/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/skew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define T0 (UINT64_C(1700000000) * 1000000)
#define S UINT64_C(1000000)

static uint64_t seed;

/* Below 'n'. */
static uint64_t
below(uint64_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (seed >> 33) % n;
}

/* A handshake at true time 'at' with 'way_us' from the first tap to a sensor
 * whose clock is 'ahead' and drifts by 'ppm'. */
static void
shake(struct skew *s, int64_t sensor, uint64_t id, uint64_t at, int64_t ahead,
      double ppm, uint64_t way_us)
{
	int64_t clock = ahead + (int64_t)((double)(at - T0) * ppm / 1e6);
	uint64_t jitter = below(300);

	assert_int_equal(
		skew_add(s, sensor, id << 40 | id,
			 at + (uint64_t)clock + way_us + jitter,
			 at + (uint64_t)clock + 120000 - way_us + jitter),
		ERR_OK);
}

struct found {
	struct skew_clock clocks[SKEW_SENSORS + 1];
};

static enum err
no_pair(void *arg, const struct skew_pair *p)
{
	(void)arg;
	(void)p;
	return ERR_OK;
}

static enum err
on_clock(void *arg, const struct skew_clock *c)
{
	struct found *f = arg;

	f->clocks[c->sensor] = *c;
	return ERR_OK;
}

static struct found *
solve(struct skew *s)
{
	static struct found f;

	skew_solve(s);
	assert_int_equal(skew_each_change(s, no_pair, on_clock, &f), ERR_OK);
	return &f;
}

static void
near(int64_t got, int64_t want, int64_t by)
{
	if (llabs(got - want) > by) {
		fail_msg("%lld is not within %lld of %lld", (long long)got,
			 (long long)by, (long long)want);
	}
}

/* From 0.1 s to two hours, within 50 ms after 100 handshakes. */
static void
offsets(void **state)
{
	static const int64_t ahead[] = { 0,          100000,    -250000,
					 5000000,    300000000, -300000000,
					 7200000000, -1000 };
	struct skew *s = skew_new();
	struct found *f;

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 1; i <= 100; i++) {
		for (size_t k = 0; k < ARRAY_LEN(ahead); k++) {
			/* A tenth is not seen by each; ways differ. */
			if (below(10) > 0) {
				shake(s, (int64_t)k + 1, i, T0 + i * S,
				      ahead[k], 0, k * 2500);
			}
		}
	}
	f = solve(s);
	for (size_t k = 0; k < ARRAY_LEN(ahead); k++) {
		const struct skew_clock *c = &f->clocks[k + 1];
		bool known;
		int64_t got;

		/* The middle one of these clocks is right or nearly so. */
		near(c->offset_us - f->clocks[1].offset_us, ahead[k], 1000);
		assert_int_equal(c->others, ARRAY_LEN(ahead) - 1);
		if (llabs(ahead[k]) > 150000) {
			assert_int_equal(c->state, SKEW_OFF);
		}
		got = skew_ahead(s, (int64_t)k + 1, T0 + 100 * S, &known);
		assert_true(known);
		near(got, c->offset_us, SKEW_CORRECT_US);
	}
	skew_free(s);
}

/* Handshakes that are mistaken for others, and ways that stall. */
static void
outliers(void **state)
{
	struct skew *s = skew_new();
	struct found *f;

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 1; i <= 100; i++) {
		int64_t wild = i % 3 == 0 ? (int64_t)below(3600 * S) : 0;

		shake(s, 1, i, T0 + i * S, 0, 0, 0);
		shake(s, 2, i, T0 + i * S, 2000000 + wild, 0, 9000);
		shake(s, 3, i, T0 + i * S, 0, 0, 4000);
	}
	f = solve(s);
	near(f->clocks[2].offset_us, 2000000, 50000);
	near(f->clocks[1].offset_us, 0, 50000);
	assert_int_equal(f->clocks[2].state, SKEW_OFF);
	assert_int_equal(f->clocks[1].state, SKEW_GOOD);
	skew_free(s);
}

static void
drift(void **state)
{
	struct skew *s = skew_new();
	struct found *f;
	uint64_t end = T0 + 100 * 60 * S;
	bool known;

	(void)state;
	assert_non_null(s);
	/* 100 ppm over 100 minutes: 0.6 s. */
	for (uint64_t i = 1; i <= 100; i++) {
		shake(s, 1, i, T0 + i * 60 * S, 0, 0, 0);
		shake(s, 2, i, T0 + i * 60 * S, 1000000, 100, 1000);
		shake(s, 3, i, T0 + i * 60 * S, 0, 0, 2000);
	}
	f = solve(s);
	near((int64_t)(f->clocks[2].drift * 1e9), 100000, 5000);
	near(skew_ahead(s, 2, end, &known), 1600000, 20000);
	/* Ten minutes on. */
	near(skew_ahead(s, 2, end + 600 * S, &known), 1660000, 20000);
	skew_free(s);
}

/* A clock that is set is followed within 20 handshakes. */
static void
step(void **state)
{
	struct skew *s = skew_new();
	struct found *f;

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 1; i <= 120; i++) {
		int64_t ahead = i <= 100 ? 0 : -30000000;

		shake(s, 1, i, T0 + i * S, 0, 0, 0);
		shake(s, 2, i, T0 + i * S, ahead, 0, 1000);
		shake(s, 3, i, T0 + i * S, 0, 0, 2000);
		f = solve(s);
	}
	near(f->clocks[2].offset_us, -30000000, 50000);
	near(f->clocks[3].offset_us, 0, 50000);
	skew_free(s);
}

/* One lies to each of the others in another way: it moves none of them. */
static void
hostile(void **state)
{
	struct skew *s = skew_new();
	struct found *f;
	bool known;

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 1; i <= 300; i++) {
		unsigned honest = 1 + (unsigned)below(3);

		/* What the liar answers depends on whom it is shared with. */
		shake(s, honest, i, T0 + i * S, 0, 0, 0);
		shake(s, 4, i, T0 + i * S, (int64_t)honest * 100000000, 0, 0);
	}
	for (uint64_t i = 301; i <= 340; i++) {
		for (int64_t k = 1; k <= 3; k++) {
			shake(s, k, i, T0 + i * S, 0, 0, 0);
		}
	}
	f = solve(s);
	for (int64_t k = 1; k <= 3; k++) {
		near(skew_ahead(s, k, T0 + 340 * S, &known), 0, 0);
		assert_true(known);
		assert_int_equal(f->clocks[k].state, SKEW_GOOD);
	}
	assert_int_not_equal(f->clocks[4].state, SKEW_GOOD);
	skew_free(s);
}

/* Of two nobody can say which is wrong, of too few handshakes nothing. */
static void
unsure(void **state)
{
	struct skew *s = skew_new();
	struct found *f;
	bool known;

	(void)state;
	assert_non_null(s);
	for (uint64_t i = 1; i < SKEW_MIN_SAMPLES; i++) {
		shake(s, 1, i, T0 + i * S, 0, 0, 0);
		shake(s, 2, i, T0 + i * S, 9000000, 0, 0);
	}
	(void)solve(s);
	assert_int_equal(skew_ahead(s, 2, T0, &known), 0);
	assert_false(known);
	shake(s, 1, 99, T0 + 99 * S, 0, 0, 0);
	shake(s, 2, 99, T0 + 99 * S, 9000000, 0, 0);
	f = solve(s);
	assert_int_equal(f->clocks[2].state, SKEW_RELATIVE);
	near(skew_ahead(s, 2, T0, &known), 9000000, 1000);
	assert_true(known);
	skew_free(s);
}

static struct skew *copy;

static enum err
keep(void *arg, const struct skew_pair *p)
{
	(void)arg;
	return skew_load(copy, p);
}

/* What was kept says the same again, and goes on. */
static void
kept(void **state)
{
	struct skew *s = skew_new();
	struct found f = { 0 };
	bool known;

	(void)state;
	copy = skew_new();
	assert_non_null(s);
	assert_non_null(copy);
	for (uint64_t i = 1; i <= 90; i++) {
		shake(s, 1, i, T0 + i * S, 0, 0, 0);
		shake(s, 2, i, T0 + i * S, 42000000, 0, 3000);
		shake(s, 3, i, T0 + i * S, 0, 0, 5000);
	}
	/* Told of by one before, by another after. */
	shake(s, 1, 91, T0 + 91 * S, 0, 0, 0);
	skew_solve(s);
	assert_int_equal(skew_each_change(s, keep, on_clock, &f), ERR_OK);
	skew_solve(copy);
	for (int64_t k = 1; k <= 3; k++) {
		assert_int_equal(skew_ahead(copy, k, T0, &known),
				 skew_ahead(s, k, T0, &known));
	}
	assert_int_equal(skew_recall(copy, 1, UINT64_C(91) << 40 | 91,
				     T0 + 91 * S, T0 + 91 * S + 120000),
			 ERR_OK);
	skew_told(copy, 2, "off");
	skew_told(copy, 3, "off");
	shake(copy, 2, 91, T0 + 91 * S, 42000000, 0, 3000);
	skew_solve(copy);
	assert_int_equal(skew_each_change(copy, no_pair, on_clock, &f), ERR_OK);
	assert_int_equal(f.clocks[2].shared, 181);
	/* Of what was told before only what is otherwise now has turned. */
	assert_int_equal(f.clocks[2].state, SKEW_OFF);
	assert_false(f.clocks[2].turned);
	assert_true(f.clocks[3].turned);
	skew_free(s);
	skew_free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets), cmocka_unit_test(outliers),
		cmocka_unit_test(drift),   cmocka_unit_test(step),
		cmocka_unit_test(hostile), cmocka_unit_test(unsure),
		cmocka_unit_test(kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
