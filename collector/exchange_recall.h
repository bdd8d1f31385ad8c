/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_recall.h - what waits for a partner, taken back
 *
 * A bundle in the outbox was made by the policy of its moment.  Once another
 * policy is in force, what waits must not leave by the former one: every bundle
 * that is not acknowledged keeps its number, for the partner counts them, and of
 * its objects those only that say that something is no more, since they are told
 * once.  Of all others the partner counts as having another version, so that
 * whoever walks the store next tells them anew, or takes them back.
 *
 * What is in the partner's stream, or was carried away as a file, is the
 * partner's: it is taken back by what says that it is no more.
 *
 * Place    above exchange_out_store and audit; below exchange_fill.
 * Threads  as the connection.
 * Memory   a bundle, as text and as values: some 30 MB at most.
 * Cost     one transaction a bundle, some 20 ms each when it is full.
 */
#ifndef COLLECTOR_EXCHANGE_RECALL_H
#define COLLECTOR_EXCHANGE_RECALL_H

#include <stdatomic.h>

#include "collector/exchange_out_store.h"

struct exchange_recall {
	sqlite3 *db; /* writes */
	const char *party;
	const char *policy; /* digest of the one in force */
	const char *who; /* for the audit log */
	bool by_redis; /* else files alone, which are written anew */
	const atomic_bool *stop; /* or NULL */
};

/*
 * Rewrites what waits, and sets all cursors of 's' and of its row to their
 * beginning, with the policy's digest.  Broken off, it is done again as a whole
 * by the next call.  ERR_AGAIN: it was to stop, or somebody else made bundles of
 * this store; ERR_IO, ERR_NOMEM, ERR_FORMAT (a bundle that is none) with diag.
 */
enum err exchange_recall(const struct exchange_recall *r,
			 struct exchange_state *s, struct diag *d) MUST_CHECK;

#endif
