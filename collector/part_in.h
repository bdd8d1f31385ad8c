/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part_in.h - what all parts saw, taken in once and in order
 *
 * Each part's stream holds numbered records.  The next one after what was
 * committed is applied, in one transaction with its mark; what was applied
 * before is passed over, and what comes too early is thrown away, because the
 * part sends again from the point that the head publishes.  A record that says
 * that those before it exist no longer is believed, and what is missing is
 * counted and told.
 *
 * The latest records stay in the store, from which the observations of taps are
 * known again after a restart.
 *
 * Place    above part_pack, part and store; below pipeline.
 * Threads  the store's writer.
 * Memory   a reader (part_pack.h), one reply of Redis a part, at most
 *          PART_IN_ENTRIES records.
 * Cost     one command a part and turn; 130 us a signature.
 */
#ifndef COLLECTOR_PART_IN_H
#define COLLECTOR_PART_IN_H

#include "collector/part.h"
#include "collector/part_pack.h"
#include "collector/store.h"
#include "common/redis_pool.h"

#define PART_IN_ENTRIES 32 /* of a part, taken at once */
/* Observations that are read again after a restart, and their records. */
#define PART_IN_KEPT 32768
#define PART_IN_RECORDS 1024
/* Names that a part may bring into the store: four times what it reads, for
 * sensors that come and go. */
#define PART_IN_SENSORS 16384

struct part_in;

enum err part_in_new(struct part_in **out, const struct part_config *cfg,
		     struct store *store, struct diag *d) MUST_CHECK;
void part_in_free(struct part_in *in);
/* Memory as the store has it: at start, and after a failed commit. */
enum err part_in_reload(struct part_in *in) MUST_CHECK;

/* Is given each alert, anchor and line of contacts of a part, in order.  Any
 * error of it ends what was begun. */
typedef enum err part_in_fn(void *arg, unsigned part,
			    const struct part_sight *s);
/* Who takes in what parts say. */
struct part_in_taker {
	part_in_fn *sight;
	/* The part counts its alerts from 1 on again: what is known by the
	 * former numbers is to be forgotten, before the first new one. */
	enum err (*anew)(void *arg, unsigned part);
	void *arg;
};

/* The latest that were applied, once more, without lines of contacts. */
enum err part_in_recall(struct part_in *in, part_in_fn *fn,
			void *arg) MUST_CHECK;
/* One of them, by the part's number of an alert; until the next call of any of
 * these.  ERR_NOTFOUND: it is kept no longer, or its record is damaged. */
enum err part_in_find(struct part_in *in, unsigned part, int64_t alert,
		      struct part_sight *out) MUST_CHECK;

/*
 * Reads the streams of all parts, with no other command under way; '*n' records
 * came.  ERR_AGAIN with diag when Redis is away, ERR_AUTH when it refuses us.
 * One stream that cannot be read keeps no other waiting.
 */
enum err part_in_read(struct part_in *in, struct redis_pool *pool, size_t *n,
		      struct diag *d) MUST_CHECK;
/* Applies them, inside of the store's transaction. */
enum err part_in_apply(struct part_in *in, uint64_t now_us,
		       const struct part_in_taker *to) MUST_CHECK;
/*
 * The store's number of a sensor that a part tells of, inside of the
 * transaction.  A part may be the first to tell of PART_IN_SENSORS, ever;
 * ERR_NOTFOUND: this would be one more, which is counted.
 */
enum err part_in_sensor(struct part_in *in, unsigned part, const char *site,
			const char *sensor, int64_t *id) MUST_CHECK;
/* After the commit: publishes how far each part is, and drops what was read.
 * What fails here comes again and is passed over. */
enum err part_in_acknowledge(struct part_in *in, struct redis_pool *pool,
			     struct diag *d) MUST_CHECK;
/* Outside of a transaction, now and then: which parts are there, and how much
 * they have said.  As part_in_read(). */
enum err part_in_look(struct part_in *in, struct redis_pool *pool,
		      uint64_t now_us, struct diag *d) MUST_CHECK;
/* Redis may be another one: all points are to be published again. */
void part_in_renewed(struct part_in *in);

struct part_in_stats {
	/* Applied, since the start. */
	uint64_t records, alerts, anchors, contacts, bytes;
	uint64_t repeated, early; /* passed over; they come, or came, again */
	uint64_t lost; /* that no part has any more */
	uint64_t refused_signature, refused_format;
	uint64_t refused_sensors; /* sights of sensors that found no room */
};
void part_in_stats(const struct part_in *in, struct part_in_stats *out);

/* One part, from 1 on, as of the last look. */
struct part_in_view {
	bool silent;
	uint64_t epoch, seq, lost, alerts;
	uint64_t behind; /* records said that did not come yet */
};
void part_in_view(const struct part_in *in, unsigned part,
		  struct part_in_view *out);
/* How many parts there are. */
unsigned part_in_of(const struct part_in *in);

#endif
