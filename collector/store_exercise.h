/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_exercise.h - exercises in the store: ordered, ended, and what was seen
 *
 * Place    above store_reader and common/exercise; below the pipeline and
 *          ctl_exercise.
 * Threads  as the connection.
 * Memory   texts of a row are valid within the call that hands it out.
 */
#ifndef COLLECTOR_STORE_EXERCISE_H
#define COLLECTOR_STORE_EXERCISE_H

#include "collector/store_reader.h"
#include "common/exercise.h"

struct store_exercise {
	int64_t id;
	const char *name, *token, *who, *end_who; /* 'token' is JSON */
	uint64_t from_us, until_us;
	uint64_t at_us, end_us; /* ordered, and ended; 0: it is on */
	/* Of the documents that told it; 0: not told yet. */
	uint64_t version, end_version;
	/* Alerts that were marked as its own and are not: taken as real. */
	uint64_t misplaced;
};

/* ERR_USAGE: there is, or was, one of that name; else as
 * store_change_begin(). */
enum err store_exercise_begin(struct store_reader *r, const struct exercise *e,
			      const char *who, struct diag *d) MUST_CHECK;
/* ERR_NOTFOUND, ERR_USAGE (it has ended); else as store_change_begin(). */
enum err store_exercise_end(struct store_reader *r, const char *name,
			    const char *who, struct diag *d) MUST_CHECK;
/* All of them, the last first; 'name' not NULL: that one. */
enum err store_exercise_each(sqlite3 *db, const char *name,
			     void (*fn)(void *arg,
					const struct store_exercise *e),
			     void *arg) MUST_CHECK;
/* The token of a row; as exercise_read(). */
enum err store_exercise_token(const char *text, struct exercise **out,
			      struct diag *d) MUST_CHECK;
/* Changes with each order and each end. */
uint64_t store_exercise_state(sqlite3 *db);

/* Within the writer's transaction. */
enum err store_exercise_told(sqlite3 *db, int64_t id, bool end,
			     uint64_t version) MUST_CHECK;
enum err store_exercise_misplaced(sqlite3 *db, int64_t id,
				  uint64_t n) MUST_CHECK;
/* Stands for an inject: what players did besides. */
#define STORE_EXERCISE_BESIDE EXERCISE_MAX_INJECTS
/* An inject's alerts at one site. */
struct store_exercise_hit {
	unsigned inject;
	const char *site, *signature; /* of the first */
	const char *owner; /* whose site it is; "": not known; not written */
	uint64_t first_us, last_us; /* the packets' time */
	uint64_t seen_us; /* when the first came to the collector */
	uint64_t count;
	int64_t alert; /* the first */
};
enum err store_exercise_hit(sqlite3 *db, int64_t id,
			    const struct store_exercise_hit *h) MUST_CHECK;
enum err store_exercise_each_hit(sqlite3 *db, int64_t id,
				 void (*fn)(void *arg,
					    const struct store_exercise_hit *h),
				 void *arg) MUST_CHECK;

/* What partners saw of it. */
struct store_exercise_told {
	const char *party, *place, *value;
	uint64_t first_us, last_us, count;
};
enum err store_exercise_each_told(
	sqlite3 *db, const char *name,
	void (*fn)(void *arg, const struct store_exercise_told *t),
	void *arg) MUST_CHECK;

/* A sensor that runs, and which exercises it marks, parted by blanks. */
enum err store_exercise_sensors(sqlite3 *db,
				void (*fn)(void *arg, int64_t id,
					   const char *site, const char *sensor,
					   const char *exercises),
				void *arg) MUST_CHECK;

#endif
