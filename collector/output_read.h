/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_read.h - what is to be told next, out of the store
 *
 * The store is the spool: alerts by their numbers, everything else from the
 * table feed_events, which the feed writes in the same transactions.  Lines are
 * those of the feed, except that "event" of an alert is left out: "joined" tells
 * of it.
 *
 * Place    above store_read and feed; below output.
 * Threads  one a reader.
 * Memory   one batch: OUTPUT_BATCH lines.
 * Cost     a frame is inflated once for each batch out of it.
 */
#ifndef COLLECTOR_OUTPUT_READ_H
#define COLLECTOR_OUTPUT_READ_H

#include "collector/output_conf.h"
#include "collector/store_read.h"
#include "common/json.h"

#define OUTPUT_BATCH 256

/* All up to these was told. */
struct output_position {
	int64_t alert, event;
};

struct output_item {
	struct output_position then; /* once this was told */
	char id[32]; /* "alert-N", "event-N": the same whenever it is told */
	const char *line; /* JSON, NUL-terminated, without newline */
	size_t len;
};

struct output_batch {
	struct output_item items[OUTPUT_BATCH];
	size_t n;
	struct output_position end; /* when all of them were told */
	uint64_t lost; /* gone from the store before they were told */
	bool more;
};

struct output_reader;
enum err output_reader_open(struct output_reader **out, const char *store,
			    const struct output_conf *is,
			    struct diag *d) MUST_CHECK;
void output_reader_close(struct output_reader *r);

/* The newest there is. */
enum err output_read_end(struct output_reader *r,
			 struct output_position *out) MUST_CHECK;
/* What comes after 'from' and is wanted; its lines last until the next call. */
enum err output_read(struct output_reader *r,
		     const struct output_position *from,
		     struct output_batch *out, struct diag *d) MUST_CHECK;

#endif
