/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_seg.h - a sorted file of entries that never changes
 *
 *   header (4096 bytes)
 *   blocks (16384 bytes each: 64 of head, 255 entries of 64 bytes)
 *   fence  (the first key of each block, 24 bytes)
 *
 * Header, fence and each block have a checksum.  A damaged block is refused by
 * itself: what it held is not found, and is counted.  docs/formats.md has the
 * fields.
 *
 * Place    above retro_entry.h and spool_file.h; below retro_index.
 * Threads  one.
 * Memory   24 bytes a block while open, 0.1 bytes an entry; a block while read
 *          or written.
 * Cost     a question reads one block.
 */
#ifndef SENSOR_RETRO_SEG_H
#define SENSOR_RETRO_SEG_H

#include "sensor/retro_entry.h"

#define RETRO_BLOCK 16384
#define RETRO_BLOCK_ENTRIES 255
#define RETRO_SEG_HEAD 4096
#define RETRO_SEG_NAME_CAP 32
#define RETRO_SEG_MAX_BLOCKS (UINT32_C(1) << 24)

struct retro_block {
	uint64_t sum; /* XXH3 of all behind it */
	uint64_t segment; /* its number, so that a block of another shows */
	uint32_t number, n;
	uint8_t unused[40];
	struct retro_entry v[RETRO_BLOCK_ENTRIES];
};
STATIC_ASSERT(sizeof(struct retro_block) == RETRO_BLOCK, "stored as it is");

struct retro_fence {
	uint8_t kind, unused[7];
	uint8_t key[RETRO_KEY_LEN];
};

struct retro_seg {
	uint64_t id;
	int fd;
	uint64_t n; /* entries */
	uint32_t n_blocks;
	uint32_t from_s, to_s; /* earliest and latest last_s of all */
	uint64_t bytes; /* of the file */
	struct retro_fence *fence;
	uint64_t bad; /* damaged blocks met */
	bool told; /* and said so */
	bool no_hosts; /* an older version wrote it */
};

/* "0000000000000001.seg" */
void retro_seg_name(uint64_t id, char out[RETRO_SEG_NAME_CAP]);
/* ERR_IO with errno; ERR_FORMAT with diag (may be NULL): not such a file, or
 * damaged in head or fence; ERR_NOMEM. */
enum err retro_seg_open(struct retro_seg *s, int dirfd, uint64_t id,
			struct diag *d) MUST_CHECK;
void retro_seg_close(struct retro_seg *s);
/* ERR_FORMAT: it is damaged, which is counted; ERR_IO. */
enum err retro_seg_block(struct retro_seg *s, uint32_t i,
			 struct retro_block *out) MUST_CHECK;
/* The block in which the key would stand, or UINT32_MAX: before all. */
uint32_t retro_seg_find(const struct retro_seg *s, unsigned kind,
			const uint8_t key[RETRO_KEY_LEN]);
/* The first entry of the block that is not before the key. */
uint32_t retro_block_find(const struct retro_block *b, unsigned kind,
			  const uint8_t key[RETRO_KEY_LEN]);

/* Writes one, in order; it is there under its name once finished. */
struct retro_writer {
	int dirfd, fd;
	uint64_t id, n;
	uint32_t n_blocks, cap_fence;
	uint32_t from_s, to_s;
	struct retro_fence *fence;
	struct retro_block *block;
};

/* Each may fail with ERR_IO (errno) or ERR_NOMEM: abandon it then. */
enum err retro_writer_open(struct retro_writer *w, int dirfd,
			   uint64_t id) MUST_CHECK;
enum err retro_writer_put(struct retro_writer *w,
			  const struct retro_entry *e) MUST_CHECK;
/* Durable, and renamed; retro_seg_open() finds it. */
enum err retro_writer_finish(struct retro_writer *w) MUST_CHECK;
/* Leaves nothing; a second time, or after the end, does nothing. */
void retro_writer_abandon(struct retro_writer *w);

#endif
