/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mute_store.h - what analysts changed in the picture, kept
 *
 * Keys that are muted, and incidents that are held apart.  A mute that ended
 * stays as history: MUTES_ENDED of them.
 *
 * Place    above store_sql; below store and pipeline.
 * Threads  as the connection.
 * Memory   texts of a row are valid within the call that hands it out.
 * Cost     short statements.
 */
#ifndef COLLECTOR_MUTE_STORE_H
#define COLLECTOR_MUTE_STORE_H

#include <sqlite3.h>

#include "common/err.h"

#define MUTES_NOW 4096 /* at once */
#define MUTES_ENDED 1000
#define APART_PAIRS 4096
#define MUTE_BY_TIME "time" /* ended_by of one that ran out */

struct mute_row {
	int64_t id;
	const char *exercise, *key;
	unsigned kind; /* enum key_kind */
	uint64_t from_us, until_us; /* 'until_us' 0: until it is removed */
	const char *who, *why;
	uint64_t alerts; /* that showed the key meanwhile */
	uint64_t ended_us; /* 0: it holds */
	const char *ended_by;
};

/* Notes a mute; one that holds already is changed.  ERR_LIMIT: MUTES_NOW hold.
 * In a transaction, as all that changes something. */
enum err mute_put(sqlite3 *db, const struct mute_row *m) MUST_CHECK;
/* It ends; ERR_NOTFOUND: none holds for this key. */
enum err mute_end(sqlite3 *db, const char *exercise, unsigned kind,
		  const char *key, const char *who, uint64_t at_us) MUST_CHECK;
enum err mute_count(sqlite3 *db, const char *exercise, unsigned kind,
		    const char *key, uint64_t alerts) MUST_CHECK;
/* Those that hold, or with 'ended' all, the newest first. */
enum err mute_each(sqlite3 *db, bool ended, unsigned limit,
		   enum err (*fn)(void *arg, const struct mute_row *m),
		   void *arg) MUST_CHECK;
/* Of those that hold the one that runs out next, by 'now_us' at the latest;
 * 'id' 0: none does.  'fn' may be called once. */
enum err mute_due(sqlite3 *db, uint64_t now_us,
		  enum err (*fn)(void *arg, const struct mute_row *m),
		  void *arg) MUST_CHECK;

/* Two incidents are held apart; ERR_LIMIT: APART_PAIRS are, none of which is so
 * old that it can go. */
enum err apart_put(sqlite3 *db, int64_t a, int64_t b,
		   uint64_t at_us) MUST_CHECK;
/* Whether one more pair can be put; makes room by what ended before 'old_us'. */
enum err apart_room(sqlite3 *db, uint64_t old_us, bool *is) MUST_CHECK;
/* 'from' is part of 'into' now. */
enum err apart_merged(sqlite3 *db, int64_t from, int64_t into) MUST_CHECK;

#endif
