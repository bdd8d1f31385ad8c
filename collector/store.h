/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the collector's memory: frames, alerts, marks, incidents
 *
 * One writer.  Everything between store_begin() and store_commit() is on the
 * disk after the commit returns, or is not there at all; only then may a frame
 * be acknowledged.  What analysts read is in store_read.h.
 *
 * Place    after correlate (whose runs it keeps); before pipeline.
 * Threads  one thread; readers have connections of their own.
 * Memory   SQLite's page cache, and a cache of names bounded by
 *          STORE_MAX_NAMES.
 * Cost     about 4 us an alert; one fsync a commit.
 */
#ifndef COLLECTOR_STORE_H
#define COLLECTOR_STORE_H

#include "collector/correlate.h"
#include "collector/store_cases.h"
#include "collector/store_read.h"
#include "common/alert.h"
#include "common/frame.h"

#define STORE_MAX_NAMES 65536

struct store;

/* Opens or creates 'path' and brings its schema up to date. */
enum err store_open(struct store **out, const char *path,
		    struct diag *d) MUST_CHECK;
void store_close(struct store *s);
/* The connection, for tables that others keep in the same transactions. */
struct sqlite3;
struct sqlite3 *store_db(struct store *s);
/* What SQLite said last, for the log. */
const char *store_error(const struct store *s);

enum err store_begin(struct store *s) MUST_CHECK;
enum err store_commit(struct store *s) MUST_CHECK;
void store_rollback(struct store *s);

/* The id of SITE/SENSOR, made when it is new. */
enum err store_sensor(struct store *s, const char *site, const char *sensor,
		      int64_t *id) MUST_CHECK;
/* What presence said: an empty one leaves the old value.  Outside of or inside
 * a transaction. */
enum err store_sensor_state(struct store *s, int64_t sensor, const char *state,
			    struct view presence, uint64_t seen_us) MUST_CHECK;
enum err store_sensor_stats(struct store *s, int64_t sensor,
			    struct view stats) MUST_CHECK;

/* Sums of one batch of one sensor; added up in its row. */
struct store_tally {
	const char *owner; /* NULL or "": leave as it is */
	uint64_t first_us, last_us, seen_us;
	uint64_t alerts, frames, lines_refused, frames_refused, duplicates;
};
enum err store_sensor_add(struct store *s, int64_t sensor,
			  const struct store_tally *t) MUST_CHECK;
enum err store_count(struct store *s, const char *name,
		     uint64_t add) MUST_CHECK;

/* Keeps a frame as it came.  ERR_LIMIT: (sensor, epoch, seq) is kept already. */
enum err store_frame(struct store *s, int64_t sensor,
		     const struct frame_header *h, struct view data,
		     uint64_t at_us, int64_t *frame) MUST_CHECK;
/* Keeps an alert whose line stands at [off, off+len) of 'frame' inflated. */
enum err store_alert(struct store *s, const struct alert *a, int64_t sensor,
		     const char *site, int64_t frame, size_t off, size_t len,
		     struct view src_info, struct view dst_info,
		     int64_t *id) MUST_CHECK;

/* What has arrived of one epoch: [1, upto], and ranges above. */
struct store_mark {
	int64_t sensor;
	const char *site, *name;
	uint64_t epoch, upto;
	bool published; /* the epoch last committed of its sensor */
};
enum err store_mark(struct store *s, int64_t sensor, uint64_t epoch,
		    uint64_t upto) MUST_CHECK;
enum err store_mark_range(struct store *s, int64_t sensor, uint64_t epoch,
			  uint64_t lo, uint64_t hi) MUST_CHECK;
enum err store_mark_clear(struct store *s, int64_t sensor,
			  uint64_t epoch) MUST_CHECK; /* its ranges */
enum err store_gap(struct store *s, int64_t sensor, uint64_t epoch, uint64_t lo,
		   uint64_t hi, uint64_t frames, uint64_t events,
		   const char *cause, uint64_t at_us) MUST_CHECK;
enum err store_each_mark(struct store *s,
			 enum err (*fn)(void *arg, const struct store_mark *m),
			 void *arg) MUST_CHECK;
enum err store_each_range(struct store *s,
			  enum err (*fn)(void *arg, int64_t sensor,
					 uint64_t epoch, uint64_t lo,
					 uint64_t hi),
			  void *arg) MUST_CHECK;

/* Correlation: what flush hands out, and back into an empty correlator. */
enum err store_run(struct store *s, const struct run *r) MUST_CHECK;
enum err store_run_gone(struct store *s, uint64_t run) MUST_CHECK;
/* Runs that ended before 'since_us' stay on the disk only. */
enum err store_load_runs(struct store *s, struct correlate *c,
			 uint64_t since_us, size_t max) MUST_CHECK;
/* The end of the newest run; 0 when there is none. */
uint64_t store_newest_run(struct store *s);

/* What an incident is to become; id 0 makes a new one. */
struct store_incident_change {
	int64_t id;
	const char *exercise, *title, *lead, *support;
	unsigned score, level;
	uint64_t first_us, last_us, at_us;
	struct view summary;
};
/* Of the incident as it is kept; 'found' false when it is not. */
struct store_incident_kept {
	bool found;
	unsigned score, level;
	bool closed;
	bool support; /* a second owner is named */
	uint64_t summary_hash;
};
enum err store_incident_get(struct store *s, int64_t id,
			    struct store_incident_kept *out) MUST_CHECK;
enum err store_incident_put(struct store *s,
			    const struct store_incident_change *c,
			    int64_t *id) MUST_CHECK;
enum err store_incident_reopen(struct store *s, int64_t id) MUST_CHECK;
enum err store_incident_merge(struct store *s, int64_t from,
			      int64_t into) MUST_CHECK;
enum err store_incident_log(struct store *s, int64_t id, uint64_t at_us,
			    const char *who, const char *what,
			    const char *text) MUST_CHECK;

#endif
