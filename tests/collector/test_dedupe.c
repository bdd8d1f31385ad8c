/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/dedupe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct dedupe_mark seen;

static enum err
look(void *arg, const struct dedupe_mark *m)
{
	(void)arg;
	seen = *m;
	return ERR_OK;
}

static enum dedupe_verdict
note(struct dedupe *d, uint64_t lo, uint64_t hi, uint64_t *n)
{
	enum dedupe_verdict v;

	assert_int_equal(dedupe_note(d, 1, 100, lo, hi, &v, n), ERR_OK);
	assert_int_equal(dedupe_each(d, false, look, NULL), ERR_OK);
	return v;
}

static void
holes_are_remembered_and_closed(void **state)
{
	struct dedupe *d = dedupe_new();
	uint64_t n;

	(void)state;
	assert_int_equal(note(d, 1, 1, &n), DEDUPE_NEW);
	assert_int_equal(seen.upto, 1);
	assert_int_equal(note(d, 1, 1, &n), DEDUPE_REPEAT);
	assert_int_equal(note(d, 5, 5, &n), DEDUPE_NEW);
	assert_int_equal(note(d, 3, 3, &n), DEDUPE_NEW);
	assert_int_equal(note(d, 5, 5, &n), DEDUPE_REPEAT);
	assert_int_equal(seen.upto, 1);
	assert_int_equal(seen.n_ranges, 2);
	assert_true(dedupe_has(d, 1, 100, 3));
	assert_false(dedupe_has(d, 1, 100, 4));
	assert_false(dedupe_has(d, 1, 101, 1));
	assert_int_equal(note(d, 4, 4, &n), DEDUPE_NEW);
	assert_int_equal(seen.n_ranges, 1);
	assert_int_equal(note(d, 2, 2, &n), DEDUPE_NEW);
	assert_int_equal(seen.upto, 5);
	assert_int_equal(seen.n_ranges, 0);
	dedupe_free(d);
}

static void
gaps_count_only_what_was_missing(void **state)
{
	struct dedupe *d = dedupe_new();
	uint64_t n;

	(void)state;
	assert_int_equal(note(d, 3, 3, &n), DEDUPE_NEW);
	assert_int_equal(note(d, 7, 8, &n), DEDUPE_NEW);
	assert_int_equal(note(d, 1, 10, &n), DEDUPE_NEW);
	assert_int_equal(n, 7);
	assert_int_equal(seen.upto, 10);
	assert_int_equal(note(d, 2, 9, &n), DEDUPE_REPEAT);
	assert_int_equal(note(d, 9, 12, &n), DEDUPE_NEW);
	assert_int_equal(n, 2);
	dedupe_free(d);
}

/* So many epochs at once that none may go yet, then one by one. */
static void
epochs_do_not_cost_memory(void **state)
{
	struct dedupe *d = dedupe_new();
	enum dedupe_verdict v;
	uint64_t n;
	unsigned kept = 0;

	(void)state;
	for (uint64_t e = 1; e <= 1024; e++) {
		assert_int_equal(dedupe_note(d, 1, e, 1, 1, &v, &n), ERR_OK);
		assert_int_equal(v, DEDUPE_NEW);
	}
	assert_int_equal(dedupe_forgotten(d), 0);
	assert_true(dedupe_knows(d, 1, 1));
	dedupe_clean(d);
	assert_int_equal(dedupe_note(d, 1, 1025, 1, 1, &v, &n), ERR_OK);
	for (uint64_t e = 1; e <= 1025; e++) {
		kept += dedupe_knows(d, 1, e);
	}
	assert_int_equal(kept, DEDUPE_MAX_EPOCHS);
	assert_int_equal(dedupe_forgotten(d), 1025 - DEDUPE_MAX_EPOCHS);
	assert_true(dedupe_knows(d, 1, 1024));
	dedupe_forget(d, 1, 1024);
	dedupe_forget(d, 1, 1024);
	assert_false(dedupe_knows(d, 1, 1024));
	dedupe_free(d);
}

/* The rows that a store would hold, from nothing but the changes told. */
struct rows {
	uint64_t hi[600]; /* by lo; 0: no such row */
};

static enum err
on_change(void *arg, const struct dedupe_mark *m, struct dedupe_range gone,
	  struct dedupe_range now)
{
	struct rows *r = arg;

	(void)m;
	for (uint64_t lo = gone.lo; lo <= gone.hi && lo < 600; lo++) {
		r->hi[lo] = 0;
	}
	if (now.lo <= now.hi) {
		assert_int_equal(r->hi[now.lo], 0);
		r->hi[now.lo] = now.hi;
	}
	return ERR_OK;
}

static enum err
on_mark(void *arg, const struct dedupe_mark *m)
{
	struct rows *r = arg;
	unsigned n = 0;

	assert_int_equal(dedupe_changes(m, on_change, r), ERR_OK);
	for (uint64_t lo = 0; lo < 600; lo++) {
		if (r->hi[lo] != 0) {
			assert_true(n < m->n_ranges);
			assert_int_equal(m->ranges[n].lo, lo);
			assert_int_equal(m->ranges[n].hi, r->hi[lo]);
			n++;
		}
	}
	assert_int_equal(n, m->n_ranges);
	return ERR_OK;
}

/* In any order, in steps of any size: the changes alone rebuild the marks. */
static void
changes_are_enough(void **state)
{
	struct dedupe *d = dedupe_new();
	struct rows rows = { { 0 } };
	uint32_t seed = 7;
	uint64_t n;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		uint64_t lo, hi;
		enum dedupe_verdict v;

		seed = seed * 1664525u + 1013904223u;
		lo = 1 + (seed >> 8) % (i < 3000 ? 500 : 20);
		hi = lo + (seed >> 28) % 3;
		assert_int_equal(dedupe_note(d, 1, 100, lo, hi, &v, &n),
				 ERR_OK);
		if (seed % (i < 2000 ? 90 : 7) == 0) {
			assert_int_equal(dedupe_each(d, true, on_mark, &rows),
					 ERR_OK);
			dedupe_clean(d);
		}
	}
	dedupe_free(d);
}

static void
too_many_holes_must_come_again(void **state)
{
	struct dedupe *d = dedupe_new();
	uint64_t n;

	(void)state;
	for (uint64_t i = 0; i < DEDUPE_MAX_RANGES; i++) {
		assert_int_equal(note(d, 3 + 2 * i, 3 + 2 * i, &n), DEDUPE_NEW);
	}
	assert_int_equal(note(d, 999999, 999999, &n), DEDUPE_FULL);
	assert_false(dedupe_has(d, 1, 100, 999999));
	/* What closes a hole is always welcome. */
	assert_int_equal(note(d, 1, 2, &n), DEDUPE_NEW);
	assert_int_equal(note(d, 999999, 999999, &n), DEDUPE_NEW);
	dedupe_free(d);
}

/* Against a plain bitmap. */
static void
agrees_with_a_bitmap(void **state)
{
	bool map[258] = { true };
	struct dedupe *d = dedupe_new();
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t lo, hi, n, fresh = 0;
		enum dedupe_verdict v;

		seed = seed * 1664525u + 1013904223u;
		lo = (seed >> 8) % 256 + 1;
		hi = MIN(lo + (seed >> 20) % 3, (uint64_t)256);
		for (uint64_t k = lo; k <= hi; k++) {
			fresh += !map[k];
			map[k] = true;
		}
		v = note(d, lo, hi, &n);
		assert_int_equal(v, fresh > 0 ? DEDUPE_NEW : DEDUPE_REPEAT);
		assert_int_equal(n, fresh);
		for (uint64_t k = 1; k <= 257; k++) {
			assert_int_equal(dedupe_has(d, 1, 100, k), map[k]);
		}
	}
	dedupe_free(d);
}

static void
epochs_are_bounded(void **state)
{
	struct dedupe *d = dedupe_new();
	enum dedupe_verdict v;
	uint64_t n;

	(void)state;
	for (uint64_t epoch = 1; epoch <= 10 * DEDUPE_MAX_EPOCHS; epoch++) {
		assert_int_equal(dedupe_note(d, 1, epoch, 1, 1, &v, &n),
				 ERR_OK);
		dedupe_clean(d);
	}
	assert_false(dedupe_has(d, 1, 1, 1));
	assert_true(dedupe_has(d, 1, 10 * DEDUPE_MAX_EPOCHS, 1));
	dedupe_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_are_remembered_and_closed),
		cmocka_unit_test(gaps_count_only_what_was_missing),
		cmocka_unit_test(changes_are_enough),
		cmocka_unit_test(too_many_holes_must_come_again),
		cmocka_unit_test(agrees_with_a_bitmap),
		cmocka_unit_test(epochs_are_bounded),
		cmocka_unit_test(epochs_do_not_cost_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
