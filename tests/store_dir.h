/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_dir.h - a store in a directory that a test makes and removes
 *
 * A test includes it once: 'path' is its own.
 */
#ifndef TESTS_STORE_DIR_H
#define TESTS_STORE_DIR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store.h"
#include "tests/test.h"

static char dir[64], path[96];

static inline int
store_dir_make(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/picket-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.db", dir);
	return 0;
}

/* With all that SQLite may have left beside it. */
static inline int
store_dir_remove(void **state)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };
	char file[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		snprintf(file, sizeof(file), "%s%s", path, tails[i]);
		unlink(file);
	}
	rmdir(dir);
	return 0;
}

static inline struct store *
store_dir_open(void)
{
	struct store *s = NULL;
	struct diag d = { "" };

	if (store_open(&s, path, &d) != ERR_OK) {
		fail_msg("%s", d.msg);
	}
	return s;
}

#endif
