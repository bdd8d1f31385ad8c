/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that is full for a while takes nothing from what was kept. */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sensor/armed_file.h"

static void
limit(rlim_t bytes)
{
	struct rlimit r;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	r.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static off_t
size_of(const char *dir)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", dir, ARMED_FILE);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void
half_a_base_replaces_nothing(void **state)
{
	static const uint8_t bytes[4096];
	char dir[] = "/tmp/picket-armed.XXXXXX", cmd[64];
	struct view doc = view_of(bytes, sizeof(bytes));
	struct armed_file *f;
	struct diag d;
	off_t size;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(armed_file_open(&f, dir, &d), ERR_OK);
	assert_int_equal(armed_file_begin(f, doc, &d), ERR_OK);
	assert_int_equal(armed_file_part(f, doc, &d), ERR_OK);
	assert_int_equal(armed_file_end(f, false, 1, 1, &d), ERR_OK);
	size = size_of(dir);
	assert_true(size > 2 * (off_t)sizeof(bytes));
	/* the second part of three does not fit, the third would */
	assert_int_equal(armed_file_begin(f, doc, &d), ERR_OK);
	limit(sizeof(bytes) + 100);
	assert_int_equal(armed_file_part(f, doc, &d), ERR_IO);
	limit(RLIM_INFINITY);
	assert_int_not_equal(armed_file_part(f, view_sub(doc, 0, 200), &d),
			     ERR_OK);
	assert_int_not_equal(armed_file_end(f, false, 1, 2, &d), ERR_OK);
	assert_int_equal(size_of(dir), size);
	/* the next one does */
	assert_int_equal(armed_file_begin(f, doc, &d), ERR_OK);
	assert_int_equal(armed_file_end(f, false, 1, 2, &d), ERR_OK);
	assert_true(size_of(dir) < size);
	armed_file_close(f);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_a_base_replaces_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
