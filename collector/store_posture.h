/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_posture.h - which posture was ordered, when, by whom and why
 *
 * An order is for all sites, or for one; of those that a site is under the
 * newest holds.  Orders stay: they are the history.  The collector writes down
 * which levels there are, so that who orders one need not ask it.
 *
 * Place    above store_reader and posture_file; below posture and ctl_posture.
 * Threads  as the connection.
 * Memory   texts of a row are valid within the call that hands it out.
 */
#ifndef COLLECTOR_STORE_POSTURE_H
#define COLLECTOR_STORE_POSTURE_H

#include "collector/posture_file.h"
#include "collector/store_reader.h"

struct store_posture_order {
	int64_t id; /* grows from each to the next; 0: none was given */
	uint64_t at_us;
	/* Of the document that told it first; 0: not told yet. */
	uint64_t version;
	const char *level, *site, *who, *why; /* site "": all */
};

/* The levels that there are from now on; within a transaction. */
enum err store_posture_levels(sqlite3 *db,
			      const struct posture_levels *l) MUST_CHECK;
/* Hands out each level's name and settings (a JSON object), in order. */
enum err store_posture_each_level(struct store_reader *r,
				  void (*fn)(void *arg, const char *name,
					     const char *settings),
				  void *arg) MUST_CHECK;

/*
 * Orders 'level' for 'site' ("": all sites); '*id' is the order's.  ERR_USAGE:
 * there is no such level (the diag lists those there are); else as
 * store_change_begin().
 */
enum err store_posture_order(struct store_reader *r, const char *level,
			     const char *site, const char *who, const char *why,
			     int64_t *id, struct diag *d) MUST_CHECK;

/* The newest order's number; 0 when there is none. */
int64_t store_posture_newest(sqlite3 *db);
/* Orders, newest first; 'holding': only those that hold for a site or for all.
 */
enum err store_posture_each(sqlite3 *db, bool holding, unsigned limit,
			    void (*fn)(void *arg,
				       const struct store_posture_order *o),
			    void *arg) MUST_CHECK;
/* It was told, by a document of that version. */
enum err store_posture_told(sqlite3 *db, int64_t id,
			    uint64_t version) MUST_CHECK;

/* A sensor that runs, and what it says of its posture. */
struct store_posture_sensor {
	int64_t id;
	const char *site, *sensor;
	const char *level, *error; /* "": it says none */
	uint64_t version; /* of the document that it obeys; 0: none */
};
enum err store_posture_sensors(sqlite3 *db,
			       void (*fn)(void *arg,
					  const struct store_posture_sensor *s),
			       void *arg) MUST_CHECK;

#endif
