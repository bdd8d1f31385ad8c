/* SPDX-License-Identifier: Apache-2.0 */
/*
 * common_set.h - the common set in the collector's turn
 *
 * Takes what waits in the inbox through the gate into the set, a slice at a
 * time and between two batches; ends imports; lets run out what is no longer
 * valid; keeps what grows within bounds.  All it knows is in the store: after
 * a crash, or on another collector, it goes on where the last commit was, and
 * what is offered again is the same record.
 *
 * Place    above gate, indicator_store and indicator_pack; below pipeline.
 * Threads  the writer's.
 * Memory   the gate's; one row of the inbox.
 * Cost     three lookups a turn while nothing is to be done; else about
 *          COMMON_SET_SLICE_US with its commit, by what the last took.
 */
#ifndef COLLECTOR_COMMON_SET_H
#define COLLECTOR_COMMON_SET_H

#include "collector/gate.h"
#include "collector/indicator_store.h"
#include "collector/indicator_word.h"
#include "collector/sighting.h"

#define COMMON_SET_SLICE_US UINT64_C(40000)
/* Imports of which a report is kept. */
#define COMMON_SET_IMPORTS 100
/* Sites at which one was seen that are told apart. */
#define COMMON_SET_SITES 64

struct common_set_config {
	struct gate_config gate;
	struct indicator_limits limits;
};

/* Since the start. */
struct common_set_stats {
	uint64_t added, changed, same, stale, revoked, held, no_room;
	uint64_t withdrawn, expired, imports, forgotten;
	uint64_t slices, slice_max_us, failed;
};

/* An import that is done, for who tells of it. */
struct common_set_import {
	int64_t id;
	const char *origin, *who, *error;
	uint64_t total, supported, refused, taken, added, held, withdrawn;
};

struct common_set;

/* On the store's own connection.  Takes 'lists' over (NULL: none), whatever
 * comes of it; 'map' is not kept.  ERR_IO, ERR_NOMEM with diag. */
enum err common_set_new(struct common_set **out, sqlite3 *db,
			const struct common_set_config *cfg,
			struct allow_lists *lists,
			const struct mission_map *map,
			struct diag *d) MUST_CHECK;
void common_set_free(struct common_set *c);
/* New indicators pass other allow lists from here on, taken over; what they
 * mean for those that are armed, indicator_word_of() says.  Gives the former
 * ones back. */
struct allow_lists *common_set_use_lists(struct common_set *c,
					 struct allow_lists *lists) MUST_CHECK;

/*
 * One slice, in a transaction of its own; 'done' (or NULL) is called for each
 * import that this ended, after the commit.  After an error nothing was done.
 */
enum err common_set_turn(struct common_set *c, uint64_t now_us,
			 void (*done)(void *arg,
				      const struct common_set_import *i),
			 void *arg, struct diag *d) MUST_CHECK;
/* The last turn left work: do not wait before the next. */
bool common_set_busy(const struct common_set *c);

/*
 * One indicator of a source that the collector itself listens to (a partner),
 * at once, in a transaction of its own; 'p' tells what came of it.  ERR_AGAIN
 * while a transaction is open, and until the gate has read its history.
 */
enum err common_set_offer(struct common_set *c, const char *source,
			  const struct indicator *i, uint64_t now_us,
			  struct indicator_put *p) MUST_CHECK;

/*
 * Many of one such source, within the caller's transaction: ready (the gate has
 * read its history; else later), joined, put one by one, left before the
 * commit, and settled when that is done or the transaction was given up.
 * 'quota' bounds the source's records; its own oldest make room, and '*evicted'
 * grows by these.  They make room, too, for what comes by the inbox when all
 * sources together have no more.
 */
enum err common_set_ready(struct common_set *c, uint64_t now_us,
			  bool *ready) MUST_CHECK;
enum err common_set_join(struct common_set *c, const char *source,
			 uint64_t quota, uint64_t now_us,
			 struct indicator_put *p) MUST_CHECK;
enum err common_set_put(struct common_set *c, const struct indicator *i,
			struct indicator_put *p, uint64_t *evicted) MUST_CHECK;
enum err common_set_leave(struct common_set *c) MUST_CHECK;
void common_set_settled(struct common_set *c, bool committed);

/* Indicators that alerts named: where, when and how often, in the caller's
 * transaction.  Exercises are not counted, nor are values too long for a key of
 * the correlation. */
enum err common_set_seen(struct common_set *c,
			 const struct sighting_set *set) MUST_CHECK;
/* Of an indicator that just came in: at which sites of ours its value was seen
 * before, named by an alert or shown by one as 'kind'. */
enum err common_set_seen_before(struct common_set *c, int64_t indicator,
				enum key_kind kind,
				const char *value) MUST_CHECK;

/*
 * A sensor was armed with it and says what it saw before: hosts of ours as in
 * host_bits.h at 'site', the last then.  What would flood is taken back, in the
 * caller's transaction; 'why' is the reason, or "".
 */
enum err common_set_past(struct common_set *c, enum indicator_kind kind,
			 struct view value, uint32_t hosts, struct view site,
			 uint64_t last_us, uint64_t now_us,
			 char why[INDICATOR_REASON_CAP]) MUST_CHECK;

/* What is said of an indicator, by who may say so. */
struct indicator_words *common_set_words(struct common_set *c);

void common_set_stats(const struct common_set *c, struct common_set_stats *out);

#endif
