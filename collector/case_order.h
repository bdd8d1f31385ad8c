/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_order.h - what an analyst orders of incidents and keys, on its way
 *
 * picketctl writes an order down, the collector carries it out between two
 * batches and answers in the same row: the correlator's memory is the
 * collector's, so nobody else changes what is made of it.  An order waits for
 * a collector that is not running.  CASE_ORDERS_KEPT answers stay.
 *
 * Place    above store_reader; below pipeline and ctl.
 * Threads  as the connection.
 * Memory   an order is its caller's; texts are copies.
 * Cost     a look at an index that is empty most of the time.
 */
#ifndef COLLECTOR_CASE_ORDER_H
#define COLLECTOR_CASE_ORDER_H

#include "collector/sighting.h"
#include "collector/store_reader.h"

#define CASE_TEXT_CAP 512
#define CASE_MAX_RUNS 10000
#define CASE_ORDERS_WAITING 256
#define CASE_ORDERS_KEPT 1000

enum case_what { CASE_SPLIT = 1, CASE_MERGE, CASE_MUTE, CASE_UNMUTE };

struct case_order {
	int64_t id;
	enum case_what what;
	char who[SIGHTING_NAME_CAP], why[CASE_TEXT_CAP];
	int64_t incident, other; /* 'other': to be merged with it */
	uint64_t *runs; /* to be parted, ascending; on the heap */
	size_t n_runs;
	/* Of a mute. */
	char exercise[SIGHTING_NAME_CAP], key[SIGHTING_KEY_CAP];
	unsigned kind; /* enum key_kind */
	uint64_t until_us; /* 0: until it is removed */
};
void case_order_fini(struct case_order *o);

enum case_state { CASE_WAITING, CASE_DONE, CASE_REFUSED };

/* By picketctl: ERR_LIMIT (too many wait) and as store_change_begin(), with
 * diag. */
enum err case_order_give(struct store_reader *r, const struct case_order *o,
			 int64_t *id, struct diag *d) MUST_CHECK;
/* Waits for the answer for 'ms' at most; CASE_WAITING: there is none yet. */
enum err case_order_wait(struct store_reader *r, int64_t id, unsigned ms,
			 enum case_state *state,
			 char answer[CASE_TEXT_CAP]) MUST_CHECK;

/* By the collector: the oldest that waits, to be ended by case_order_fini();
 * 'id' 0: none does. */
enum err case_order_next(sqlite3 *db, struct case_order *out) MUST_CHECK;
/* In the transaction that carries it out. */
enum err case_order_answer(sqlite3 *db, int64_t id, enum case_state state,
			   const char *answer, uint64_t now_us) MUST_CHECK;

#endif
