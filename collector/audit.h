/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.h - what was released, received, held and read, in a chain
 *
 * A record is one line of JSON whose members stand in order of their names:
 * at, body, id, what, who.  Its hash is SHA-256 of the hash before it (32
 * bytes, zeros before the first) and of the record's bytes, so that whoever
 * changes, takes out or puts in one record breaks the chain from there on.
 * Triggers keep SQL from changing it by mistake; the chain finds who goes round
 * them.  Records cut off at the end leave a whole chain: against that a
 * checkpoint, the signed head, is kept elsewhere.
 *
 * The head is read anew for each record, in the transaction that adds it, so
 * that several programs may add, and one that is rolled back leaves no gap.
 *
 * Place    above store_sql, sign.h; below share and pipeline.
 * Threads  as the connection.
 * Memory   a record at a time.
 * Cost     a record: one hash, one row; checking: about a microsecond each.
 */
#ifndef COLLECTOR_AUDIT_H
#define COLLECTOR_AUDIT_H

#include <sqlite3.h>

#include "common/err.h"
#include "common/json.h"
#include "common/sign.h"

#define AUDIT_HASH_BYTES 32
#define AUDIT_MAX_RECORD ((size_t)1 << 20)

/* What happened. */
enum audit_what {
	AUDIT_RELEASED,
	AUDIT_HELD,
	AUDIT_RECEIVED,
	AUDIT_READ,
	AUDIT_POLICY,
	AUDIT_RECALLED,
	AUDIT_ACTED, /* by a person, with the console or picketctl */
	AUDIT_KINDS
};
const char *audit_what_name(enum audit_what w);

struct audit_head {
	int64_t id; /* 0: the log is empty */
	uint8_t hash[AUDIT_HASH_BYTES];
};

/*
 * Adds a record, within the transaction that is open.  'body' is a JSON object.
 * ERR_LIMIT when it is longer than AUDIT_MAX_RECORD; ERR_IO.
 */
enum err audit_append(sqlite3 *db, enum audit_what what, const char *who,
		      uint64_t at_us, struct view body, int64_t *id) MUST_CHECK;

/* For programs that only read the store otherwise: a connection that writes,
 * within a transaction; and its end, with what was added if 'keep'.  ERR_AGAIN
 * when the writer held the store for longer than a few seconds. */
enum err audit_begin(sqlite3 **db, const char *path, struct diag *d) MUST_CHECK;
enum err audit_end(sqlite3 *db, bool keep, struct diag *d) MUST_CHECK;

/*
 * Goes through the log from its beginning.  ERR_OK and its head; ERR_FORMAT
 * with the first broken record's number in '*broken' and the reason in 'd'.
 * 'fn' (or NULL) is called for each record that is whole.
 */
enum err audit_walk(sqlite3 *db, struct audit_head *head, int64_t *broken,
		    enum err (*fn)(void *arg, int64_t id, struct view record,
				   const uint8_t hash[AUDIT_HASH_BYTES]),
		    void *arg, struct diag *d) MUST_CHECK;

/* A checkpoint of 'head', one JSON object, signed.  ERR_NOMEM. */
enum err audit_checkpoint(const struct audit_head *head, uint64_t at_us,
			  struct sign_key *key, struct json *out) MUST_CHECK;
/* Reads one; ERR_FORMAT with diag when it is none, or is not signed by 'key'. */
enum err audit_checkpoint_read(struct view text, struct sign_key *key,
			       struct audit_head *out,
			       struct diag *d) MUST_CHECK;

#endif
