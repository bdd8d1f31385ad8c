/* SPDX-License-Identifier: Apache-2.0 */
#include "common/block_read.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum err
block_read_file(struct block_read *b, int fd)
{
	*b = (struct block_read){ .fd = fd, .own = malloc(BLOCK_READ_SIZE) };
	b->p = b->own;
	return b->own != NULL ? ERR_OK : ERR_NOMEM;
}

void
block_read_memory(struct block_read *b, struct view data)
{
	*b = (struct block_read){ .fd = -1, .p = data.p, .len = data.len };
}

void
block_read_fini(struct block_read *b)
{
	free(b->own);
	*b = (struct block_read){ .fd = -1 };
}

bool
block_read_more(struct block_read *b)
{
	ssize_t got;

	if (b->fd < 0 || b->at < b->len || b->error != 0) {
		return b->at < b->len;
	}
	b->base += b->len;
	b->at = b->len = 0;
	do {
		got = pread(b->fd, b->own, BLOCK_READ_SIZE, (off_t)b->base);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		b->error = errno;
		return false;
	}
	b->len = (size_t)got;
	return got > 0;
}

void
block_read_seek(struct block_read *b, uint64_t offset)
{
	if (offset >= b->base && offset <= b->base + b->len) {
		b->at = (size_t)(offset - b->base);
		return;
	}
	if (b->fd < 0) {
		b->at = b->len;
		return;
	}
	b->base = offset;
	b->at = b->len = 0;
}
