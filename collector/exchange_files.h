/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_files.h - bundles as files, for a partner whom no network reaches
 *
 * Of each bundle the outbox gets FROM-TO-EPOCH-SEQ.json, the plain text, and
 * then .sig, which says what it is and is signed; both are written under
 * another name, synced and renamed.  Somebody carries them over.  What the
 * partner has applied, its point says (TO-FROM-point in our inbox): then they
 * are removed.  Without an inbox no point comes back: a bundle counts as taken
 * once somebody removed its .sig.
 *
 * Place    above exchange_frame and exchange_out_store; below exchange_out.
 * Threads  one a party.
 * Memory   one bundle.
 * Cost     two files a bundle; a look at the oldest one a turn.
 */
#ifndef COLLECTOR_EXCHANGE_FILES_H
#define COLLECTOR_EXCHANGE_FILES_H

#include "collector/exchange_send.h"

struct exchange_files {
	const struct exchange_conf *conf;
	const struct exchange_party *party;
	uint64_t epoch, written; /* of that epoch, by this program */
	char policy[EXCHANGE_DIGEST_CAP]; /* by which they were made */
};

/*
 * Writes what waits behind state->sent (or all that waits when Redis is the
 * other way), and reads the point.  ERR_IO with diag, which names the file.
 */
enum err exchange_files_turn(struct exchange_files *f, sqlite3 *db,
			     struct sign_key *own, struct exchange_state *state,
			     struct exchange_heard *heard, unsigned *sent,
			     struct diag *d) MUST_CHECK;
/* Bundles 'from' + 1 to 'upto' were applied: their files go. */
void exchange_files_remove(const struct exchange_files *f, uint64_t epoch,
			   uint64_t from, uint64_t upto);

#endif
