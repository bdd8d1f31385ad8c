/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the collector's memory: frames, groups, marks, incidents
 *
 * A frame is kept as it came.  What it holds is known by an index beside it:
 * groups of alerts that differ in time only, which frames hold a group, and
 * counts by minute.  An alert has a number, given in order of arrival, and no
 * row of its own.
 *
 * One writer.  Everything between store_begin() and store_commit() is on the
 * disk after the commit returns, or is not there at all; only then may a frame
 * be acknowledged.  What analysts read is in store_read.h.
 *
 * Place    after correlate (whose runs it keeps); before pipeline.
 * Threads  one thread; readers have connections of their own.
 * Memory   SQLite's page cache, a cache of names bounded by STORE_MAX_NAMES,
 *          and sums of one transaction (store_state.h): about 50 MiB at most.
 * Cost     about 0.3 us an alert, and some 20 us for each frame and each group
 *          of a transaction; one fsync a commit.
 */
#ifndef COLLECTOR_STORE_H
#define COLLECTOR_STORE_H

#include "collector/assess.h"
#include "collector/correlate.h"
#include "collector/store_bound.h"
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
/* Its log is moved to its place by a thread from here on (store_checkpoint.h),
 * so that no commit waits for that. */
enum err store_checkpoints(struct store *s, const char *path,
			   struct diag *d) MUST_CHECK;
/* The connection, for tables that others keep in the same transactions. */
struct sqlite3;
struct sqlite3 *store_db(struct store *s);
/* What SQLite said last, for the log. */
const char *store_error(const struct store *s);

/* What may be kept; 0 is no limit.  The oldest frames beyond it are dropped at
 * the next commits and counted (frames_expired, alerts_expired). */
struct store_limits {
	uint64_t max_bytes; /* of the database's pages in use */
	uint64_t keep_us; /* since a frame arrived, by the wall clock */
};
void store_limit(struct store *s, const struct store_limits *limits);
/* Others than store_bounds_default, for tests; and what they are. */
void store_bound(struct store *s, const struct store_bounds *bounds);
const struct store_bounds *store_bounds(const struct store *s);

enum err store_begin(struct store *s) MUST_CHECK;
enum err store_commit(struct store *s) MUST_CHECK;
void store_rollback(struct store *s);

/* The id of SITE/SENSOR; ERR_NOTFOUND: there is none. */
enum err store_sensor_find(struct store *s, const char *site,
			   const char *sensor, int64_t *id) MUST_CHECK;
/* The same, made when it is new. */
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

/*
 * A frame is taken in by store_frame_begin(), one call for each line that is
 * not empty, in order, and store_frame_end(), which keeps it as it came.  One
 * that began must end, or the transaction be rolled back.
 *
 * ERR_LIMIT of the first: (sensor, epoch, seq) is kept already.
 */
enum err store_frame_begin(struct store *s, int64_t sensor, const char *site,
			   const struct frame_header *h) MUST_CHECK;
/* The line is the alert 'a'; '*id' is its number.  'undescribed': nothing has
 * been said yet of its group's addresses, as far as the store remembers. */
enum err store_frame_alert(struct store *s, const struct alert *a, int64_t *id,
			   bool *undescribed) MUST_CHECK;
/* What is known of the last alert's ends: JSON objects. */
enum err store_frame_info(struct store *s, struct view src_info,
			  struct view dst_info) MUST_CHECK;
/* The line is none. */
enum err store_frame_other(struct store *s) MUST_CHECK;
/* 'data' is the frame's zlib stream. */
enum err store_frame_end(struct store *s, struct view data,
			 uint64_t at_us) MUST_CHECK;

/* What has arrived of one epoch: [1, upto], and ranges above. */
struct store_mark {
	int64_t sensor;
	const char *site, *name;
	uint64_t epoch, upto;
	bool published; /* the epoch last committed of its sensor */
};
/* 'latest': the epoch that last moved of its sensor. */
enum err store_mark(struct store *s, int64_t sensor, uint64_t epoch,
		    uint64_t upto, bool latest) MUST_CHECK;
enum err store_mark_range(struct store *s, int64_t sensor, uint64_t epoch,
			  uint64_t lo, uint64_t hi) MUST_CHECK;
/* Its ranges that begin at 'lo' to 'hi' go. */
enum err store_mark_clear(struct store *s, int64_t sensor, uint64_t epoch,
			  uint64_t lo, uint64_t hi) MUST_CHECK;
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
/* Runs that ended before 'since_us' stay on the disk only, unless later ones were
 * seen with them or are of one incident with them: a fifth of 'max' may come on
 * top for these. */
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
	const struct marking *mark; /* of a new one */
};
/* Of the incident as it is kept; 'found' false when it is not. */
struct store_incident_kept {
	bool found;
	unsigned score, level;
	bool closed;
	unsigned n_owners; /* that lead and support it */
	uint64_t summary_hash;
	struct marking mark;
};
enum err store_incident_get(struct store *s, int64_t id,
			    struct store_incident_kept *out) MUST_CHECK;
/* What it was assessed as; zeroed when it is not kept. */
enum err store_incident_before(struct store *s, int64_t id,
			       struct assess_before *out) MUST_CHECK;
enum err store_incident_put(struct store *s,
			    const struct store_incident_change *c,
			    int64_t *id) MUST_CHECK;
/* 'mark' goes on top of the one that is kept, which never becomes less. */
enum err store_incident_mark(struct store *s, int64_t id,
			     const struct marking *mark) MUST_CHECK;
enum err store_incident_reopen(struct store *s, int64_t id) MUST_CHECK;
/* Nothing holds it together any more: closed, until something does. */
enum err store_incident_dissolve(struct store *s, int64_t id) MUST_CHECK;
/* Whether that was the last that was done to it. */
enum err store_incident_dissolved(struct store *s, int64_t id,
				  bool *is) MUST_CHECK;
enum err store_incident_merge(struct store *s, int64_t from,
			      int64_t into) MUST_CHECK;
enum err store_incident_log(struct store *s, int64_t id, uint64_t at_us,
			    const char *who, const char *what,
			    const char *text) MUST_CHECK;

#endif
