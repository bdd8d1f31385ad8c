/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "common/arena.h"

static void
the_limit_holds_and_everything_returns(void **state)
{
	struct pool *p = pool_new(1 << 20);
	void *block[4096];
	size_t size[4096];
	unsigned n = 0;

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		if (n < ARRAY_LEN(block) && rand() % 2 == 0) {
			size[n] = (size_t)(rand() % 5000);
			block[n] = pool_get(p, size[n]);
			if (block[n] != NULL) {
				memset(block[n], 0xa5, size[n]);
				n++;
			}
		} else if (n > 0) {
			unsigned i = (unsigned)rand() % n;

			pool_put(p, block[i], size[i]);
			block[i] = block[--n];
			size[i] = size[n];
		}
		assert_true(pool_in_use(p) <= 1 << 20);
	}
	while (n > 0) {
		n--;
		pool_put(p, block[n], size[n]);
	}
	assert_int_equal(pool_in_use(p), 0);
	assert_null(pool_get(p, POOL_MAX_BLOCK + 1));
	assert_true(pool_refusals(p) > 0);
	pool_free(p);
}

static void
arenas_give_back_all(void **state)
{
	struct pool *p = pool_new(1 << 22);
	struct arena a;

	(void)state;
	arena_init(&a, p, 256 << 10);
	for (unsigned i = 1; i < 300; i++) {
		uint8_t *m = arena_zalloc(&a, i);

		assert_non_null(m);
		assert_int_equal((uintptr_t)m % 16, 0);
		assert_int_equal(m[i - 1], 0);
	}
	assert_null(arena_alloc(&a, 512 << 10));
	while (arena_alloc(&a, 1000) != NULL) {
	}
	assert_true(a.used <= 256 << 10);
	arena_reset(&a);
	assert_int_equal(pool_in_use(p), 0);
	pool_free(p);
}

static void
buffers_grow_to_their_limit(void **state)
{
	struct pool *p = pool_new(1 << 22);
	struct buf b;

	(void)state;
	buf_init(&b, p, 1000);
	for (unsigned i = 0; i < 99; i++) {
		assert_int_equal(buf_append(&b, VIEW_LIT("0123456789")), 10);
	}
	assert_int_equal(buf_append(&b, VIEW_LIT("abcdefghijklmno")), 10);
	assert_int_equal(buf_append(&b, VIEW_LIT("x")), 0);
	assert_int_equal(b.len, 1000);
	buf_consume(&b, 990);
	assert_true(view_eq(buf_view(&b), VIEW_LIT("abcdefghij")));
	buf_fini(&b);
	assert_int_equal(pool_in_use(p), 0);
	pool_free(p);
}

static void
arenas_may_use_the_heap(void **state)
{
	struct pool *p = pool_new((size_t)64 << 20);
	struct arena a;
	uint8_t *m;

	(void)state;
	assert_non_null(p);
	arena_init(&a, p, (size_t)16 << 20);
	assert_null(arena_alloc(&a, (size_t)2 << 20));
	arena_allow_heap(&a);
	m = arena_zalloc(&a, (size_t)2 << 20);
	assert_non_null(m);
	m[((size_t)2 << 20) - 1] = 1;
	assert_non_null(arena_alloc(&a, 100));
	assert_non_null(arena_alloc(&a, POOL_MAX_BLOCK));
	assert_null(arena_alloc(&a, (size_t)16 << 20));
	arena_reset(&a);
	assert_int_equal(pool_in_use(p), 0);
	pool_free(p);
}

static void
a_warm_pool_meets_no_page_fault(void **state)
{
	struct pool *p = pool_new((size_t)8 << 20);
	struct rusage before, after;
	void *last = NULL;

	(void)state;
	assert_true(pool_warm(p, SIZE_MAX)); /* the limit bounds it */
	assert_int_equal(pool_in_use(p), 0);
	if (pool_class_size(1) == 1) { /* each block is a malloc of its own */
		pool_free(p);
		skip();
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	for (unsigned i = 0; i < 7 * 256; i++) {
		last = pool_get(p, 4096);
		assert_non_null(last);
		memset(last, 1, 4096);
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	assert_true(after.ru_minflt - before.ru_minflt < 16);
	assert_int_equal(pool_misses(p), 0);
	pool_put(p, last, 4096);
	assert_ptr_equal(pool_get(p, 4000), last);
	pool_free(p);

	p = pool_new((size_t)8 << 20);
	assert_true(pool_warm(p, 0));
	assert_non_null(pool_get(p, 4096));
	assert_int_equal(pool_misses(p), 1);
	pool_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_holds_and_everything_returns),
		cmocka_unit_test(arenas_give_back_all),
		cmocka_unit_test(arenas_may_use_the_heap),
		cmocka_unit_test(buffers_grow_to_their_limit),
		cmocka_unit_test(a_warm_pool_meets_no_page_fault),
	};

	return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
