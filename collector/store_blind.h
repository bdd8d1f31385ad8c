/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_blind.h - intervals in which nobody was looking, kept
 *
 * Also kept: since when each sensor is known and when it was last there, which
 * assets of the mission map it watches, and when a collector last looked.
 *
 * Place    above store.h and blind.h; below health.
 * Threads  the writing half: the store's; the reading half: as store_reader.h.
 * Memory   none kept.
 * Cost     short statements, every few seconds a sensor.
 */
#ifndef COLLECTOR_STORE_BLIND_H
#define COLLECTOR_STORE_BLIND_H

#include "collector/blind.h"
#include "collector/mission.h"
#include "collector/store.h"

/* All of these inside of the store's transaction. */

/* Opens, closes or adds an interval; one that opens where a closed one began
 * is that one again.  '*changed' is false when it was kept already. */
enum err store_blind_span(struct store *s, int64_t sensor,
			  const struct blind_span *span,
			  bool *changed) MUST_CHECK;
/* The sensor was there just now. */
enum err store_blind_seen(struct store *s, int64_t sensor, bool live,
			  uint64_t at_us) MUST_CHECK;
/* A collector looked; when one did before. */
enum err store_blind_beat(struct store *s, uint64_t at_us) MUST_CHECK;
enum err store_blind_last_beat(struct store *s, uint64_t *at_us) MUST_CHECK;
/* Fills in what is kept of a sensor: blind_resume() and what is open. */
enum err store_blind_load(struct store *s, int64_t sensor,
			  struct blind *b) MUST_CHECK;
/* Each sensor that watches interfaces and did not say goodbye. */
enum err store_blind_each_live(struct store *s,
			       void (*fn)(void *arg, const char *site,
					  const char *sensor),
			       void *arg) MUST_CHECK;
/*
 * The assets of 'm' that a sensor watches: those of its site, or of no site,
 * with a network that meets one of 'watches' (networks, parted by commas or
 * blanks; empty: all), with the priority that each has there by what the sensor
 * tells in 'o': of an asset's networks, the least important.  With sensor 0 and
 * 'site' NULL: all assets there are, so that those stand out that nobody
 * watches.
 */
enum err store_blind_assets(struct store *s, int64_t sensor, const char *site,
			    const struct mission_map *m, const char *watches,
			    const struct ledger_overload *o) MUST_CHECK;

/* Which assets each mission of 'm' (NULL: none) stands on. */
enum err store_blind_missions(struct store *s,
			      const struct mission_map *m) MUST_CHECK;

/* --- reading --- */

struct store_blind_row {
	const char *site, *sensor, *cause, *detail;
	uint64_t from_us, to_us; /* 'to_us' 0: still so */
	/* Of a kill: when the collector had noticed that it was silent; or 0.
	 * That has no row of its own then. */
	uint64_t silent_from_us, silent_to_us;
	/* Of an overload; else 0 (struct blind_span). */
	unsigned all_from, payload_from;
	/* Of the mission map, that the sensor watches and did not see all of. */
	unsigned n_assets;
	const char *assets; /* the first of them, parted by ", " */
};
#define STORE_BLIND_ROWS 10000 /* for who has no limit of his own */
/*
 * Intervals that end after 'since_us', oldest first; 'site' and 'asset' may be
 * NULL: of any.  Those are an asset's in which something of it was not seen.  Beyond 'limit' those are left out that began first and are
 * over; '*left_out' is how many.
 */
enum err store_read_blind(struct store_reader *r, uint64_t since_us,
			  const char *site, const char *asset, unsigned limit,
			  void (*fn)(void *arg,
				     const struct store_blind_row *row),
			  void *arg, uint64_t *left_out) MUST_CHECK;

struct store_watch_row {
	const char *site, *sensor;
	bool live;
	uint64_t since_us, last_us;
	unsigned open; /* causes that hold now */
};
enum err store_read_watch(struct store_reader *r,
			  void (*fn)(void *arg,
				     const struct store_watch_row *row),
			  void *arg) MUST_CHECK;

#endif
