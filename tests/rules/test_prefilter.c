/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rules/prefilter.h"

#define MAX_IDS 512
#define WORDS (MAX_IDS / 64)

/* splitmix64: the same stream of numbers on every run. */
static uint64_t
rnd(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static bool
occurs(const struct prefilter_literal *l, struct view data)
{
	for (size_t i = 0; i + l->bytes.len <= data.len; i++) {
		struct view at = view_of(data.p + i, l->bytes.len);

		if (l->nocase ? view_caseeq(at, l->bytes)
			      : view_eq(at, l->bytes)) {
			return true;
		}
	}
	return false;
}

static void
naive(const struct prefilter_literal *l, size_t n, struct view data,
      uint64_t *bits)
{
	for (size_t i = 0; i < n; i++) {
		if (occurs(&l[i], data)) {
			bits[l[i].id / 64] |= UINT64_C(1) << (l[i].id % 64);
		}
	}
}

/* Scans and checks that 'ids' holds exactly the bits that were added. */
static void
scan_and_compare(const struct prefilter *p, struct prefilter_scratch *s,
		 const struct prefilter_literal *l, size_t n, struct view data)
{
	uint64_t got[WORDS] = { 0 }, want[WORDS] = { 0 }, seen[WORDS] = { 0 };
	uint32_t ids[MAX_IDS];
	size_t found;

	naive(l, n, data, want);
	found = prefilter_scan(p, s, data, got, ids);
	assert_memory_equal(got, want, sizeof(got));
	for (size_t i = 0; i < found; i++) {
		uint64_t bit = UINT64_C(1) << (ids[i] % 64);

		assert_int_equal(seen[ids[i] / 64] & bit, 0);
		seen[ids[i] / 64] |= bit;
	}
	assert_memory_equal(seen, want, sizeof(seen));
	assert_int_equal(prefilter_scan(p, s, data, got, ids), 0);
}

static void
test_empty_set(void **state)
{
	struct diag d;
	struct prefilter *p = prefilter_build(NULL, 0, &d);
	struct prefilter_scratch *s = prefilter_scratch_new();
	uint64_t bits[1] = { 0 };
	uint32_t ids[1];

	(void)state;
	assert_non_null(p);
	assert_int_equal(prefilter_scratch_grow(s, p), ERR_OK);
	assert_int_equal(prefilter_scan(p, s, VIEW_LIT("abc"), bits, ids), 0);
	assert_int_equal(prefilter_longest(p), 0);
	prefilter_free(p);
	prefilter_scratch_free(s);
	prefilter_free(NULL);
	prefilter_scratch_free(NULL);
}

static void
test_refusals(void **state)
{
	static uint8_t big[PREFILTER_LITERAL_MAX + 1];
	struct prefilter_literal l = { .bytes = VIEW_NONE };
	struct diag d = { "" };

	(void)state;
	assert_null(prefilter_build(&l, 1, &d));
	assert_non_null(strstr(d.msg, "empty"));
	l.bytes = view_of(big, sizeof(big));
	assert_null(prefilter_build(&l, 1, &d));
	assert_non_null(strstr(d.msg, "1025 bytes"));
	l.bytes.len--;
	struct prefilter *p = prefilter_build(&l, 1, &d);

	assert_non_null(p);
	assert_int_equal(prefilter_longest(p), PREFILTER_LITERAL_MAX);
	prefilter_free(p);
}

/* NUL, one byte, regex signs, mixed case, shared ids, borders of the data. */
static void
test_chosen_literals(void **state)
{
	const struct prefilter_literal l[] = {
		{ VIEW_LIT("\0"), false, 0 },
		{ VIEW_LIT("a"), true, 1 },
		{ VIEW_LIT("a"), false, 2 },
		{ VIEW_LIT(".*"), false, 3 },
		{ VIEW_LIT("GeT "), true, 4 },
		{ VIEW_LIT("GeT "), false, 5 },
		{ VIEW_LIT("POST "), true, 4 },
		{ VIEW_LIT("\xc3\xa4"), true, 6 },
		{ VIEW_LIT("\xe4"), true, 7 },
		{ VIEW_LIT("@[`{"), true, 8 },
		{ VIEW_LIT("\n"), false, 9 },
		{ VIEW_LIT("x\0y\0z"), true, 200 },
	};
	const struct view data[] = {
		VIEW_LIT(""),          VIEW_LIT("\0"),
		VIEW_LIT("A"),         VIEW_LIT("a"),
		VIEW_LIT("zz.*"),      VIEW_LIT("get x"),
		VIEW_LIT("GeT x"),     VIEW_LIT("poST get "),
		VIEW_LIT("\xc3\x84"),  VIEW_LIT("\xc3\xa4"),
		VIEW_LIT("\xc4\xe4"),  VIEW_LIT("@[`{"),
		VIEW_LIT("`{@["),      VIEW_LIT("a\nb"),
		VIEW_LIT("X\0Y\0Z\0"), VIEW_LIT("x\0y\1z"),
	};
	struct diag d;
	struct prefilter *p = prefilter_build(l, ARRAY_LEN(l), &d);
	struct prefilter_scratch *s = prefilter_scratch_new();

	(void)state;
	assert_non_null(p);
	assert_int_equal(prefilter_longest(p), 5);
	assert_true(prefilter_memory(p) > 0);
	assert_int_equal(prefilter_scratch_grow(s, p), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(data); i++) {
		scan_and_compare(p, s, l, ARRAY_LEN(l), data[i]);
	}
	prefilter_free(p);
	prefilter_scratch_free(s);
}

#define N_LITS 400
#define N_DATA 700

static void
random_round(uint64_t seed, struct prefilter_scratch *s)
{
	static uint8_t bytes[N_LITS][24], data[N_DATA];
	struct prefilter_literal l[N_LITS];
	size_t n = 1 + rnd(&seed) % N_LITS;
	/* few letters: many near misses and overlaps */
	unsigned letters = 2 + rnd(&seed) % 60;
	unsigned base = rnd(&seed) % 2 == 0 ? 'A' : rnd(&seed) % 256;
	struct diag d;
	struct prefilter *p;

	for (size_t i = 0; i < n; i++) {
		size_t len = 1 + rnd(&seed) % sizeof(bytes[i]);

		for (size_t k = 0; k < len; k++) {
			bytes[i][k] = (uint8_t)(base + rnd(&seed) % letters);
		}
		l[i].bytes = view_of(bytes[i], len);
		l[i].nocase = rnd(&seed) % 2 == 0;
		l[i].id = (uint32_t)(rnd(&seed) % MAX_IDS);
	}
	p = prefilter_build(l, n, &d);
	assert_non_null(p);
	assert_int_equal(prefilter_scratch_grow(s, p), ERR_OK);
	for (unsigned round = 0; round < 40; round++) {
		size_t len = rnd(&seed) % N_DATA;

		for (size_t i = 0; i < len; i++) {
			data[i] = (uint8_t)(base + rnd(&seed) % letters);
		}
		for (unsigned k = 0; k < 4; k++) {
			const struct view v = l[rnd(&seed) % n].bytes;
			size_t at = rnd(&seed) % N_DATA;

			if (at + v.len <= len) {
				memcpy(data + at, v.p, v.len);
			}
		}
		scan_and_compare(p, s, l, n, view_of(data, len));
	}
	prefilter_free(p);
}

/* One scratch serves prefilters of all sizes, in any order. */
static void
test_against_naive(void **state)
{
	struct prefilter_scratch *s = prefilter_scratch_new();

	(void)state;
	for (uint64_t seed = 1; seed <= 25; seed++) {
		random_round(seed, s);
	}
	prefilter_scratch_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_set),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_chosen_literals),
		cmocka_unit_test(test_against_naive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
