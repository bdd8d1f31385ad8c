/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_poll_store.h - how far a TAXII collection was read, in the store
 *
 * Place    above store_schema and store_reader, a part of indicator_polls; below
 *          ctl_indicator.
 * Threads  a connection's; each call that writes opens its own.
 * Memory   none kept.
 * Cost     a small transaction a poll.
 */
#ifndef COLLECTOR_INDICATOR_POLL_STORE_H
#define COLLECTOR_INDICATOR_POLL_STORE_H

#include "collector/indicator_polls.h"
#include "collector/store_reader.h"

/* Texts until the call returns. */
struct indicator_poll_row {
	const char *source, *url, *collection;
	const char *added_after; /* "" from the beginning */
	const char *error; /* of the last poll; "" it was whole */
	uint64_t polled_us, good_us; /* the last, and the last that was whole */
	uint64_t polls, failed, entries; /* ever */
};

/* Where to go on; "" for a source that is new, or has another URL now. */
enum err indicator_poll_load(const char *store, const struct indicator_poll *p,
			     char added_after[TAXII_DATE_CAP],
			     struct diag *d) MUST_CHECK;
/* One poll more: 'why' is NULL, or what was wrong with it. */
enum err indicator_poll_save(const char *store, const struct indicator_poll *p,
			     const char *added_after, uint64_t entries,
			     const char *why, struct diag *d) MUST_CHECK;
/* All, by name. */
enum err indicator_poll_list(struct store_reader *r,
			     void (*fn)(void *arg,
					const struct indicator_poll_row *row),
			     void *arg) MUST_CHECK;

#endif
