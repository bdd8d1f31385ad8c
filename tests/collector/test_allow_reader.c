/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allow lists that are read again while somebody else works: whole or not at
 * all, the newest, and given up at once when all ends.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/allow_reader.h"
#include "tests/wait_for.h"

static char dir[64], path[128];
static const char *const paths[] = { path };
static struct allow_reader *reader;

static void
write_list(const char *text)
{
	char fresh[160];
	FILE *f;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	f = fopen(fresh, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(fresh, path), 0);
}

static int
setup(void **state)
{
	struct diag d = { "" };

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/picket_allow_XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/mine.txt", dir);
	write_list("one.example\n192.0.2.0/24\n");
	assert_int_equal(allow_reader_start(&reader, paths, 1, &d), ERR_OK);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	allow_reader_stop(reader);
	reader = NULL;
	unlink(path);
	return rmdir(dir);
}

static bool
has(const struct allow_lists *lists, const char *name)
{
	return allow_lists_domain(lists, view_cstr(name), true) != NULL;
}

static void
what_is_asked_for_comes_once(void **state)
{
	struct allow_lists *lists;
	struct cidr net;
	struct diag d;

	(void)state;
	assert_false(allow_reader_take(reader, &lists, &d));
	allow_reader_ask(reader);
	wait_for(10, allow_reader_take(reader, &lists, &d));
	assert_non_null(lists);
	assert_true(has(lists, "one.example"));
	assert_true(cidr_parse(VIEW_LIT("192.0.2.7"), &net));
	assert_non_null(allow_lists_net(lists, &net));
	allow_reader_drop(reader, lists);
	assert_false(allow_reader_take(reader, &lists, &d));
	assert_null(lists);
}

/* Those that somebody has stay as they are, whatever is read. */
static void
what_is_broken_comes_as_the_reason(void **state)
{
	struct allow_lists *lists, *more;
	struct diag d;

	(void)state;
	allow_reader_ask(reader);
	wait_for(10, allow_reader_take(reader, &lists, &d));
	assert_non_null(lists);
	write_list("two.example\n10.0.0.0/99\n");
	allow_reader_ask(reader);
	wait_for(10, allow_reader_take(reader, &more, &d));
	assert_null(more);
	assert_non_null(strstr(d.msg, "mine.txt:2"));
	assert_true(has(lists, "one.example"));
	unlink(path);
	allow_reader_ask(reader);
	wait_for(10, allow_reader_take(reader, &more, &d));
	assert_null(more);
	write_list("three.example\n");
	allow_reader_ask(reader);
	wait_for(10, allow_reader_take(reader, &more, &d));
	assert_true(has(more, "three.example") && !has(more, "one.example"));
	assert_true(has(lists, "one.example"));
	allow_reader_drop(reader, lists);
	allow_reader_drop(reader, more);
}

/* However often it is asked, and wherever it was then. */
static void
the_newest_is_what_comes(void **state)
{
	struct allow_lists *lists;
	struct diag d;
	char text[64], name[32];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "n%u.example", i);
		snprintf(text, sizeof(text), "%s\n", name);
		write_list(text);
		allow_reader_ask(reader);
		if (i % 3 == 0) {
			wait_for(10, allow_reader_take(reader, &lists, &d));
			assert_true(has(lists, name));
			allow_reader_drop(reader, lists);
		}
	}
	wait_for(10, allow_reader_take(reader, &lists, &d));
	assert_true(has(lists, name));
	allow_lists_free(lists);
	/* What nobody took is nobody's: teardown frees it. */
	allow_reader_ask(reader);
}

static void
what_ends_is_not_waited_for(void **state)
{
	struct allow_lists *lists;
	struct diag d = { "" };
	atomic_bool ending = true;

	(void)state;
	assert_int_equal(allow_reader_read(paths, 1, &ending, &lists, &d),
			 ERR_CLOSED);
	assert_null(lists);
	atomic_store(&ending, false);
	assert_int_equal(allow_reader_read(paths, 1, &ending, &lists, &d),
			 ERR_OK);
	allow_lists_free(lists);
	write_list("{\"type\":\"cidr\",\"list\":[\"192.0.2.0/24\"]}");
	atomic_store(&ending, true);
	assert_int_equal(allow_reader_read(paths, 1, &ending, &lists, &d),
			 ERR_CLOSED);
	allow_reader_ask(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(what_is_asked_for_comes_once),
		CASE(what_is_broken_comes_as_the_reason),
		CASE(the_newest_is_what_comes),
		CASE(what_ends_is_not_waited_for),
#undef CASE
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
