/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retro_index_state.h - the inside of an index
 *
 * Internal: included by retro_index.c, retro_manifest.c, retro_merge.c and
 * retro_find.c only.
 *
 * Place    with retro_index.
 * Threads  as retro_index.h.
 * Memory   as retro_index.h.
 */
#ifndef SENSOR_RETRO_INDEX_STATE_H
#define SENSOR_RETRO_INDEX_STATE_H

#include "sensor/retro_index.h"
#include "sensor/retro_seg.h"
#include "sensor/retro_table.h"

#define RETRO_MAX_SEGMENTS 256
#define RETRO_MERGE_MAX 16 /* segments at a time */

struct retro_input {
	struct retro_seg *seg;
	struct retro_block *block;
	uint32_t next; /* block to read next */
	uint32_t at; /* entry in hand */
};

struct retro_merge {
	bool on;
	struct retro_writer out;
	struct retro_input in[RETRO_MERGE_MAX];
	unsigned n;
};

struct retro_index {
	struct retro_index_conf conf;
	int dirfd, lockfd;
	bool reads_only;
	struct retro_secret secret;
	struct retro_table table;
	struct retro_seg *seg[RETRO_MAX_SEGMENTS];
	unsigned n_segs;
	uint64_t next_id;
	uint32_t newest_s; /* latest last_s that came in */
	uint64_t flush_us, retry_us; /* clock_mono_us(): when due; not before */
	uint64_t merge_us; /* no merge before */
	bool error_told;
	struct retro_merge merge;
	struct retro_block *scratch; /* of questions */
	struct retro_index_counters count;
};

/* retro_manifest.c */
/* The secret, made when there is none and 'make'. */
enum err retro_read_secret(struct retro_index *x, bool make,
			   struct diag *d) MUST_CHECK;
/* The numbers of the segments that count; ERR_NOTFOUND: no list, which is a new
 * index or one that lost it. */
enum err retro_read_manifest(int dirfd, uint64_t ids[RETRO_MAX_SEGMENTS],
			     unsigned *n, uint64_t *next,
			     struct diag *d) MUST_CHECK;
enum err retro_write_manifest(struct retro_index *x) MUST_CHECK;
/* Segments that lie there and, unless 'take' collects them, go. */
void retro_sweep_files(struct retro_index *x, uint64_t *take, unsigned *n);

/* retro_index.c */
void retro_told_error(struct retro_index *x, const char *what);
uint64_t retro_bytes(const struct retro_index *x);
/* What was last seen before is too old. */
uint32_t retro_cutoff(const struct retro_index *x);
/* Makes room for so many bytes more, of what was last seen longest ago. */
void retro_make_room(struct retro_index *x, uint64_t bytes);
/* Takes a segment out of the list and removes its file. */
void retro_remove(struct retro_index *x, unsigned i);
/* A damaged block is told once a segment. */
void retro_tell_bad(struct retro_index *x, struct retro_seg *s);

/* retro_merge.c */
/* Begins one when there is something to merge. */
void retro_merge_begin(struct retro_index *x);
/* Goes on for a while; false: there is none. */
bool retro_merge_step(struct retro_index *x, uint64_t mono_us);
void retro_merge_abandon(struct retro_index *x);

#endif
