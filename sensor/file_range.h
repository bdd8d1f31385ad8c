/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_range.h - a file that comes in ranges, put together again
 *
 * Programs fetch large files in pieces, in any order and over several
 * connections.  What is next in order goes straight into the whole file;
 * pieces from further on wait.  When the last byte is there, the whole is a
 * file of the transaction that brought it.
 *
 * Place    above file.h; below app_parser.
 * Threads  one table per worker, which sees all connections of two hosts.
 * Memory   the pool; at most app-layer.protocols.http.byterange.memcap for
 *          waiting pieces and RANGE_FILES_MAX files, the oldest given up.
 * Cost     per byte one copy of what waits, and what file.h costs.
 */
#ifndef SENSOR_FILE_RANGE_H
#define SENSOR_FILE_RANGE_H

#include "common/addr.h"
#include "sensor/file.h"

#define RANGE_FILES_MAX 1024
#define RANGE_PIECES_MAX 256 /* waiting, of one file */
#define RANGE_KEY_MAX ((size_t)4096)

struct range_table;
struct range_part; /* the share of one response */

/* Which bytes of which file. */
struct range_id {
	struct addr host[2]; /* in any order */
	struct view server, name; /* together they name the file */
	uint64_t start, end, total; /* 'end' is the last byte's number */
	uint64_t now_us;
};

struct range_table *range_table_new(const struct conf *conf, struct pool *pool);
/* All parts were ended. */
void range_table_drop(struct range_table *t, struct file_ctx *c);
void range_table_free(struct range_table *t); /* after that */

/* NULL: nothing is put together (out of memory, or senseless numbers). */
struct range_part *range_begin(struct range_table *t, struct file_ctx *c,
			       const struct range_id *id,
			       const struct file_start *start);
void range_data(struct range_table *t, struct file_ctx *c, struct range_part *p,
		struct view data);
/* Bytes of this part were lost: it gives no more. */
void range_lost(struct range_part *p);
/*
 * Ends 'p'.  Returns the whole file, as the last of 'l', if this completed
 * it, else NULL.
 */
struct file *range_end(struct range_table *t, struct file_ctx *c,
		       struct range_part *p, struct arena *a,
		       struct file_list *l);

#endif
