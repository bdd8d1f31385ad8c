/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - where batches wait until the collector has committed them
 *
 * One directory per sensor, held by a lock.  A batch gets a number, goes to
 * disk, is synced, and only then may be sent; it leaves when the collector
 * has said that it committed it, never before.  When the spool is full, the
 * least severe and oldest batches go first.  A number that is no longer there
 * is a gap, found by looking: whatever made it (shedding, a damaged disk),
 * the collector is told not to wait.
 *
 * Files of one severity class follow each other in segments, so that shedding
 * is removing files and costs no reading.  Order on disk: data, sync, then
 * send; committed point, sync, then unlink.
 *
 * Place    above frame.h, below forward.h.
 * Threads  one.
 * Memory   a few hundred bytes a segment, and one frame.
 * Cost     spool_append() is one write, spool_sync() waits for the disk.
 */
#ifndef SENSOR_SPOOL_H
#define SENSOR_SPOOL_H

#include "common/frame.h"
#include "sensor/spool_meta.h"

#define SPOOL_MAX_SIZE ((uint64_t)1 << 30) /* spool.max-size */
#define SPOOL_SEGMENT_SIZE ((uint64_t)8 << 20)

/* Severities 1, 2, 3 and all the rest (none, or above 3): class 0 is worst. */
static inline unsigned
spool_class(uint8_t sev)
{
	return sev >= 1 && sev <= 3 ? sev - 1U : 3;
}

struct spool;
struct seg;

/* When batches are made durable, and so what the loss of power loses. */
enum spool_sync_policy {
	SPOOL_SYNC_BATCH, /* before they may be sent: nothing that was sent */
	SPOOL_SYNC_INTERVAL, /* every SPOOL_SYNC_US: what came within that */
	SPOOL_SYNC_NONE, /* when the system does it: half a minute or so */
};

#define SPOOL_SYNC_US UINT64_C(1000000)

/* "batch", "interval" or "none"; false for anything else. */
bool spool_sync_policy_read(const char *word,
			    enum spool_sync_policy *out) MUST_CHECK;

struct spool_options {
	const char *dir; /* created when missing, with its parents */
	const char *name; /* SITE/SENSOR: a spool never changes its owner */
	uint64_t max_bytes; /* 0: SPOOL_MAX_SIZE */
	uint64_t segment_bytes; /* 0: a 32nd of max, 64 KiB to 8 MiB */
	enum spool_sync_policy sync;
};

struct spool_stats {
	uint64_t frames, bytes, events; /* held and not committed */
	uint64_t disk_bytes;
	uint64_t held_events[SPOOL_CLASSES]; /* of 'events': can be read */
	uint64_t shed_frames[SPOOL_CLASSES]; /* since the spool's birth */
	uint64_t shed_events[SPOOL_CLASSES];
	/* Part of what was shed, since the start: never in the spool. */
	uint64_t refused_frames[SPOOL_CLASSES];
	uint64_t refused_events[SPOOL_CLASSES];
	uint64_t shed_causes[SPOOL_CAUSES]; /* the same events */
	uint64_t sync_failures, read_failures;
	/* Found at the start; bad_records also later. */
	uint64_t cut_bytes, bad_records, unreadable;
};

/*
 * The directory to use when the user named none, for "SITE/SENSOR":
 * $STATE_DIRECTORY/spool (given by systemd), /var/lib/picket/spool for root,
 * $XDG_STATE_HOME/picket/spool, $HOME/.local/state/picket/spool; below it
 * SITE/SENSOR.  ERR_USAGE with diag when none of them can be formed.
 */
enum err spool_default_dir(const char *name, char *out, size_t cap,
			   struct diag *d) MUST_CHECK;

/*
 * Opens or creates.  Recovers from any crash: a torn tail is cut, a damaged
 * record is passed over.  ERR_USAGE: in use by another sensor, of another
 * sensor, or an unusable name; ERR_IO: the system refused; the diag has the
 * mend.
 */
enum err spool_open(struct spool **out, const struct spool_options *o,
		    struct diag *d) MUST_CHECK;
/* What becomes of events that the spool holds. */
struct spool_news {
	enum {
		SPOOL_SHEDS, /* a file is about to be removed */
		SPOOL_KEEPS, /* the one just told of stays after all */
		SPOOL_COMMITS, /* the point moved; files are about to go */
		SPOOL_LOSES, /* batches turned out to be damaged */
	} what;
	unsigned cls;
	/* All that is left of the class from number 'from' to 'to'. */
	uint64_t from, to, events;
};

typedef void spool_news_fn(void *arg, const struct spool_news *n);
/* 'fn' is told before files go, and must not call the spool but to ask. */
void spool_on_news(struct spool *s, spool_news_fn *fn, void *arg);

/* Syncs and writes down where we are.  NULL is fine. */
void spool_close(struct spool *s);

uint64_t spool_epoch(const struct spool *s);
uint64_t spool_last_seq(const struct spool *s); /* last given, 0 for none */
uint64_t spool_committed(const struct spool *s);
void spool_get_stats(const struct spool *s, struct spool_stats *out);

/*
 * Gives 'h' epoch and seq and writes the batch.  When the spool is full,
 * room is made by shedding what is no more severe than this; when there is
 * no such thing, this batch itself is shed: ERR_LIMIT, counted.  ERR_IO with
 * diag: the disk refuses; counted as shed too.
 */
enum err spool_append(struct spool *s, struct frame_header *h, struct view data,
		      struct diag *d) MUST_CHECK;
/*
 * Makes what was appended visible to spool_next(), and durable before that or
 * later, as the policy says.  ERR_IO: the disk failed; the batches are visible
 * all the same, since a sensor that stops sending because its disk is dying
 * helps nobody, and it is counted.
 */
enum err spool_sync(struct spool *s, struct diag *d) MUST_CHECK;
/* Whether, by its policy, it is time for spool_sync() though nothing came. */
bool spool_sync_due(const struct spool *s);

/* A reader's place; any number of them. Zeroed is the beginning. */
struct spool_cursor {
	uint64_t seq; /* the next number wanted */
	uint64_t generation;
	struct {
		struct seg *seg;
		uint64_t off;
	} at[SPOOL_CLASSES];
};

struct spool_item {
	struct frame_header hdr; /* of a gap: epoch, seq = gap_to, n = 0 */
	uint64_t gap_from, gap_to; /* 0 for a batch */
	struct view
		data; /* valid until the spool's next call; empty for a gap */
};

void spool_seek(struct spool_cursor *c, uint64_t seq);
/*
 * The next batch or gap at or above c->seq, in order.  ERR_EOF when there is
 * none that is synced; a gap at the very end is told only once a batch stands
 * behind it, for only then is it certain that its numbers are never given
 * again.  ERR_IO: the system does not let it be read just now; the cursor
 * stays, and only what cannot be read again and again is passed over.
 */
enum err spool_next(struct spool *s, struct spool_cursor *c,
		    struct spool_item *out) MUST_CHECK;
/* Bytes between the committed point and the cursor: about what was sent and
 * is not committed yet. */
uint64_t spool_ahead(struct spool *s, struct spool_cursor *c);

/*
 * Everything up to 'upto' is in the collector's store.  A number above those
 * given means that this disk has forgotten what it once synced: numbers go on
 * behind it (ERR_FORMAT, to be told to the operator).  ERR_IO with diag.
 */
enum err spool_commit(struct spool *s, uint64_t upto,
		      struct diag *d) MUST_CHECK;

#endif
