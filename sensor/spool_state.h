/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_state.h - the inside of a spool, shared by spool*.c and nobody else
 *
 * Place    above spool_seg.h, below spool.c and spool_open.c.
 * Threads  one.
 * Memory   the segments' structs are on the heap, in lists by class.
 * Cost     none of its own.
 */
#ifndef SENSOR_SPOOL_STATE_H
#define SENSOR_SPOOL_STATE_H

#include "sensor/spool.h"
#include "sensor/spool_seg.h"

struct spool {
	struct spool_meta meta;
	int dirfd, lockfd;
	char dir[512];
	bool dir_dirty; /* a file was created since the last sync */
	uint64_t max_bytes, segment_bytes;
	enum spool_sync_policy policy;
	uint64_t next_sync_us; /* for SPOOL_SYNC_INTERVAL; 0: nothing written */
	bool doubt; /* a sync failed: the disk may hold less than we know */

	struct {
		struct seg *head, *tail; /* oldest, youngest */
		uint64_t written; /* bytes ever, for positions */
	} cls[SPOOL_CLASSES];
	uint64_t generation; /* changes when a segment goes */
	uint64_t synced; /* the highest number that is durable */
	uint64_t uses; /* a clock for closing the least used file */
	unsigned n_open;

	spool_news_fn *on_news; /* or NULL */
	void *on_news_arg;

	struct spool_stats st; /* its shed_causes: of refused batches */
	uint8_t *body; /* one frame read back */
	uint64_t refused_seq; /* could not be read, so many times in a row */
	unsigned refused;
};

/* Makes all durable, whatever the policy. */
void spool_sync_all(struct spool *s);

/* Opens the segment's file, closing another when too many are open. */
enum err spool_use(struct spool *s, struct seg *g) MUST_CHECK;
/* Puts 'g' at the end of its class. */
void spool_link(struct spool *s, struct seg *g);
/* Takes the oldest segment of a class out of the lists, the sums and the
 * directory; what it holds uncommitted is the caller's to count first. */
void spool_unlink_head(struct spool *s, unsigned cls);
/* Moves the committed mark of every class up to meta.committed. */
void spool_mark_done(struct spool *s);

/* Puts a reader's place right after what was committed or removed. */
void spool_align(struct spool *s, struct spool_cursor *cur);
/* The first record of class 'c' at or above the number of 'cur', which was
 * aligned; the place moves up to it.  ERR_EOF when there is none, ERR_IO: look
 * again later. */
enum err spool_peek(struct spool *s, struct spool_cursor *cur, unsigned c,
		    struct seg_rec *r) MUST_CHECK;
/* Into s->body; what was told as lost stays lost. */
enum err spool_read_body(struct spool *s, const struct seg *g,
			 const struct seg_rec *r) MUST_CHECK;
/* A reader met a record whose body is damaged, or in whose place no head is
 * found at 'off': what is lost by it is told once, however often it is met. */
void spool_lose_record(struct spool *s, struct seg *g, const struct seg_rec *r);
void spool_lose_rest(struct spool *s, struct seg *g, uint64_t off);
void spool_tell(struct spool *s, const struct spool_news *n);
/*
 * Whether to look at 'seq' again later, which the system refused to read: it
 * may lack memory or files just now, and a disk may read at the second try.
 */
bool spool_look_again(struct spool *s, uint64_t seq);

#endif
