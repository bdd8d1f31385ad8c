/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_epoch.h - the epochs of a sensor: known, new, or forgotten
 *
 * What has arrived of an epoch, and what its ledger says, is kept for the
 * newest epochs of a sensor, and goes as a whole.  A batch of an epoch that
 * went can be neither stored (it may be counted already) nor passed over (it
 * may be not): it is to be refused, and shows there.
 *
 * Place    above store_ledger; below pipeline.
 * Threads  the store's.
 * Memory   none kept.
 * Cost     store_epoch_find(): two short statements; store_epoch_trim(): some
 *          statements for each epoch that goes.
 */
#ifndef COLLECTOR_STORE_EPOCH_H
#define COLLECTOR_STORE_EPOCH_H

#include "collector/store.h"

enum store_epoch {
	STORE_EPOCH_NEW,
	STORE_EPOCH_KEPT, /* and 'fn' was told what has arrived */
	STORE_EPOCH_FORGOTTEN, /* it went, or is older than one that did */
};

/* Whoever keeps marks in memory, and no longer has this one. */
struct store_epoch_to {
	enum err (*mark)(void *arg, int64_t sensor, uint64_t epoch,
			 uint64_t upto);
	enum err (*range)(void *arg, int64_t sensor, uint64_t epoch,
			  uint64_t lo, uint64_t hi);
	void *arg;
};
enum err store_epoch_find(struct store *s, int64_t sensor, uint64_t epoch,
			  const struct store_epoch_to *to,
			  enum store_epoch *out) MUST_CHECK;

/*
 * Forgets epochs beyond the bound: first those of which nothing is missing or
 * waiting, then others, each lowest first, never the one that last moved.
 * 'fn' is told which, and what is in memory of them is to go too.  After the
 * marks of the transaction are kept.
 */
enum err store_epoch_trim(struct store *s, int64_t sensor,
			  void (*fn)(void *arg, int64_t sensor, uint64_t epoch),
			  void *arg) MUST_CHECK;

#endif
