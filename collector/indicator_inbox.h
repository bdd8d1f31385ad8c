/* SPDX-License-Identifier: Apache-2.0 */
/*
 * indicator_inbox.h - hands a list of indicators to the collector that runs
 *
 * Whoever reads a list puts its records into the store's inbox, some hundred to
 * a row; the collector takes them in slices between its batches.  A reader that
 * dies leaves an import that the collector closes; one that outruns the
 * collector waits.  Nothing is read twice into two records: a record that is
 * there already is the same one.
 *
 * Place    above indicator_pack and store_schema; below ctl_indicator.
 * Threads  an inbox is its opener's; it has a connection of its own.
 * Memory   one row of records and the first refusals.
 * Cost     one small transaction a row.
 */
#ifndef COLLECTOR_INDICATOR_INBOX_H
#define COLLECTOR_INDICATOR_INBOX_H

#include "common/indicator_read.h"

/* Rows of records in wait above which readers wait, and the collector takes
 * from imports that are still being read. */
#define INDICATOR_INBOX_HIGH 512
/* Refusals of an import that are kept by name. */
#define INDICATOR_INBOX_REFUSALS 20
/* A reader that was silent for longer is gone. */
#define INDICATOR_INBOX_PATIENCE_US (UINT64_C(120) * 1000000)

struct indicator_inbox_config {
	const char *store; /* its file */
	const char *origin; /* whose indicators they are */
	const char *who; /* hands them in */
	bool snapshot; /* what it no longer has is withdrawn */
	unsigned patience_s; /* waits so long for a full inbox; 0: 60 */
};

struct indicator_inbox;

/* Begins an import.  ERR_NOTFOUND, ERR_FORMAT (not a store of this version),
 * ERR_AGAIN (busy), with diag. */
enum err indicator_inbox_open(struct indicator_inbox **out,
			      const struct indicator_inbox_config *cfg,
			      struct diag *d) MUST_CHECK;
/* A sink that fills it.  ERR_AGAIN: the inbox is full and nobody takes from
 * it.  What is doubted is logged when it is closed, the first with a count. */
struct indicator_sink indicator_inbox_sink(struct indicator_inbox *b);
/* Ends the import with what its reading came to; 'why' is NULL, or why the
 * reading ended early.  Frees it in any case. */
enum err indicator_inbox_close(struct indicator_inbox *b,
			       const struct indicator_report *r,
			       const char *why, int64_t *import,
			       struct diag *d) MUST_CHECK;

#endif
