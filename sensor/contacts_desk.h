/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contacts_desk.h - a thread that sums up contacts for a worker
 *
 * The worker hands over the notes of a while, all at once, goes on with an empty
 * sheet, and gets back what is to be told of when it comes by again.  Nothing is
 * shared: notes, table and lines belong to one of the two at any time.
 *
 * A worker that reads files waits for the desk, so that lines stand where they
 * would without a thread; one that reads interfaces never does, and loses notes
 * (contacts.shed) when the desk is two sheets behind.
 *
 * Place    above contact_notes.h; below the worker.
 * Threads  the worker's, but for the one that it starts.
 * Memory   contacts.h's; 512 KiB of notes, 256 KiB of lines, and 24 bytes
 *          for each of four flows of a host.
 * Cost     two semaphores for each sheet.
 */
#ifndef SENSOR_CONTACTS_DESK_H
#define SENSOR_CONTACTS_DESK_H

#include "common/err.h"
#include "sensor/contact_notes.h"

struct contacts_desk;

/* 'conf' outlives it.  NULL when out of memory. */
struct contacts_desk *contacts_desk_new(const struct contacts_conf *conf);
void contacts_desk_free(struct contacts_desk *d);
/* Has the work done by a thread, before the first note.  Without, it is done
 * where it is handed over.  'wait': see above. */
enum err contacts_desk_start(struct contacts_desk *d, bool wait,
			     struct diag *diag) MUST_CHECK;

/* The sheet to be written on; another one after contacts_desk_hand(). */
struct contact_notes *contacts_desk_notes(struct contacts_desk *d);

/*
 * The sheet, unless the desk still has the former one: false.  With 'all'
 * everything is told of; else what is over at 'now_us' of the packets' clock,
 * 0: nothing.
 */
bool contacts_desk_hand(struct contacts_desk *d, uint64_t now_us, bool all);
/* What is to be told of by now, one after the other, or NULL; it is good until
 * the next call. */
const struct contacts_told *contacts_desk_next(struct contacts_desk *d);

/* From now on contacts_desk_next() waits for what was handed over. */
void contacts_desk_wait(struct contacts_desk *d);

/* Of all that came back so far; 'shed' is the worker's. */
struct contacts_counters *contacts_desk_counters(struct contacts_desk *d);

#endif
