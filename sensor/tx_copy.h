/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tx_copy.h - what an event tells of a transaction, kept for later
 *
 * A transaction is gone when another thread writes of it.  Its copy is a run of
 * bytes: of each field that log_*.c reads the number, or the length and the
 * bytes; nothing else, and no pointer but to what never changes.  Set up again
 * it is a transaction once more, of which only these fields are there: what
 * writes of the one writes of the other.
 *
 * Place    above every parser; below event_log.
 * Threads  put: the transaction's worker.  get: one thread a room.
 * Memory   a copy is no longer than the text made of it, but for a few bytes a
 *          field.  A room is of one size, for the largest that parsers keep.
 * Cost     a copy of a few bytes a field; nothing is looked at.
 */
#ifndef SENSOR_TX_COPY_H
#define SENSOR_TX_COPY_H

#include "common/json.h"
#include "sensor/app_parser.h"

/* Where one transaction at a time is set up again. */
struct tx_room;

/* NULL when out of memory. */
struct tx_room *tx_room_new(void);
/* NULL is fine. */
void tx_room_free(struct tx_room *r);

/* Appends the copy of 'tx' to what 'j' holds; j->failed without memory. */
void tx_copy_put(struct json *j, const struct app_tx *tx);
/*
 * The transaction that the front of '*from' is a copy of; '*from' is behind it
 * then.  It borrows the bytes, which may lie at any address, and stays until the
 * room's next one.
 */
const struct app_tx *tx_copy_get(struct tx_room *r, struct view *from);

/* The same for a file that was carried, which has ended and is settled: what
 * log_file() shows of it. */
void tx_copy_put_file(struct json *j, const struct file *f);
void tx_copy_get_file(struct file *out, struct view *from);

#endif
