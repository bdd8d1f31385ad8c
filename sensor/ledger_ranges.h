/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_ranges.h - which batches left the spool without being committed
 *
 * A batch that was sent may have arrived although it was shed or damaged here
 * afterwards.  The collector knows such batches by these ranges: a range names
 * all batches of one class with numbers in it.  They may overlap: the
 * collector counts a batch once.
 *
 * Place    above ledger_file.h and spool.h, below forward_ledger.h.
 * Threads  the forwarder's.
 * Memory   in the slot: LEDGER_SHEDS ranges.  When there are more, the oldest
 *          goes, and 'shed_more' says that it did.
 * Cost     a walk over the table; those that look at the spool read all heads
 *          and bodies, and are for the start only.
 */
#ifndef SENSOR_LEDGER_RANGES_H
#define SENSOR_LEDGER_RANGES_H

#include "sensor/ledger_file.h"
#include "sensor/spool.h"

/*
 * Adds one; it becomes part of the last one of its class where that says the
 * same.  'alone' are damaged batches, of which the neighbours are still there.
 */
void ledger_range_note(struct ledger_slot *s, const struct ledger_shed *r);

/*
 * At the start: 'events' of the class are in the spool that count as gone.
 * True when they belong to a file that was to be shed and was not: its ranges
 * now end before it.
 */
bool ledger_range_take_back(struct ledger_slot *s, struct spool *spool,
			    unsigned cls, uint64_t events) MUST_CHECK;

/*
 * At the start: 'events' of the class are found to be gone.  Which batches
 * they were nobody can say any more, but only numbers above the committed
 * point that the spool does not have; those become ranges, in place of those
 * that told of damage before.  0: nothing is gone any more.
 */
void ledger_range_damaged(struct ledger_slot *s, struct spool *spool,
			  unsigned cls, uint64_t events);

#endif
