/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - what can go wrong with the world, and how it is told
 *
 * Place    above base.h only.
 * Threads  pure functions on caller's memory.
 * Memory   a diag is a fixed buffer of the caller's.
 * Cost     cold; the wire never causes an err (see docs/contributing.md).
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include "common/base.h"

/* Zero is success; failures are negative. */
enum err {
	ERR_OK = 0,
	ERR_NOMEM = -1, /* the allocator or a configured cap said no */
	ERR_IO = -2, /* the system refused; errno tells */
	ERR_FORMAT = -3, /* input is not what it claims to be */
	ERR_LIMIT = -4, /* a configured limit was reached */
	ERR_USAGE = -5, /* the caller or the user asked for nonsense */
	ERR_NOTFOUND = -6, /* no such thing */
	ERR_AGAIN = -7, /* not now; try later */
	ERR_CLOSED = -8, /* the other side is gone */
	ERR_AUTH = -9, /* credentials or permission refused */
	ERR_EOF = -10, /* nothing more to read */
	ERR_TRUNCATED = -11, /* input ends inside a record */
};

/* One-line name of 'e', static storage. */
const char *err_name(enum err e);

/* A message for the user: what is wrong, where, and the mend. */
struct diag {
	char msg[512];
};

/* Formats into 'd' (which may be NULL) and returns 'e', for one-line exits. */
enum err diag_set(struct diag *d, enum err e, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
