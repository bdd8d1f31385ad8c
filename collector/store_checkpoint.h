/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_checkpoint.h - the store's log is moved to its place beside the writer
 *
 * SQLite moves what its write-ahead log gathered into the database within the
 * commit that finds the log long: that one commit takes as long as all of it,
 * some 200 ms of a busy collector.  Here a thread does so while the writer goes
 * on; the writer moves only what is left once the log shall begin anew, since
 * it cannot begin anew while it grows.  At twice that length it waits for the
 * thread, so that a slow disk bounds the writer and not the log.
 *
 * Place    below store, which has one of these.
 * Threads  the writer's; a thread of its own with its own connection.
 * Memory   a connection.
 * Cost     a commit: two loads and a compare.
 */
#ifndef COLLECTOR_STORE_CHECKPOINT_H
#define COLLECTOR_STORE_CHECKPOINT_H

#include <sqlite3.h>

#include "collector/store_sql.h"

/* Pages that wait for their place before the thread is woken: 4 MB. */
#define STORE_CHECKPOINT_PAGES 1000
/* Pages of a log that shall begin anew; of twice that it is waited for. */
#define STORE_CHECKPOINT_LOG STORE_LOG_PAGES

struct store_checkpoint;

/*
 * For the connection 'writer' of the store 'path', outside of a transaction; it
 * must outlive '*out' and stay with its thread.
 */
enum err store_checkpoint_start(struct store_checkpoint **out, sqlite3 *writer,
				const char *path, struct diag *d) MUST_CHECK;
/* From here on the writer moves its log itself.  NULL is allowed. */
void store_checkpoint_stop(struct store_checkpoint *c);
/* How often the thread has moved something; any thread. */
uint64_t store_checkpoint_count(const struct store_checkpoint *c);

#endif
