/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_rob.h - the reorder buffer: bytes that arrived early
 *
 * Keeps runs of bytes by stream offset until those before them came.  Runs
 * never overlap: where a new segment meets a waiting one, the policy of the
 * receiving host says whose bytes stay.  A run remembers the bounds of the
 * segment it was cut from, since policies compare whole segments.
 *
 * Internal header, included only by stream*.c.
 *
 * Place    above pool.h; knows no TCP.
 * Threads  one worker.
 * Memory   copies from the pool; 'bytes' says how much, ROB_MAX_RUNS bounds
 *          the number of runs, the caller bounds the rest.
 * Cost     O(log n) to find, a memmove of at most half the index to insert,
 *          O(1) to pop.  Many one-byte segments cost no more than that each.
 */
#ifndef SENSOR_STREAM_ROB_H
#define SENSOR_STREAM_ROB_H

#include "common/pool.h"

/* Whose bytes win: names of host-os-policy. */
enum overlap_policy {
	OVERLAP_BSD, /* old, unless the new one starts before it */
	OVERLAP_LINUX, /* as bsd; new also at same start and longer */
	OVERLAP_OLD_LINUX, /* new unless it starts behind the old start */
	OVERLAP_SOLARIS, /* whichever ends last, new at a tie */
	OVERLAP_FIRST, /* old: also vista */
	OVERLAP_LAST, /* new */
};

/* "linux", "windows2k3", ...; false for a name nobody knows. */
bool overlap_policy_by_name(struct view name, enum overlap_policy *out);

struct rob_run {
	uint64_t off; /* stream offset of the first byte */
	uint64_t seg_off; /* where the segment it came from began */
	uint32_t len, seg_len;
	uint8_t *block; /* of the pool */
	uint32_t skip; /* of the block's front */
	uint32_t block_size;
};

struct rob {
	struct rob_run *runs;
	uint32_t first, n, cap;
	uint32_t bytes; /* drawn from the pool, without the index */
};

#define ROB_MAX_RUNS 2048

enum rob_verdict {
	ROB_OK = 0,
	ROB_OVERLAP = 1 << 0, /* met waiting bytes */
	ROB_DIFFERENT = 1 << 1, /* which were not the same */
	ROB_NO_MEMORY = 1 << 2, /* some or all of it was not taken */
};

void rob_init(struct rob *r); /* all zeroes is a valid empty one, too */
void rob_fini(struct rob *r, struct pool *pool);

/*
 * Keeps 'data' at 'off'; returns enum rob_verdict bits.  'room' is how many
 * bytes may still be drawn from the pool.
 */
unsigned rob_insert(struct rob *r, struct pool *pool, uint64_t off,
		    struct view data, enum overlap_policy policy, size_t room);

static inline bool
rob_empty(const struct rob *r)
{
	return r->n == 0;
}

/* The first run; NULL when empty. */
const struct rob_run *rob_first(const struct rob *r);

/* Takes the first run out; its block is then the caller's to put back. */
struct rob_run rob_pop(struct rob *r);

static inline struct view
rob_run_view(const struct rob_run *run)
{
	return view_of(run->block + run->skip, run->len);
}

#endif
