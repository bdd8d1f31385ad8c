/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armed_set.h - signed documents of the collector, applied to the live set, and
 * patterns to the list of those that a set of rules takes in
 *
 * Knows which version the sensor runs, and takes only what leads on from it:
 * a delta that begins at or before it and ends behind it, a base that is newer.
 * Neither what was played back nor what is of an older epoch is taken.
 *
 * Place    above common/delta.h, rules/ioc_live.h and rules/pattern_list.h;
 *          below armed.
 * Threads  one; armed_set_read() by any.
 * Memory   a delta_reader.
 * Cost     a signature a document, about 1 us a record.
 */
#ifndef SENSOR_ARMED_SET_H
#define SENSOR_ARMED_SET_H

#include "common/delta.h"
#include "rules/ioc_live.h"
#include "rules/pattern_list.h"

enum armed_verdict {
	ARMED_TAKEN,
	ARMED_OLD, /* not newer than what is there */
	ARMED_GAP, /* something is missing in between: a base is wanted */
	ARMED_FORGED, /* not signed with our key */
	ARMED_BAD, /* signed, and not understood */
};

/* Since the start, but for the first three. */
struct armed_counts {
	uint64_t epoch, version; /* 0: none was taken yet */
	uint64_t refused; /* records since the last base that are not looked
			   * for: of another kind, or no value; patterns are
			   * counted by their list */
	uint64_t armed, disarmed; /* records that changed the set */
	uint64_t deltas, bases; /* taken */
	uint64_t forged, old, gaps, bad; /* documents */
};

struct armed_set;

/* 'key' is the set's from now on, also when this fails; 'live' and 'patterns'
 * outlive it. */
enum err armed_set_new(struct armed_set **out, struct ioc_live *live,
		       struct pattern_list *patterns, struct sign_key *key,
		       struct diag *d) MUST_CHECK;
void armed_set_free(struct armed_set *a);
/* Another key, which is the set's from now on. */
void armed_set_key(struct armed_set *a, struct sign_key *key);
/* Told of each record that came or went, and not of one that took the place of
 * another for the same value; 'i' is good during the call. */
void armed_set_tell(struct armed_set *a,
		    void (*fn)(void *arg, const struct indicator *i, bool on),
		    void *arg);

/* A delta of the stream. */
enum armed_verdict armed_set_delta(struct armed_set *a, struct view doc,
				   struct diag *d);

/*
 * A base: its document, its parts from 0 to parts - 1, its end.  With 'dry'
 * nothing is changed, and it may be older than what is there.  Until the end
 * what was there stays, beside what is new.
 */
enum armed_verdict armed_set_base(struct armed_set *a, struct view doc,
				  bool dry, struct delta_head *h,
				  struct diag *d);
enum armed_verdict armed_set_part(struct armed_set *a, struct view doc,
				  uint32_t part, struct diag *d);
void armed_set_base_end(struct armed_set *a);
/* Empties it all: what was read turned out to be damaged. */
void armed_set_clear(struct armed_set *a);

/* By any thread. */
void armed_set_read(struct armed_set *a, struct armed_counts *out);

#endif
