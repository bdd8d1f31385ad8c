/* SPDX-License-Identifier: Apache-2.0 */
/*
 * situation.h - several incidents that belong to one picture
 *
 * Two open incidents of one exercise (or of none) are in one situation when
 * they overlap within SITUATION_WINDOW_US and share something of the other
 * side, or a mission that they touch; so are those that are tied through
 * others.  What each has is kept in the table incident_keys.
 *
 * The score of a situation of n > 1 incidents at s sites of o owners is
 *
 *     max(scores) + 5 min(n - 1, 2) + (s < 2: 0, s = 2: 2, s > 2: 5)
 *                 + (o > 1: 5), at most 100
 *
 * and of a single one its own.  Every term only grows with incidents, sites,
 * owners and scores, so more never makes it less.  Levels are 15 apart: three
 * incidents at three sites of one owner are one level above the worst of them.
 *
 * Place    above severity and store_sql; below pipeline and ctl.
 * Threads  as the connection.
 * Memory   the caller's; at most SITUATION_MAX incidents, the worst first.
 * Cost     a few indexed queries an incident of the situation.
 */
#ifndef COLLECTOR_SITUATION_H
#define COLLECTOR_SITUATION_H

#include <sqlite3.h>

#include "common/err.h"
#include "common/json.h"

#define SITUATION_MAX 64
#define SITUATION_WINDOW_US (UINT64_C(86400) * 1000000)
/* Keys of incidents that so many others came after are forgotten. */
#define SITUATION_KEPT 1024
#define SITUATION_KEYS 128

struct situation {
	int64_t id; /* its oldest incident */
	int64_t incidents[SITUATION_MAX]; /* in order of their numbers */
	unsigned n, n_sites, n_owners;
	unsigned worst, score, level; /* worst: the highest score */
};

unsigned situation_score(unsigned worst, unsigned n, unsigned n_sites,
			 unsigned n_owners);

/*
 * What an incident has, added to what it had: 'keys' are texts, each with its
 * NUL: "k" and a kind and value of the other side, "m" and a mission, "s" and a
 * site, "o" and an owner.  Of the first no more than SITUATION_KEYS are kept.
 * In a transaction.
 */
enum err situation_keep(sqlite3 *db, int64_t incident,
			struct view keys) MUST_CHECK;
/* It is part of another now, and has nothing of its own. */
enum err situation_forget(sqlite3 *db, int64_t incident) MUST_CHECK;

/* The situation that an incident is in; ERR_NOTFOUND: no such incident. */
enum err situation_of(sqlite3 *db, int64_t incident,
		      struct situation *out) MUST_CHECK;
/* The member "situation" of the object that is open; null of a single one. */
void situation_json(struct json *j, const struct situation *s);

#endif
