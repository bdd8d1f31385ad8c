/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest_state.h - the inside of ingest, for ingest*.c and nobody else
 *
 * Place    above redis_pool.h, below ingest*.c.
 * Threads  one.
 * Memory   ingest's.
 */
#ifndef COLLECTOR_INGEST_STATE_H
#define COLLECTOR_INGEST_STATE_H

#include "collector/ingest.h"

#define GROUP "picket"
#define SENSORS "picket:sensors"
#define KEY_PREFIX "picket:alerts:{"
#define KEY_CAP (sizeof(KEY_PREFIX) + 2 * INGEST_NAME_CAP + 2)
#define CALL_MS 10000
/* Entries that another consumer got and did not acknowledge for so long
 * belong to a collector that died. */
#define CLAIM_IDLE_MS 60000
#define CLAIM_EVERY_US (UINT64_C(30) * US_PER_S)
/* Streams asked in one command, and entries of each.  A reply must stay below
 * REDIS_MAX_PENDING: more is asked for while replies are far below it, and
 * half when one was not.  What is read together is committed together, so the
 * more that waits, the less each alert costs. */
#define MAX_ASK 16
#define FIRST_COUNT 16
#define MAX_COUNT INGEST_MAX_ENTRIES
#define SMALL_REPLY (REDIS_MAX_PENDING / 4)
/* Tells a read's reply from those of other commands. */
#define TAG_READ 1
/* So long a read waits while there are streams that no group waits for. */
#define FULL_WAIT_MS 50
/* Failures after which an entry is taken to be too large. */
#define MAX_STRIKES 2
/* So long it is not asked for again. */
#define TOO_LARGE_REST_US (UINT64_C(300) * US_PER_S)

/* Something that a sensor's user may write, of which the reply may be above the
 * limit and then costs the connection: nobody else is to suffer for it. */
struct too_large {
	unsigned strikes; /* connections that it cost in a row */
	uint64_t rest_us; /* of the last (monotonic) */
};

struct stream {
	char site[INGEST_NAME_CAP], sensor[INGEST_NAME_CAP];
	char key[KEY_CAP];
	bool grouped; /* the group exists */
	bool full; /* its server has no memory for a group: read without */
	char full_last[48]; /* the last entry that was; "": none */
	uint64_t full_again_us; /* last looked from the start */
	uint64_t retry_us; /* its server was not there: not before */
	struct too_large presence;
	bool own_done; /* what we left unacknowledged has been read again */
	char cursor[48]; /* through our own pending entries */
	char claim[48]; /* through those of others; "" when done */
};

struct ingest {
	struct redis_pool *pool;
	uint64_t connects; /* of the pool, when the groups were looked at */
	char consumer[INGEST_NAME_CAP];
	struct stream *streams;
	bool (*mine)(void *arg, const char *site, const char *sensor);
	void *mine_arg;
	bool watch; /* streams are not read */
	unsigned max_streams; /* that may be known */
	unsigned n_streams, turn; /* first stream of the next command */
	unsigned full_turn; /* first of those without a group */
	bool full_before; /* the last read was of one of these */
	unsigned ask, count; /* how much is asked for */
	uint64_t discovered_us, claimed_us;
	struct too_large names, keys; /* of the set of sensors, of a scan */
	uint64_t scanned_us; /* last looked for streams that nobody names */
	/* A stream whose entries alone cost us the connection, and how often. */
	unsigned suspect, strikes;
	uint64_t oversize;
	uint64_t left_out; /* sensors, at the last look at their set */
	uint64_t told_left_out_us;

	unsigned
		asked; /* entries of each stream, in the last read of new ones */
	bool ahead; /* one is under way that nobody waits for yet */
	struct redis_answer early; /* came when it was sent; tag 0: none */
	bool filled; /* the last read gave as many as it asked for */
	redisReply *reply;
	redisReply *presence; /* the last that was asked for */
	redisReply *more[MAX_ASK]; /* of a cluster's nodes */
	unsigned n_more;
	struct ingest_entry entries[INGEST_MAX_ENTRIES];
	size_t n_entries;
};

static inline bool
is_array(const redisReply *r)
{
	return r != NULL && r->type == REDIS_REPLY_ARRAY;
}

static inline bool
is_text(const redisReply *r)
{
	return r != NULL &&
	       (r->type == REDIS_REPLY_STRING || r->type == REDIS_REPLY_STATUS);
}

/* Connected, and every stream with its group; '*renewed' when one had to be
 * made, or the broker may be another one. */
enum err ingest_connect(struct ingest *in, bool *renewed,
			struct diag *d) MUST_CHECK;
/* The entries of one stream: [[id, [field, value, ...]], ...]. */
void ingest_take_entries(struct ingest *in, unsigned stream,
			 const redisReply *list);
/* Of several: [[key, entries], ...]. */
void ingest_take_streams(struct ingest *in, const redisReply *r);

/* ingest_streams.c: replies above the limit so far; what came of a call, which
 * began at 'before' of them: true when it is given up for a time just now; and
 * whether it is not to be tried yet. */
uint64_t ingest_garbage(const struct ingest *in);
bool ingest_strikes(const struct ingest *in, struct too_large *t, enum err e,
		    uint64_t before) MUST_CHECK;
bool ingest_rests(const struct too_large *t);
/* What the last read gave is no longer looked at. */
void ingest_release(struct ingest *in);
/* The reply's error, if it is one. */
enum err ingest_read_error(struct ingest *in, struct diag *d) MUST_CHECK;
/* A stream of a cluster whose node is away, or does not want to. */
void ingest_put_off(struct stream *s);

/*
 * ingest_full.c: one stream that is 'full' after the other, and never twice in a
 * row, so that neither the others without a group nor those with one wait for
 * one that is never empty.
 */
enum err ingest_read_full(struct ingest *in, struct diag *d) MUST_CHECK;
bool ingest_any_full(const struct ingest *in);

#endif
