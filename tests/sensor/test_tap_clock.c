/* SPDX-License-Identifier: Apache-2.0 */
/* An adapter's clock that is far from the host's, and one that is not. */
#include "tests/test.h"

#include "sensor/tap_clock.h"

#define HOLD UINT64_C(25000)
#define HOUR UINT64_C(3600000000)
#define BEGIN (UINT64_C(1700000000) * 1000000)

struct scene {
	struct tap_clock clock;
	struct batch_frames *b;
	uint64_t host_us, mono_us, drift_us; /* adapter's minus host's */
};

static void
begin(struct scene *s, uint64_t drift_us)
{
	tap_clock_reset(&s->clock, true);
	s->b = batch_frames_new();
	assert_non_null(s->b);
	s->host_us = BEGIN;
	s->mono_us = 5;
	s->drift_us = drift_us;
}

static void
pass(struct scene *s, uint64_t us)
{
	s->host_us += us;
	s->mono_us += us;
}

/* Two packets, so long ago, are read now. */
static void
read_two(struct scene *s, uint64_t first_ago, uint64_t second_ago)
{
	s->b->n = 2;
	s->b->frame[0].ts_us = s->host_us + s->drift_us - first_ago;
	s->b->frame[1].ts_us = s->host_us + s->drift_us - second_ago;
	tap_clock_check(&s->clock, s->b, s->host_us, s->mono_us, HOLD);
}

/* What was made of a packet's time is not far from when it came. */
static void
came(const struct scene *s, unsigned i, uint64_t ago, uint64_t slack)
{
	assert_in_range(s->b->frame[i].ts_us, s->host_us - ago - slack,
			s->host_us);
}

static void
test_which_stamps(void **state)
{
	(void)state;
	assert_false(tap_clock_is_foreign("host"));
	assert_false(tap_clock_is_foreign("host_hiprec"));
	assert_true(tap_clock_is_foreign("adapter"));
	assert_true(tap_clock_is_foreign("adapter_unsynced"));
}

/* An hour off, either way, from the first packet on. */
static void
far_off(uint64_t drift_us)
{
	struct scene s;

	begin(&s, drift_us);
	for (unsigned i = 0; i < 1000; i++) {
		tap_clock_empty(&s.clock, s.mono_us);
		pass(&s, 20000);
		read_two(&s, 9000, 1000);
		assert_true(s.clock.off);
		came(&s, 0, 9000, HOLD + 20000);
		came(&s, 1, 1000, HOLD + 20000);
		assert_int_equal(s.b->frame[1].ts_us - s.b->frame[0].ts_us,
				 8000);
		s.drift_us += i % 3; /* it goes wrong by more */
	}
	batch_frames_free(s.b);
}

static void
test_far_ahead(void **state)
{
	(void)state;
	far_off(HOUR);
}

static void
test_far_behind(void **state)
{
	(void)state;
	far_off(0 - HOUR);
}

/* A clock that is right, or nearly: nothing is changed, also of a worker that
 * comes back to a full ring after a minute. */
static void
test_near_is_believed(void **state)
{
	static const uint64_t drift[] = { 0, 300000, 0 - (uint64_t)300000 };

	(void)state;
	for (unsigned k = 0; k < ARRAY_LEN(drift); k++) {
		struct scene s;
		uint64_t was;

		begin(&s, drift[k]);
		read_two(&s, HOUR, HOUR - 10); /* who knows since when */
		assert_false(s.clock.off);
		tap_clock_empty(&s.clock, s.mono_us);
		pass(&s, 60 * UINT64_C(1000000));
		was = s.host_us + drift[k] - 59000000;
		read_two(&s, 59000000, 10);
		assert_false(s.clock.off);
		assert_int_equal(s.b->frame[0].ts_us, was);
		batch_frames_free(s.b);
	}
}

/* Somebody sets the adapter's clock: it is believed again. */
static void
test_put_right(void **state)
{
	struct scene s;
	uint64_t was;

	(void)state;
	begin(&s, 0 - HOUR);
	tap_clock_empty(&s.clock, s.mono_us);
	pass(&s, 20000);
	read_two(&s, 9000, 1000);
	assert_true(s.clock.off);
	assert_in_range(s.clock.shift_us, HOUR - HOLD - 20000, HOUR);
	s.drift_us = 0;
	tap_clock_empty(&s.clock, s.mono_us);
	pass(&s, 20000);
	was = s.host_us - 9000;
	read_two(&s, 9000, 1000);
	assert_false(s.clock.off);
	assert_int_equal(s.b->frame[0].ts_us, was);
	batch_frames_free(s.b);
}

/* The host's own stamps are never touched. */
static void
test_host_is_not_watched(void **state)
{
	struct scene s;

	(void)state;
	begin(&s, HOUR);
	tap_clock_reset(&s.clock, false);
	read_two(&s, 9000, 1000);
	assert_false(s.clock.off);
	assert_int_equal(s.b->frame[1].ts_us, s.host_us + HOUR - 1000);
	batch_frames_free(s.b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which_stamps),
		cmocka_unit_test(test_far_ahead),
		cmocka_unit_test(test_far_behind),
		cmocka_unit_test(test_near_is_believed),
		cmocka_unit_test(test_put_right),
		cmocka_unit_test(test_host_is_not_watched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
