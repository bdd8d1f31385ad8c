/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_out_store.h - what each partner is to get, and how far that is
 *
 * A row a party: epoch and sequence of what was made, the points up to which it
 * was sent and acknowledged, and a cursor for each kind of thing.  A bundle, the
 * versions it brings, the audit record and the cursor are one transaction, so
 * that whoever goes on with the store - after a crash, or on another collector -
 * makes every bundle once.
 *
 * Place    above share_step and store_sql; below exchange_out and ctl_share.
 * Threads  as the connection.
 * Memory   one bundle.
 * Cost     a row or two, and one for each object of a bundle.
 */
#ifndef COLLECTOR_EXCHANGE_OUT_STORE_H
#define COLLECTOR_EXCHANGE_OUT_STORE_H

#include "collector/share_step.h"

#define EXCHANGE_DIGEST_CAP 65
#define EXCHANGE_ERROR_CAP 256

struct exchange_state {
	uint64_t epoch, seq; /* of the newest bundle made */
	uint64_t sent, acked; /* sequences of that epoch */
	char policy[EXCHANGE_DIGEST_CAP]; /* that the cursors were walked by */
	uint64_t cursor[SHARE_KINDS];
	uint64_t swept; /* floor of the set that was swept for */
	bool sweeps;
	uint8_t sweep[STIX_UUID_BYTES];
	uint64_t made_us, acked_us, renewed_us; /* wall clock */
	uint64_t objects, held; /* since the store was made */
	uint64_t down_us; /* since when it cannot be reached; 0: it can */
	char error[EXCHANGE_ERROR_CAP]; /* the last one; "" */
	/* computed */
	uint64_t waiting, waiting_bytes; /* in the outbox */
};

/* A bundle of the outbox. */
struct exchange_made {
	uint64_t seq;
	enum share_kind kind;
	uint32_t n;
	uint64_t len, made_us;
	struct view data; /* zlib; on the heap of whoever reads it */
};

/* ERR_NOTFOUND: no such row. */
enum err exchange_state_get(sqlite3 *db, const char *party,
			    struct exchange_state *out) MUST_CHECK;
/* Makes the row when there is none, of an epoch that begins now. */
enum err exchange_state_make(sqlite3 *db, const char *party,
			     uint64_t now_us) MUST_CHECK;
/* Begins another epoch, 'epoch': the partner or we lost what was exchanged, and
 * it gets all again. */
enum err exchange_state_renew(sqlite3 *db, const char *party, uint64_t epoch,
			      uint64_t now_us) MUST_CHECK;
/* What sending came to: sent, acked, acked_us, down_us and error of 's', and the
 * outbox freed up to 'acked'. */
enum err exchange_state_note(sqlite3 *db, const char *party,
			     const struct exchange_state *s) MUST_CHECK;

/* All of 's' that making changes, if the row is still at 'epoch' and 'was';
 * ERR_AGAIN when somebody else made a bundle meanwhile. */
enum err exchange_state_advance(sqlite3 *db, const char *party,
				const struct exchange_state *s,
				uint64_t was) MUST_CHECK;
enum err exchange_out_put(sqlite3 *db, const char *party,
			  const struct exchange_made *m) MUST_CHECK;
enum err exchange_out_had(sqlite3 *db, const char *party,
			  const struct share_had *had, size_t n) MUST_CHECK;
/* The first bundle behind 'seq'; ERR_NOTFOUND.  exchange_made_fini() it. */
enum err exchange_out_next(sqlite3 *db, const char *party, uint64_t seq,
			   struct exchange_made *out) MUST_CHECK;
void exchange_made_fini(struct exchange_made *m);

/* Calls 'fn' for each party, in order of their names. */
enum err exchange_out_list(struct store_reader *r,
			   void (*fn)(void *arg, const char *party,
				      const struct exchange_state *s),
			   void *arg) MUST_CHECK;

#endif
