/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counterpart.h - a partner's incident that is one of ours, seen from there
 *
 * Partners number their incidents for themselves.  Two are counterparts when
 * both are open, of the same exercise (or of none), less than
 * SITUATION_WINDOW_US apart, and share something of the other side: an
 * indicator, an address, a domain or a certificate.  Nothing is decided by
 * that; it is shown, and their consultations become one.
 *
 * What a partner may not tell (an actor that its policy holds back) finds no
 * counterpart.
 *
 * Place    above situation and store_consult; below exchange_apply, pipeline
 *          and ctl.
 * Threads  as the connection.
 * Memory   none kept; of an incident COUNTERPART_KEYS keys.
 * Cost     a few indexed queries.
 */
#ifndef COLLECTOR_COUNTERPART_H
#define COLLECTOR_COUNTERPART_H

#include "collector/consult.h"
#include "common/err.h"
#include "common/json.h"

#include <sqlite3.h>

#define COUNTERPART_KEYS 64
#define COUNTERPART_SHOWN 16
/* Of these, and of one partner: whoever tells of many hides nobody else's. */
#define COUNTERPART_OF_ONE 4
/* Consultations of one partner that are made one with one of ours. */
#define COUNTERPART_MERGES 8

/*
 * What 'party' told of its incident 'id', in a transaction: the number that it
 * has there (0: not told) and its keys, each with its NUL, as situation_keep()
 * has those of kind "k".  Replaces what it told before.
 */
enum err counterpart_keep(sqlite3 *db, const char *party, const char *id,
			  uint64_t number, struct view keys) MUST_CHECK;

/* A counterpart; texts are valid within the call that hands it out. */
struct counterpart {
	const char *party, *title, *lead, *support, *missions;
	const char *our_lead; /* that ours has here */
	uint64_t number; /* that it has there; 0: not told */
	unsigned level, score;
	uint64_t alerts, first_us, last_us;
};
/* Those of a local incident, the most serious first, COUNTERPART_SHOWN at
 * most and COUNTERPART_OF_ONE of a partner. */
enum err counterpart_each(sqlite3 *db, int64_t incident,
			  void (*fn)(void *arg, const struct counterpart *c),
			  void *arg) MUST_CHECK;
/* The member "partners", an array, of the object that is open. */
enum err counterpart_json(sqlite3 *db, int64_t incident,
			  struct json *j) MUST_CHECK;

/*
 * Two open consultations of counterparts, one ours and one a partner's, that
 * nobody of us has said to be one.  The partner is a side of ours already: what
 * it claims to have seen brings it to no table that it was not called to.  Of
 * more than 'max' each partner has its share.
 */
struct counterpart_pair {
	struct consult_id ours, theirs;
	int64_t incident;
};
enum err counterpart_consults(sqlite3 *db, struct counterpart_pair *out,
			      unsigned max, unsigned *n) MUST_CHECK;

#endif
