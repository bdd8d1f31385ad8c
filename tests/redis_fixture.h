/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_fixture.h - a redis-server of the test's own, on a unix socket
 *
 * Place    tests only.
 * Threads  one.
 * Memory   a directory below TMPDIR, removed by redis_fixture_close().
 */
#ifndef TESTS_REDIS_FIXTURE_H
#define TESTS_REDIS_FIXTURE_H

#include <sys/types.h>

#include "common/base.h"

struct redis_fixture {
	char dir[64];
	char sock[96];
	char url[112]; /* unix://... */
	pid_t pid; /* 0 while it does not run */
};

/* Makes the directory; false when redis-server is not installed. */
bool redis_fixture_open(struct redis_fixture *f) MUST_CHECK;
/* Starts an empty server with an extra option and its value (or NULLs) and
 * waits until it listens. */
bool redis_fixture_start(struct redis_fixture *f, const char *opt,
			 const char *value) MUST_CHECK;
void redis_fixture_stop(struct redis_fixture *f); /* SIGKILL */
void redis_fixture_freeze(struct redis_fixture *f, bool frozen);
void redis_fixture_close(struct redis_fixture *f);

#endif
