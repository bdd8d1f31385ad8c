/* SPDX-License-Identifier: Apache-2.0 */
/*
 * correlate_case.h - what takes away from the picture
 *
 * A key that is *muted* ties nothing together and begins no incident.  What is
 * seen of it goes on being counted, as alerts are that are worth no incident,
 * and stays of that kind when the mute ends.  A rule or an indicator that is
 * muted takes along what it tells of other keys.  An incident that held together only by keys
 * that are muted now falls apart: each of its parts that a rule would have begun
 * by itself stands alone; the part with the oldest run keeps the number, and
 * with it the muted keys and what hung on these alone.
 *
 * Incidents that were *split* are held apart: no tie makes them one again, nor
 * what they grow into.  Only who *merges* them does.
 *
 * An indicator that is *refuted* (withdrawn, revoked, held to be harmless) is as
 * one that is muted, and takes along what it told of other keys before: these
 * count by what other alerts showed of them, and by indicators in force that
 * were seen with them at the same place.  What no rule would have begun then
 * falls out of its incident as with a mute; an incident of which nothing stands
 * is the caller's to end.
 *
 * Place    beside correlate.h, for who carries out analysts' orders and follows
 *          the common set.
 * Threads  the correlator's.
 * Memory   at most CORRELATE_MUTES mutes; apart, a pointer a pair.
 * Cost     a mute: the runs of its key, and the incidents that these are in;
 *          a look-up a key of each set of sightings, while any is muted.
 */
#ifndef COLLECTOR_CORRELATE_CASE_H
#define COLLECTOR_CORRELATE_CASE_H

#include "collector/correlate.h"

#define CORRELATE_MUTES 4096

/* What 'which' says of is assessed anew with the next flush; returns how many
 * incidents these are. */
unsigned correlate_look_again(struct correlate *c,
			      bool (*which)(void *arg,
					    const struct incident *i),
			      void *arg);
/* The incident of that number; NULL: memory has none of its runs. */
struct incident *correlate_find_incident(const struct correlate *c, int64_t id);

/*
 * Parts of 'id' the runs that 'picked' says into an incident of its own, without
 * a number until the next flush, and holds both apart.  ERR_NOTFOUND: memory
 * has no such incident; ERR_USAGE: none or all of its runs were picked.
 */
enum err correlate_split(struct correlate *c, int64_t id,
			 bool (*picked)(void *arg, const struct run *r),
			 void *arg, struct incident **out) MUST_CHECK;

/*
 * Makes one incident of two, for good; '*into' is its number.  ERR_NOTFOUND:
 * memory has not both; ERR_USAGE: they are of two exercises, or one is real.
 */
enum err correlate_merge(struct correlate *c, int64_t a, int64_t b,
			 int64_t *into) MUST_CHECK;
/* What a store kept of a split; after the incidents were loaded, and before
 * correlate_load_end(). */
enum err correlate_load_apart(struct correlate *c, int64_t a,
			      int64_t b) MUST_CHECK;

/*
 * Mutes a key of the exercise ("": real events); ERR_LIMIT: there are too many.
 * Before runs are loaded, or between two flushes.
 */
enum err correlate_mute(struct correlate *c, const char *exercise,
			enum key_kind kind, const char *key) MUST_CHECK;
/* The mute is over: what was known before it counts again. */
enum err correlate_unmute(struct correlate *c, const char *exercise,
			  enum key_kind kind, const char *key) MUST_CHECK;
/* Incidents that a change touched, the first CORRELATE_TOUCHED of them. */
#define CORRELATE_TOUCHED 64
struct correlate_touched {
	unsigned n;
	struct incident *of[CORRELATE_TOUCHED];
};
/*
 * The indicator was never in force after 'until_us' (0: never at all): its runs,
 * in every exercise, that began later are refuted.  't' has what they were part
 * of.  Between two flushes.
 */
enum err correlate_refute(struct correlate *c, const char *key,
			  uint64_t until_us,
			  struct correlate_touched *t) MUST_CHECK;
/* It is in force again: what was known before counts again. */
enum err correlate_believe(struct correlate *c, const char *key,
			   struct correlate_touched *t) MUST_CHECK;
/* Whether one of these would change anything. */
bool correlate_would_refute(const struct correlate *c, const char *key,
			    uint64_t until_us);
bool correlate_would_believe(const struct correlate *c, const char *key);
/* Whether something holds 'i' together: a rule, or an analyst's word. */
bool correlate_stands(const struct incident *i);
/* Walks the indicators in memory: those of at most 'max' places from '*at' on,
 * which is moved behind them.  True: that was the last place. */
bool correlate_each_indicator(const struct correlate *c, size_t *at, size_t max,
			      void (*fn)(void *arg, const char *key),
			      void *arg);
/* The numbers of incidents that a key is part of, at most 'max' of them. */
unsigned correlate_incidents_of(const struct correlate *c, const char *exercise,
				enum key_kind kind, const char *key,
				int64_t *out, unsigned max);
/* Counts the alerts of 's' to the mutes of its keys; true: its rule or its
 * indicator is one of them. */
bool correlate_count_muted(struct correlate *c, const struct sighting_set *s);
/* Hands out what was counted since the last call. */
enum err correlate_each_muted(struct correlate *c,
			      enum err (*fn)(void *arg, const char *exercise,
					     enum key_kind kind,
					     const char *key, uint64_t alerts),
			      void *arg) MUST_CHECK;

#endif
