/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_read.h - a file or bytes in memory, block by block and from any place
 *
 * Place    above err.h.
 * Threads  one reader, one thread.
 * Memory   one block, whatever the file's size.
 * Cost     a system call a block.
 */
#ifndef COMMON_BLOCK_READ_H
#define COMMON_BLOCK_READ_H

#include "common/err.h"

#define BLOCK_READ_SIZE ((size_t)256 << 10)

struct block_read {
	int fd; /* borrowed; -1: from memory */
	uint8_t *own; /* the block of a file */
	const uint8_t *p; /* the block at hand */
	size_t at, len; /* next byte in it, bytes in it */
	uint64_t base; /* where it begins */
	int error; /* errno of a read that failed, or 0 */
};

/* 'fd' must be able to seek; it stays the caller's.  ERR_NOMEM. */
enum err block_read_file(struct block_read *b, int fd) MUST_CHECK;
void block_read_memory(struct block_read *b, struct view data);
void block_read_fini(struct block_read *b);

/* The next block once this one is used up; false at the end or on failure. */
bool block_read_more(struct block_read *b) MUST_CHECK;
/* Goes on at 'offset', counted from the beginning. */
void block_read_seek(struct block_read *b, uint64_t offset);

/* Where the next byte stands. */
static inline uint64_t
block_read_offset(const struct block_read *b)
{
	return b->base + b->at;
}

/* The next byte, which stays the next; -1 at the end. */
static inline int
block_read_peek(struct block_read *b)
{
	if (b->at == b->len && !block_read_more(b)) {
		return -1;
	}
	return b->p[b->at];
}

#endif
