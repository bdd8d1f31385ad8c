/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_consult.h - the logs of consultations, and what they add up to
 *
 * The table consult_events only grows by events; consults holds, for each
 * consultation, what consult_fold() makes of them, and is written in the same
 * transaction.  Nothing of it is kept in memory, so a restart, a rollback and
 * another program that writes are all one.
 *
 * An event is local when this collector's own people or automation said it, and
 * foreign when a partner's collector did.  An incident's number means something
 * in local ones only.
 *
 * Bounds: CONSULT_SIDE_EVENTS events a speaker, of these CONSULT_OWN_EVENTS in
 * one consultation; CONSULT_GROUP_MAX consultations that are one; and CONSULT_SIDE_OPENED consultations an opener, of which
 * the oldest that is closed makes room.  What is refused or goes is counted
 * (counters consult_events_refused, consults_expired).
 *
 * Place    above consult and store_sql; below pipeline and ctl.
 * Threads  as the connection.
 * Memory   the events of one consultation, for the call.
 * Cost     an event: reads the events of its consultation and writes a row or
 *          two.
 */
#ifndef COLLECTOR_STORE_CONSULT_H
#define COLLECTOR_STORE_CONSULT_H

#include <sqlite3.h>

#include "collector/consult.h"

#define CONSULT_OWN_EVENTS 256
#define CONSULT_SIDE_OPENED 1024
#define CONSULT_SIDE_EVENTS 65536
#define CONSULT_GROUP_MAX 64

/* ------------------------------------ writing, inside of a transaction */

/*
 * Takes an event in.  'speaker' is who it is known to come from, NULL for
 * ourselves; ERR_AUTH when that is not the side it speaks for.  ERR_FORMAT when
 * it makes no sense or the side said otherwise under that number, ERR_LIMIT at
 * a bound; of these nothing is kept, and the transaction is good.  '*fresh' is
 * false when it was known.
 */
enum err store_consult_apply(sqlite3 *db, const struct consult_event *e,
			     const char *speaker, bool *fresh,
			     struct diag *d) MUST_CHECK;
/*
 * The same for one of many: what the consultation comes to costs by all that was
 * ever said in it.  '*later': it is left to store_consult_refresh_all(), which
 * has to follow in the same transaction.
 */
enum err store_consult_take(sqlite3 *db, const struct consult_event *e,
			    const char *speaker, bool *fresh, bool *later,
			    struct diag *d) MUST_CHECK;
/*
 * Says something new of our own: 'e' has all but number, clock, at_us and, when
 * it opens, its id; these are filled in.  Adds a line to the log of 'incident'
 * (0: of none).
 */
enum err store_consult_say(sqlite3 *db, struct consult_event *e,
			   uint64_t now_us, int64_t incident,
			   struct diag *d) MUST_CHECK;
/* The events up to this one, by order of arrival, were told to the feed. */
enum err store_consult_told(sqlite3 *db, int64_t event) MUST_CHECK;

/* ------------------------------------------------------------ reading */

/* As of now; 'id' may be one that was merged into another.  ERR_NOTFOUND. */
enum err store_consult_get(sqlite3 *db, const struct consult_id *id,
			   struct consult *out) MUST_CHECK;
/* Of a local incident; ERR_NOTFOUND. */
enum err store_consult_of(sqlite3 *db, int64_t incident,
			  struct consult_id *out) MUST_CHECK;
/*
 * By which of our numbers its incident goes: 0 when it is none of ours, or was
 * opened here, so that its own number is ours.  ERR_IO.
 */
enum err store_consult_ours(sqlite3 *db, const struct consult_id *root,
			    bool *opened_here, int64_t *incident) MUST_CHECK;
/* Local ones that wait for a side since 'now_us' or longer, longest first: the
 * timers of a foreign one are its opener's. */
enum err store_consult_due(sqlite3 *db, uint64_t now_us, struct consult_id *out,
			   unsigned max, unsigned *n) MUST_CHECK;
/* It is not due before 'until_us'. */
enum err store_consult_put_off(sqlite3 *db, const struct consult_id *id,
			       uint64_t until_us) MUST_CHECK;
/* Every one that remains, open ones first, the most serious first. */
enum err store_consult_each(sqlite3 *db, bool closed_too, unsigned limit,
			    void (*fn)(void *arg, const struct consult *c),
			    void *arg) MUST_CHECK;
/* Its events and those of what was merged with it, in order of the fold. */
enum err store_consult_log(sqlite3 *db, const struct consult_id *id,
			   void (*fn)(void *arg, const struct consult_event *e),
			   void *arg) MUST_CHECK;
/* Of one side, from number 'from' on: what a partner has not seen. */
enum err store_consult_since(sqlite3 *db, const char *side, uint64_t from,
			     unsigned limit,
			     void (*fn)(void *arg,
					const struct consult_event *e),
			     void *arg) MUST_CHECK;
/* Those that the feed was not told yet, at most 'limit'; ERR_OK and '*last' 0
 * when there are none. */
enum err store_consult_untold(sqlite3 *db, unsigned limit,
			      enum err (*fn)(void *arg,
					     const struct consult_event *e),
			      void *arg, int64_t *last) MUST_CHECK;

struct store_consult_sums {
	uint64_t open, waiting, overdue, closed, events;
	uint64_t refused, expired;
};
/* 'waiting': open, and a side has not acknowledged; 'overdue': one was called
 * again.  Those of exercises are left out. */
enum err store_consult_sums(sqlite3 *db,
			    struct store_consult_sums *out) MUST_CHECK;

/* ------------------------------------- store_consult*.c among themselves */

/* An event from the columns CONSULT_EVENT_COLUMNS, which 'st' begins with. */
#define CONSULT_EVENT_COLUMNS \
	"e.side,e.number,e.consult_side,e.consult_number,e.kind,e.clock," \
	"e.at_us,e.who,e.about,e.other_side,e.other_number,e.level,e.step," \
	"e.deadline_us,e.incident,e.exercise,e.sides,e.text"
void store_consult_row(sqlite3_stmt *st, struct consult_event *e);
/* All events of the group that 'id' is in, on the heap; '*n' may be 0. */
enum err store_consult_events(sqlite3 *db, const struct consult_id *id,
			      struct consult_event **out, size_t *n) MUST_CHECK;
/* Whether more than CONSULT_GROUP_MAX are one with 'id', itself counted. */
enum err store_consult_crowd(sqlite3 *db, const struct consult_id *id,
			     bool *is) MUST_CHECK;
/* Writes what the events of the group of 'id' add up to. */
enum err store_consult_refresh(sqlite3 *db,
			       const struct consult_id *id) MUST_CHECK;
/* The same for 'n' of them; those that are one are written once. */
enum err store_consult_refresh_all(sqlite3 *db, const struct consult_id *ids,
				   size_t n) MUST_CHECK;

#endif
