/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_ledger.h - what sensors say they sent, beside what is here
 *
 * Of each sensor's epoch: the newest ledger that it sent, and our own counts of
 * batches and events, kept in the transaction that keeps the batches.  Counts
 * of single batches are folded into sums once the sensor knows that they are
 * committed.
 *
 * Place    above store.h and common/ledger.h; below health and pipeline.
 * Threads  the writing half: the store's; the reading half: as store_reader.h.
 * Memory   prepared statements, one ledger.
 * Cost     two short statements a batch.
 */
#ifndef COLLECTOR_STORE_LEDGER_H
#define COLLECTOR_STORE_LEDGER_H

#include "collector/store.h"
#include "common/ledger.h"

struct store_ledger;

/* ERR_NOMEM, ERR_FORMAT with diag. */
enum err store_ledger_new(struct store_ledger **out, struct store *s,
			  struct diag *d) MUST_CHECK;
void store_ledger_free(struct store_ledger *l);

/* All of these inside of the store's transaction. */

/* A batch was stored with 'events' lines, or given up with 'lost' of them. */
enum err store_ledger_batch(struct store_ledger *l, int64_t sensor,
			    const struct frame_header *h, uint64_t events,
			    uint64_t lost) MUST_CHECK;
/* 'n' numbers were declared gone; a batch came again. */
enum err store_ledger_gap(struct store_ledger *l, int64_t sensor,
			  uint64_t epoch, uint64_t n) MUST_CHECK;
enum err store_ledger_repeat(struct store_ledger *l, int64_t sensor,
			     uint64_t epoch) MUST_CHECK;
/*
 * Takes the member "ledger" of a JSON object: of presence, or of "picket" in an
 * event.  One that is older than what is kept, or is none, changes nothing.
 * '*out' (may be NULL) is what was read; its epoch is 0 when it was none.
 */
enum err store_ledger_told(struct store_ledger *l, int64_t sensor,
			   struct view obj, uint64_t seen_us,
			   struct ledger *out) MUST_CHECK;

/* --- reading --- */

struct store_ledger_row {
	const char *site, *sensor, *state;
	uint64_t epoch;
	bool newest; /* of the sensor's epochs */
	uint64_t seen_us; /* when the ledger came; 0: none did */
	uint64_t repeats; /* batches that came again, counted once */
	struct ledger ledger; /* 'epoch' 0: none */
	struct ledger_store store;
};

/* Every epoch of every sensor, or of one ('site' NULL: all); newest last. */
enum err
store_read_ledgers(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_ledger_row *row),
		   void *arg) MUST_CHECK;

#endif
