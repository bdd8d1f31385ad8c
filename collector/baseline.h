/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baseline.h - what is usual: windows of sketches, rhythms, volumes, the known
 *
 * The arithmetic of the correlators over contacts.  All times are of packets,
 * and none of it asks for their order beyond what each says: sensors are early
 * and late by minutes.  Everything is of fixed size and has no pointers, so
 * that it is kept in the store as it lies in memory.
 *
 * Place    above common/hll; below finding_run.
 * Threads  pure functions on caller's memory.
 * Memory   by value.
 * Cost     a hash or a few comparisons an observation; a verdict on a rhythm
 *          sorts BASELINE_STARTS numbers.
 */
#ifndef COLLECTOR_BASELINE_H
#define COLLECTOR_BASELINE_H

#include "common/clock.h"
#include "common/hll.h"

/* --- a window in pieces --- */

/* What fell into one piece of a window. */
struct piece {
	uint64_t start_us;
	uint64_t flows, failed;
	struct hll a, b; /* e.g. of peers and of ports */
};

/*
 * The piece of 'n' at 'pieces', each 'len_us' long, that 't' falls into, empty
 * when it is new.  NULL: a later one has its place, so it is too old.
 */
struct piece *piece_at(struct piece *pieces, unsigned n, uint64_t len_us,
		       uint64_t t);
/* The sum over the window that ends with the piece of 't'; returns how many
 * pieces had something. */
unsigned piece_sum(const struct piece *pieces, unsigned n, uint64_t len_us,
		   uint64_t t, struct piece *sum);

/* --- a rhythm --- */

#define BASELINE_STARTS 32
/* Closer ones are one start: connections side by side, or two taps. */
#define BASELINE_SAME_US (5 * US_PER_S)

struct rhythm {
	uint64_t start_us[BASELINE_STARTS]; /* sorted; the newest */
	uint32_t n;
	uint32_t unused;
	uint64_t total, calls, bytes_out;
};
struct rhythm_verdict {
	double period_s; /* the median of what lies between two */
	/* The median of how far they are from it, and the share of them that
	 * are not further from it than 3 in 10; of 1. */
	double jitter, share;
	double score; /* 0 to 1 */
};

/* False: it was known. */
bool rhythm_add(struct rhythm *r, uint64_t start_us);
/* False: fewer than three starts. */
bool rhythm_judge(const struct rhythm *r, struct rhythm_verdict *out);

/* --- volumes by the hour --- */

struct usual {
	double mean, dev; /* exponentially weighted: mean, and mean distance */
	uint64_t n;
};
struct volume {
	uint64_t hour; /* since 1970: of bytes[0]; bytes[1] is the one before */
	uint64_t bytes[2];
	struct usual all, of_hour[24]; /* UTC */
};

/*
 * Adds to the hour of 't', which may be the newest or the one before it, and
 * hands out what that hour has now; false: too old.  A newer hour ends those
 * before: they are learned, at most 'cap' of 'limit' (volume_limit()) each, so
 * that one great day does not become the usual one.
 */
bool volume_add(struct volume *v, uint64_t t, uint64_t bytes, double k,
		uint64_t *hour_bytes);
/* What the hour of 't' may have: mean and 'k' times the distance, or what is
 * usual at that hour of the day, whichever is more. */
double volume_limit(const struct volume *v, uint64_t t, double k);

/* --- the known --- */

/* One of a set: a hash of what it is, and the hour in which it was last seen. */
struct baseline_known {
	uint32_t hash, hour;
};
enum known_verdict { KNOWN_OLD, KNOWN_NEW, KNOWN_FULL };
/* Looks for it and notes it.  Of a full set the one that was not seen for
 * longest goes, if that is 30 days; else nothing is noted.  '*changed': so that
 * it is to be kept. */
enum known_verdict known_note(struct baseline_known *set, uint32_t *n,
			      uint32_t cap, uint32_t hash, uint64_t t,
			      bool *changed);
uint32_t known_hash(const struct addr *a, uint16_t port, uint8_t proto);

#endif
