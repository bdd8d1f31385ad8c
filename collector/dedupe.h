/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dedupe.h - which frames of which sensor have arrived
 *
 * Per sensor and epoch: everything up to 'upto' has arrived or was given up,
 * and above it some ranges, because frames may overtake each other (worst
 * alerts first).  A sensor may forget what lies at or below 'upto', and
 * nothing else.
 *
 * Place    after inflate, before enrich.
 * Threads  one.
 * Memory   at most DEDUPE_MAX_EPOCHS epochs a sensor and DEDUPE_MAX_RANGES
 *          ranges an epoch; the table is rebuilt from the store at start.
 * Cost     a few comparisons a frame.
 */
#ifndef COLLECTOR_DEDUPE_H
#define COLLECTOR_DEDUPE_H

#include "common/err.h"

/* A sensor sends worst first, at most 131072 numbers ahead of the oldest that
 * it still has: at worst every other one of them is there. */
#define DEDUPE_MAX_RANGES 65536
#define DEDUPE_MAX_MOVED 64
/* Others are forgotten here; the store has them. */
#define DEDUPE_MAX_EPOCHS 64
#define DEDUPE_MAX_SENSORS 4096

struct dedupe;

struct dedupe_range {
	uint64_t lo, hi; /* inclusive */
};

/* The state of one sensor's epoch. */
struct dedupe_mark {
	int64_t sensor;
	uint64_t epoch, upto;
	struct dedupe_range *ranges; /* ascending, apart, all above upto + 1 */
	unsigned n_ranges;
	bool dirty; /* since dedupe_clean() */
	uint64_t *moved; /* numbers noted since then, for the store */
	unsigned n_moved; /* DEDUPE_MAX_MOVED: too many to tell apart */
	bool latest; /* the epoch that last moved */
	struct dedupe_mark *next;
};

struct dedupe *dedupe_new(void);
void dedupe_free(struct dedupe *d);
void dedupe_reset(struct dedupe *d);

enum dedupe_verdict {
	DEDUPE_NEW, /* and now it is noted */
	DEDUPE_REPEAT,
	DEDUPE_FULL, /* too many holes: not noted, must come again */
};

/* Notes [lo, hi] of (sensor, epoch).  '*n_new' of them were not there. */
enum err dedupe_note(struct dedupe *d, int64_t sensor, uint64_t epoch,
		     uint64_t lo, uint64_t hi, enum dedupe_verdict *verdict,
		     uint64_t *n_new) MUST_CHECK;
/* Whether 'seq' is there already, without noting it. */
bool dedupe_has(const struct dedupe *d, int64_t sensor, uint64_t epoch,
		uint64_t seq);

/*
 * Whether there is a mark of that epoch.  Where there is none, it may be new, or
 * one that was forgotten here: whoever keeps marks is asked, and puts it back
 * with dedupe_load(), before anything is noted of it.
 */
bool dedupe_knows(const struct dedupe *d, int64_t sensor, uint64_t epoch);
/* Whoever keeps marks has forgotten it. */
void dedupe_forget(struct dedupe *d, int64_t sensor, uint64_t epoch);
/* How many marks were forgotten for want of room. */
uint64_t dedupe_forgotten(const struct dedupe *d);

/* Puts a mark or a range back, at start or when its epoch comes again. */
enum err dedupe_load(struct dedupe *d, int64_t sensor, uint64_t epoch,
		     uint64_t upto, bool latest) MUST_CHECK;
enum err dedupe_load_range(struct dedupe *d, int64_t sensor, uint64_t epoch,
			   uint64_t lo, uint64_t hi) MUST_CHECK;

/* Each mark that changed; dedupe_clean() after they are on the disk. */
enum err dedupe_each(struct dedupe *d, bool dirty_only,
		     enum err (*fn)(void *arg, const struct dedupe_mark *m),
		     void *arg) MUST_CHECK;
void dedupe_clean(struct dedupe *d);
/*
 * What has to be written of one mark that changed: 'fn' for each span of
 * numbers whose ranges go, with the range that takes their place, or without
 * (lo above hi).  So that a mark of many ranges costs no more than what moved.
 */
enum err dedupe_changes(const struct dedupe_mark *m,
			enum err (*fn)(void *arg, const struct dedupe_mark *m,
				       struct dedupe_range gone,
				       struct dedupe_range now),
			void *arg) MUST_CHECK;

#endif
