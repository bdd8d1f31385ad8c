/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence_store.h - which sensors' blindness belongs to which incident, kept
 *
 * What an incident has, it keeps, though the blindness itself is forgotten some
 * day: an incident never becomes less serious by time.
 *
 * Place    above silence and store_sql; below pipeline and ctl.
 * Threads  as the connection.
 * Memory   none.
 * Cost     a look-up by key an incident; a step of an index when nothing is new.
 */
#ifndef COLLECTOR_SILENCE_STORE_H
#define COLLECTOR_SILENCE_STORE_H

#include <sqlite3.h>

#include "collector/silence.h"
#include "common/err.h"

/* Adds what the table of blindness has beyond 'r->last' (0: the newest of it);
 * '*n' is how many. */
enum err silence_read(sqlite3 *db, struct silences *r, unsigned *n) MUST_CHECK;
/* Those that the incident has; they replace what is in 'list'. */
enum err silence_of(sqlite3 *db, int64_t incident,
		    struct silence_list *list) MUST_CHECK;
/* In a transaction; '*fresh' false: the incident has it already. */
enum err silence_keep(sqlite3 *db, int64_t incident, const struct silence *s,
		      bool *fresh) MUST_CHECK;
/* 'from' is part of 'into' now. */
enum err silence_merged(sqlite3 *db, int64_t from, int64_t into) MUST_CHECK;

#endif
