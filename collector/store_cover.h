/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_cover.h - which assets and missions were watched, when not, and why
 *
 * An asset is watched by the live sensors whose networks meet its own
 * (store_blind_assets()).  Time is split where one of them turns blind, sees
 * again, or is there for the first time.  Of an overload counts what was given
 * up of the asset's own priority (blind_overload.h).  Nothing is said beyond the moment in
 * which a collector looked last.
 *
 * Place    above store_blind; reading only.
 * Threads  as store_reader.h.
 * Memory   the newest pieces of one asset, as many as are asked for.
 * Cost     for each asset, its sensors' intervals in the time that is asked of.
 */
#ifndef COLLECTOR_STORE_COVER_H
#define COLLECTOR_STORE_COVER_H

#include "collector/store_reader.h"

/* From good to bad; of an asset or a mission the worst counts. */
enum store_cover {
	STORE_WATCHED, /* by all its sensors */
	STORE_PARTLY, /* by some, or not all of it */
	STORE_UNWATCHED, /* it had no sensor */
	STORE_BLIND, /* it had some, and all were blind */
	STORE_COVERS
};
const char *store_cover_name(enum store_cover c);

/* A piece of time. */
struct store_cover_piece {
	uint64_t from_us, to_us; /* 'to_us' 0: it lasts */
	enum store_cover state;
	unsigned blind; /* of the asset's sensors, then */
	unsigned dim; /* of them, overloaded: some of its payload unseen */
	const char *why; /* "tap1: killed, silent; tap2: overload", or "" */
};

struct store_cover_row {
	const char *asset, *site;
	unsigned sensors; /* live, that watch it */
	unsigned blind; /* of them, now */
	unsigned dim; /* of them, now, as in a piece */
	enum store_cover state; /* now */
	const char *why; /* why it is unwatched or blind; "" */
	uint64_t from_us, to_us; /* the time of which the rest speaks */
	uint64_t first_us; /* when the first of them was seen; 0: none */
	uint64_t us[STORE_COVERS]; /* of it, in each state */
	uint64_t known_us; /* intervals before that are not all kept; or 0 */
	const struct store_cover_piece *piece; /* the newest, oldest first */
	unsigned n_pieces;
	uint64_t left_out; /* older ones */
};
/*
 * Every asset, or 'asset'; of the time from 'since_us' on, 0: from when the
 * first of its sensors was seen.  'limit' pieces at most.
 */
enum err store_read_cover(struct store_reader *r, uint64_t since_us,
			  const char *asset, unsigned limit,
			  void (*fn)(void *arg,
				     const struct store_cover_row *row),
			  void *arg) MUST_CHECK;

struct store_mission_row {
	const char *mission, *owner;
	unsigned criticality, assets;
	unsigned n[STORE_COVERS]; /* of its assets, now */
	unsigned incidents; /* real ones, not closed, that touch it */
	enum store_cover state;
	const char *why; /* "unwatched: gate, files; blind: mail"; or "" */
};
/* Every mission of the map that the collector read last, by name. */
enum err store_read_missions(struct store_reader *r,
			     void (*fn)(void *arg,
					const struct store_mission_row *row),
			     void *arg) MUST_CHECK;

#endif
