/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_digest.h - MD5, SHA-1 and SHA-256 of bytes that come in pieces
 *
 * Place    above base.h; below file.
 * Threads  one digest_pool per worker.
 * Memory   at most DIGEST_RUNS_MAX runs at a time, from the heap when first
 *          needed and then used again and again.
 * Cost     the digests' own; a warm run allocates nothing.
 */
#ifndef SENSOR_FILE_DIGEST_H
#define SENSOR_FILE_DIGEST_H

#include "common/base.h"

enum digest_kind {
	DIGEST_MD5 = 1,
	DIGEST_SHA1 = 2,
	DIGEST_SHA256 = 4,
	DIGEST_ALL = 7,
};

#define DIGEST_RUNS_MAX 8192

struct digest_sums {
	uint8_t has; /* enum digest_kind: which of these are known */
	uint8_t md5[16], sha1[20], sha256[32];
};

struct digest_pool;
struct digest_run;

struct digest_pool *digest_pool_new(void); /* NULL: out of memory */
void digest_pool_free(struct digest_pool *p); /* all runs were ended */

/* NULL when too many run, or memory is out. */
struct digest_run *digest_begin(struct digest_pool *p, unsigned kinds);
void digest_add(struct digest_run *r, struct view data);
/* Writes the sums and gives the run back. */
void digest_end(struct digest_pool *p, struct digest_run *r,
		struct digest_sums *out);

#endif
