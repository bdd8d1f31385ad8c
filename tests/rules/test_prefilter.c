/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* How many paths this processor has. */
static unsigned
n_paths(void)
{
	unsigned n = 0;

	while (prefilter_path_name(n) != NULL) {
		n++;
	}
	return n;
}

/* Where 'l' first stands in 'in' as asked for; SIZE_MAX: nowhere. */
static size_t
stands_at(const struct prefilter_literal *l, const struct prefilter_input *in)
{
	for (size_t i = 0; i + l->bytes.len <= in->data.len; i++) {
		struct view at = view_of(in->data.p + i, l->bytes.len);

		if (i + l->bytes.len <= in->fresh || in->base + i < l->from ||
		    (l->to != PREFILTER_ANYWHERE && in->base + i > l->to)) {
			continue;
		}
		if (l->nocase ? view_caseeq(at, l->bytes)
			      : view_eq(at, l->bytes)) {
			return i;
		}
	}
	return SIZE_MAX;
}

static void
naive(const struct prefilter_literal *l, size_t n,
      const struct prefilter_input *in, size_t at[MAX_IDS])
{
	for (size_t i = 0; i < MAX_IDS; i++) {
		at[i] = SIZE_MAX;
	}
	for (size_t i = 0; i < n; i++) {
		at[l[i].id] = MIN(at[l[i].id], stands_at(&l[i], in));
	}
}

static void
scan_and_compare_once(const struct prefilter *p, struct prefilter_scratch *s,
		      const struct prefilter_literal *l, size_t n,
		      const struct prefilter_input *in)
{
	uint64_t bits[WORDS] = { 0 };
	struct prefilter_hit hits[MAX_IDS];
	size_t want[MAX_IDS], n_want = 0, found;

	naive(l, n, in, want);
	found = prefilter_scan(p, s, in, bits, hits);
	for (size_t i = 0; i < MAX_IDS; i++) {
		bool got = (bits[i / 64] >> (i % 64) & 1) != 0;

		assert_int_equal(got, want[i] != SIZE_MAX);
		n_want += want[i] != SIZE_MAX;
	}
	assert_int_equal(found, n_want);
	for (size_t i = 0; i < found; i++) {
		assert_int_equal(hits[i].at, want[hits[i].id]);
		want[hits[i].id] = SIZE_MAX; /* not twice */
	}
	assert_int_equal(prefilter_scan(p, s, in, bits, hits), 0);
}

/*
 * Scans and checks that each id is told once, and where it stands first: in
 * the way of ordinary bytes, in that of hostile ones, and from one to the other.
 */
static void
scan_and_compare(const struct prefilter *p, struct prefilter_scratch *s,
		 const struct prefilter_literal *l, size_t n,
		 const struct prefilter_input *in)
{
	const uint32_t limits[] = { UINT32_MAX, 0, 60 };

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		prefilter_force_linear(s, limits[i]);
		scan_and_compare_once(p, s, l, n, in);
	}
}

static void
test_empty_set(void **state)
{
	struct diag d;
	struct prefilter *p = prefilter_build(NULL, 0, &d);
	struct prefilter_scratch *s = prefilter_scratch_new();
	const struct prefilter_input in = { .data = VIEW_LIT("abc") };
	struct prefilter_hit hits[1];
	uint64_t bits[1] = { 0 };

	(void)state;
	assert_non_null(p);
	assert_int_equal(prefilter_scratch_grow(s, p), ERR_OK);
	assert_int_equal(prefilter_scan(p, s, &in, bits, hits), 0);
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
	struct prefilter_literal l = { .to = PREFILTER_ANYWHERE };
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

/* The last byte of 'len' bytes that end at a page nobody may read. */
static uint8_t *
before_the_edge(size_t len)
{
	static uint8_t *edge;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (edge == NULL) {
		uint8_t *all = mmap(NULL, 6 * page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(all != MAP_FAILED);
		assert_int_equal(mprotect(all, page, PROT_NONE), 0);
		assert_int_equal(mprotect(all + 5 * page, page, PROT_NONE), 0);
		edge = all + 5 * page;
	}
	assert_true(len <= 4 * page);
	return edge - len;
}

/* The first byte behind a page that nobody may read. */
static uint8_t *
behind_the_edge(void)
{
	return before_the_edge(4 * (size_t)sysconf(_SC_PAGESIZE));
}

static void
free_all(struct prefilter **p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		prefilter_free(p[i]);
	}
}

/* One for each path. */
static void
build_all(struct prefilter **p, const struct prefilter_literal *l, size_t n)
{
	struct diag d;

	for (unsigned i = 0; i < n_paths(); i++) {
		assert_true(prefilter_force_path(prefilter_path_name(i)));
		p[i] = prefilter_build(l, n, &d);
		assert_non_null(p[i]);
	}
	assert_true(prefilter_force_path(NULL));
}

#define PATHS 8
#define ANY 0, PREFILTER_ANYWHERE

/* NUL, one byte, regex signs, mixed case, shared ids, borders of the data. */
static void
test_chosen_literals(void **state)
{
	const struct prefilter_literal l[] = {
		{ VIEW_LIT("\0"), false, 0, ANY },
		{ VIEW_LIT("a"), true, 1, ANY },
		{ VIEW_LIT("a"), false, 2, ANY },
		{ VIEW_LIT(".*"), false, 3, ANY },
		{ VIEW_LIT("GeT "), true, 4, ANY },
		{ VIEW_LIT("GeT "), false, 5, ANY },
		{ VIEW_LIT("POST "), true, 4, ANY },
		{ VIEW_LIT("\xc3\xa4"), true, 6, ANY },
		{ VIEW_LIT("\xe4"), true, 7, ANY },
		{ VIEW_LIT("@[`{"), true, 8, ANY },
		{ VIEW_LIT("\n"), false, 9, ANY },
		{ VIEW_LIT("x\0y\0z"), true, 200, ANY },
		{ VIEW_LIT("AAAAA"), false, 201, ANY },
		{ VIEW_LIT("AAAAA"), true, 202, ANY },
		{ VIEW_LIT("AAAAAAAA"), false, 203, 2, 3 },
		{ VIEW_LIT("GeT "), false, 204, 0, 0 },
		{ VIEW_LIT("GeT /index"), true, 205, 2, 2 },
		{ VIEW_LIT("x"), true, 206, 0, 0 },
		{ VIEW_LIT("x"), true, 207, 1, 0 },
	};
	const struct view data[] = {
		VIEW_LIT(""),           VIEW_LIT("\0"),
		VIEW_LIT("A"),          VIEW_LIT("a"),
		VIEW_LIT("zz.*"),       VIEW_LIT("get x"),
		VIEW_LIT("GeT x"),      VIEW_LIT("poST get "),
		VIEW_LIT("\xc3\x84"),   VIEW_LIT("\xc3\xa4"),
		VIEW_LIT("\xc4\xe4"),   VIEW_LIT("@[`{"),
		VIEW_LIT("`{@["),       VIEW_LIT("a\nb"),
		VIEW_LIT("X\0Y\0Z\0"),  VIEW_LIT("x\0y\1z"),
		VIEW_LIT("AAAaA"),      VIEW_LIT("AAAAA"),
		VIEW_LIT("AAAAAAAAA"),  VIEW_LIT("AAAAAAAAAA"),
		VIEW_LIT("XAAAAAAAAA"), VIEW_LIT("--GET /INDEX"),
	};
	struct prefilter *p[PATHS];
	struct prefilter_scratch *s = prefilter_scratch_new();

	(void)state;
	build_all(p, l, ARRAY_LEN(l));
	for (unsigned k = 0; k < n_paths(); k++) {
		assert_int_equal(prefilter_longest(p[k]), 10);
		assert_true(prefilter_memory(p[k]) > 0);
		assert_int_equal(prefilter_scratch_grow(s, p[k]), ERR_OK);
		for (size_t i = 0; i < ARRAY_LEN(data); i++) {
			struct prefilter_input in = { .data = data[i] };

			for (; in.fresh <= data[i].len; in.fresh++) {
				in.base = 0;
				scan_and_compare(p[k], s, l, ARRAY_LEN(l), &in);
				in.base = 1;
				scan_and_compare(p[k], s, l, ARRAY_LEN(l), &in);
			}
		}
	}
	free_all(p, n_paths());
	prefilter_scratch_free(s);
}

#define N_LITS 1600
#define N_FEW 400
#define N_DATA 3000

static void
random_literals(uint64_t *seed, struct prefilter_literal *l, size_t n,
		unsigned base, unsigned letters)
{
	static uint8_t bytes[N_LITS][40];

	for (size_t i = 0; i < n; i++) {
		size_t len = 1 + rnd(seed) % sizeof(bytes[i]);

		if (rnd(seed) % 2 == 0) {
			len = 1 + len % 10;
		}
		for (size_t k = 0; k < len; k++) {
			bytes[i][k] = (uint8_t)(base + rnd(seed) % letters);
		}
		if (rnd(seed) % 8 == 0) {
			memset(bytes[i], bytes[i][0], len);
		}
		l[i] = (struct prefilter_literal){
			view_of(bytes[i], len),
			rnd(seed) % 2 == 0,
			(uint32_t)(rnd(seed) % MAX_IDS),
			ANY,
		};
		if (rnd(seed) % 3 == 0) {
			l[i].from = (uint32_t)(rnd(seed) % 30);
			l[i].to = l[i].from + (uint32_t)(rnd(seed) % 4);
			l[i].to += rnd(seed) % 4 == 0 ? 200 : 0;
			l[i].to = rnd(seed) % 2 == 0 ? l[i].from : l[i].to;
		}
	}
}

static void
random_data(uint64_t *seed, const struct prefilter_literal *l, size_t n,
	    unsigned base, unsigned letters, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		data[i] = (uint8_t)(base + rnd(seed) % letters);
	}
	for (unsigned k = 0; k < 8 && len > 0; k++) {
		const struct prefilter_literal *one = &l[rnd(seed) % n];
		size_t at = rnd(seed) % 2 == 0 ? one->from : rnd(seed) % len;

		if (at + one->bytes.len <= len) {
			memcpy(data + at, one->bytes.p, one->bytes.len);
		}
	}
}

static void
random_round(uint64_t seed, struct prefilter_scratch *s)
{
	bool is_big = seed % 12 == 0;
	struct prefilter_literal l[N_LITS];
	struct prefilter *p[PATHS];
	size_t n = 1 + rnd(&seed) % N_FEW;
	/* few letters: many near misses and overlaps */
	unsigned letters = 2 + rnd(&seed) % 60;
	unsigned base = rnd(&seed) % 2 == 0 ? 'A' : rnd(&seed) % 256;

	if (rnd(&seed) % 3 == 0) {
		n = 1 + n % 20;
	}
	if (is_big) {
		n = N_LITS; /* as many tables as there can be */
	}
	random_literals(&seed, l, n, base, letters);
	build_all(p, l, n);
	for (unsigned round = 0; round < 30; round++) {
		size_t len = rnd(&seed) % (round % 4 == 0 ? N_DATA : 160);
		/* at either edge of what may be read, and in between */
		uint8_t *at = round % 3 == 0   ? behind_the_edge()
			      : round % 3 == 1 ? before_the_edge(len)
					       : before_the_edge(len + 77) + 7;
		struct prefilter_input in = { .data = view_of(at, len) };

		random_data(&seed, l, n, base, letters, at, len);
		if (rnd(&seed) % 2 == 0) {
			in.base = rnd(&seed) % 40;
			in.fresh = rnd(&seed) % (len + 1);
		}
		for (unsigned k = 0; k < n_paths(); k++) {
			scan_and_compare(p[k], s, l, n, &in);
		}
	}
	free_all(p, n_paths());
}

/* One scratch serves prefilters of all sizes, in any order. */
static void
test_against_naive(void **state)
{
	struct prefilter_scratch *s = prefilter_scratch_new();

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		random_round(seed, s);
	}
	prefilter_scratch_free(s);
}

/* What was seen in pieces is what is seen at once. */
static void
test_pieces(void **state)
{
	struct prefilter_scratch *s = prefilter_scratch_new();
	uint64_t seed = 99;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct prefilter_literal l[40];
		uint8_t data[400];
		uint64_t bits[WORDS] = { 0 };
		struct prefilter_hit hits[MAX_IDS];
		size_t want[MAX_IDS], end = 0, back;
		const struct prefilter_input all = { .data = view_of(data,
								     400) };
		struct prefilter *p;
		struct diag d;

		random_literals(&seed, l, 40, 'a', 9);
		random_data(&seed, l, 40, 'a', 9, data, sizeof(data));
		naive(l, 40, &all, want);
		p = prefilter_build(l, 40, &d);
		assert_non_null(p);
		back = prefilter_longest(p) - 1;
		while (end < sizeof(data)) {
			size_t begin = end > back ? end - back : 0, n;
			size_t step = 1 + rnd(&seed) % 90;
			size_t next = MIN(end + step, sizeof(data));
			struct prefilter_input in = {
				view_of(data + begin, next - begin),
				end - begin,
				begin,
			};

			n = prefilter_scan(p, s, &in, bits, hits);
			while (n-- > 0) {
				/* an id's shorter literal may end first */
				assert_true(begin + hits[n].at >=
					    want[hits[n].id]);
			}
			end = next;
		}
		for (size_t i = 0; i < MAX_IDS; i++) {
			assert_int_equal(bits[i / 64] >> (i % 64) & 1,
					 want[i] != SIZE_MAX);
		}
		prefilter_free(p);
	}
	prefilter_scratch_free(s);
}

/* A place whose end is no number of 32 bits, in data that end long before. */
static void
test_place_at_the_end_of_numbers(void **state)
{
	const struct prefilter_literal l = { VIEW_LIT("abcdefgh"), false, 0,
					     0xfffffff8, 0xfffffff8 };
	const struct prefilter_input in = { .data = VIEW_LIT("abcdefgh") };
	struct prefilter_scratch *s = prefilter_scratch_new();
	struct diag d;
	struct prefilter *p = prefilter_build(&l, 1, &d);

	(void)state;
	assert_non_null(s);
	assert_non_null(p);
	scan_and_compare(p, s, &l, 1, &in);
	prefilter_free(p);
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
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_place_at_the_end_of_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
