/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to search, against the plain one, at the edge of what may be
 * read. */
#include "tests/test.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "rules/rule_search.h"

#define ROOM 1024 /* of data, up to a page that may not be touched */
#define NEEDLE_MAX 200

static uint8_t *wall; /* the first byte that may not be read */
static uint8_t *front; /* the first that may */

static void
build_walls(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p, page, PROT_NONE), 0);
	assert_int_equal(mprotect(p + 2 * page, page, PROT_NONE), 0);
	front = p + page;
	wall = p + 2 * page;
	assert_true(page >= ROOM);
}

static uint32_t
rnd(void)
{
	static uint64_t x = 7;

	x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(x >> 33);
}

static uint16_t fail[NEEDLE_MAX + 1];

/* KMP's table, the slow way: the longest border of each front. */
static struct content
content_of(const uint8_t *p, size_t n, bool nocase)
{
	struct content c = { .bytes = p, .fail = fail, .len = (uint16_t)n };

	for (size_t k = 0; k <= n; k++) {
		size_t b = k > 0 ? k - 1 : 0;

		while (b > 0 && memcmp(p, p + k - b, b) != 0) {
			b--;
		}
		fail[k] = (uint16_t)b;
	}
	rule_find_prepare(&c, nocase);
	return c;
}

static bool
stands(const struct content *c, bool nocase, const uint8_t *p)
{
	for (size_t i = 0; i < c->len; i++) {
		if ((nocase ? ascii_lower(p[i]) : p[i]) != c->bytes[i]) {
			return false;
		}
	}
	return true;
}

static int64_t
plain(const struct content *c, bool nocase, struct view d, size_t from)
{
	for (size_t i = from; i + c->len <= d.len; i++) {
		if (stands(c, nocase, d.p + i)) {
			return (int64_t)i;
		}
	}
	return -1;
}

static void
same(const struct content *c, bool nocase, struct view d, size_t from)
{
	assert_int_equal(rule_find(c, nocase, d, from),
			 plain(c, nocase, d, from));
}

/* All that occur, one after the other, as the verifier asks for them. */
static void
same_all(const struct content *c, bool nocase, struct view d)
{
	size_t from = 0;

	for (;;) {
		int64_t at = rule_find(c, nocase, d, from);

		assert_int_equal(at, plain(c, nocase, d, from));
		if (at < 0) {
			break;
		}
		assert_true(rule_find_at(c, nocase, d, (size_t)at));
		from = (size_t)at + 1;
	}
}

/* Few letters make many near misses; '@' and '[' are next to letters. */
static void
fill_with(uint8_t *p, size_t n, unsigned n_letters)
{
	static const char letters[] = "aAbB@[`{kK\x8b\xcb\0\xff zZ";

	for (size_t i = 0; i < n; i++) {
		p[i] = (uint8_t)letters[rnd() % n_letters];
	}
}

static void
try_random(unsigned rounds)
{
	uint8_t needle[NEEDLE_MAX];

	for (unsigned r = 0; r < rounds; r++) {
		unsigned letters = 1 + rnd() % 18;
		size_t len = rnd() % 3 == 0 ? rnd() % ROOM : rnd() % 150;
		size_t n = 1 + rnd() % (rnd() % 4 == 0 ? NEEDLE_MAX : 8);
		bool nocase = (rnd() & 1) != 0;
		/* up to either wall */
		uint8_t *p = (rnd() & 1) != 0 ? wall - len : front;
		struct content c;

		fill_with(p, len, letters);
		fill_with(needle, n, letters);
		if (n <= len && rnd() % 3 == 0) {
			memcpy(p + rnd() % (len - n + 1), needle, n);
		}
		for (size_t i = 0; nocase && i < n; i++) {
			needle[i] = ascii_lower(needle[i]);
		}
		c = content_of(needle, n, nocase);
		same(&c, nocase, view_of(p, len), len > 0 ? rnd() % len : 0);
		same_all(&c, nocase, view_of(p, len));
		assert_int_equal(
			rule_find(&c, nocase, view_of(p, len), len + 1), -1);
		assert_false(rule_find_at(&c, nocase, view_of(p, len), len));
		assert_false(
			rule_find_at(&c, nocase, view_of(p, len), SIZE_MAX));
	}
}

/* One occurrence, at each place of each length, at each alignment. */
static void
try_places(void)
{
	static const char *const words[] = { "x", "xy", "Host: ", "qqqqqqqq" };

	for (size_t w = 0; w < ARRAY_LEN(words); w++) {
		size_t n = strlen(words[w]);
		uint8_t low[16];
		struct content c;

		for (size_t i = 0; i < n; i++) {
			low[i] = ascii_lower((uint8_t)words[w][i]);
		}
		c = content_of(low, n, true);
		for (size_t len = n; len < 140; len++) {
			for (size_t at = 0; at + n <= len; at++) {
				uint8_t *p = wall - len;

				memset(p, '.', len);
				memcpy(p + at, words[w], n);
				same_all(&c, true, view_of(p, len));
			}
		}
	}
}

/* Bytes that hold both rare bytes everywhere and the content nowhere. */
static void
try_hostile(void)
{
	enum { N = 4096 - 8 };
	uint8_t needle[NEEDLE_MAX];
	struct content c;
	clock_t began, spent;

	memset(needle, 'q', sizeof(needle));
	needle[NEEDLE_MAX / 2] = 'z';
	memset(wall - N, 'q', N);
	for (unsigned nocase = 0; nocase < 2; nocase++) {
		c = content_of(needle, NEEDLE_MAX, nocase != 0);
		same(&c, nocase != 0, view_of(wall - N, N), 0);
		memcpy(wall - NEEDLE_MAX, needle, NEEDLE_MAX);
		same(&c, nocase != 0, view_of(wall - N, N), 0);
		memset(wall - N, 'q', N);
	}
	/* "qz" nowhere, but 'q' and 'q' everywhere */
	memset(needle, 'q', sizeof(needle));
	needle[0] = 'a';
	c = content_of(needle, NEEDLE_MAX, true);
	began = clock();
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(rule_find(&c, true, view_of(wall - N, N), 0),
				 -1);
	}
	spent = clock() - began;
	/* 4 MB: some 200 times as many comparisons would take far longer */
	assert_true(spent < 2 * CLOCKS_PER_SEC);
}

static void
test_paths(void **state)
{
	unsigned n = 0;

	(void)state;
	build_walls();
	for (unsigned i = 0; i < FIND_PATHS; i++) {
		if (!rule_find_use((enum find_path)i)) {
			continue;
		}
		print_message("%s\n", rule_find_name((enum find_path)i));
		n++;
		try_places();
		try_random(20000);
		try_hostile();
	}
	assert_true(n >= 2 || sizeof(void *) != 8);
	assert_false(rule_find_use(FIND_PATHS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
