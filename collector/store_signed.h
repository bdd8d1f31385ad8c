/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_signed.h - who signed last, and what was refused of whom and why
 *
 * Place    above store and store_read; below pipeline.
 * Threads  one writer, within the store's transactions; readers as store_read.
 * Memory   prepared statements.
 * Cost     one row a refused batch, and one when a sensor's key or spool
 *          changes.
 */
#ifndef COLLECTOR_STORE_SIGNED_H
#define COLLECTOR_STORE_SIGNED_H

#include "collector/store.h"

struct store_signed;

enum err store_signed_new(struct store_signed **out, struct store *s,
			  struct diag *d) MUST_CHECK;
void store_signed_free(struct store_signed *s);

/* The newest epoch of which this sensor signed a batch; 0: none yet. */
enum err store_signed_epoch(struct store_signed *s, int64_t sensor,
			    uint64_t *epoch) MUST_CHECK;
/* The newest signed presence that was believed: 'epoch' of the spool and its
 * 'order'; 0 and 0: none yet. */
enum err store_signed_presence(struct store_signed *s, int64_t sensor,
			       uint64_t *epoch, uint64_t *order) MUST_CHECK;
/* It signed one of this epoch, with this key. */
enum err store_signed_note(struct store_signed *s, int64_t sensor,
			   uint64_t epoch, const char *key,
			   uint64_t at_us) MUST_CHECK;
/* 'n' more were refused; 'what' describes the last. */
enum err store_signed_refuse(struct store_signed *s, int64_t sensor,
			     const char *cause, uint64_t n, const char *what,
			     uint64_t at_us) MUST_CHECK;

struct store_refused {
	const char *site, *sensor, *cause, *what;
	uint64_t n, first_us, last_us;
};
/* Of all sensors, or of one ('site' NULL: all). */
enum err
store_read_refused(struct store_reader *r, const char *site, const char *sensor,
		   void (*fn)(void *arg, const struct store_refused *row),
		   void *arg) MUST_CHECK;

#endif
