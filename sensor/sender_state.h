/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender_state.h - the inside of a sender, for sender*.c and nobody else
 *
 * Place    above spool_order.h and redis_pool.h, below sender*.c.
 * Threads  one.
 * Memory   the sender's.
 */
#ifndef SENSOR_SENDER_STATE_H
#define SENSOR_SENDER_STATE_H

#include "sensor/sender.h"
#include "sensor/spool_order.h"

#define MAX_DEPTH 32
#define PROBE_BATCHES 16
#define PAUSE_MIN_US UINT64_C(100000)
#define PAUSE_MAX_US UINT64_C(5000000)
#define GAP SPOOL_CLASSES /* the class of a gap */

enum kind {
	NOTHING,
	ASK_COMMITTED,
	ASK_LAST,
	ASK_LENGTH,
	PUT_BATCH,
	PUT_PROBE,
	TELL_PRESENCE,
	ASK_CONTROL,
	PUT_EVIDENCE
};

/* A command that Redis has not answered yet. */
struct pending {
	enum kind kind;
	unsigned cls; /* of a batch; GAP */
	uint64_t first, seq; /* a batch: equal; a gap: its range */
	uint64_t front; /* with it, all up to here was sent */
	size_t bytes;
};

#define EVIDENCE_DEPTH 4 /* commands for it in flight; a chunk may take two */
#define MAX_PENDING \
	(MAX_DEPTH + PROBE_BATCHES + 2 * PRESENCE_COMMANDS + 6 + EVIDENCE_DEPTH)

struct sender {
	struct redis_pool *pool;
	struct spool *spool;
	struct spool_order order; /* the next batches to send */
	char name[SPOOL_NAME_CAP];
	char stream[SPOOL_NAME_CAP + 32], committed_key[SPOOL_NAME_CAP + 32];
	char evidence_stream[SPOOL_NAME_CAP + 32];
	struct sign_key *sign; /* NULL: batches are not signed */
	struct sign_key *collector; /* NULL: any committed point is believed */
	uint64_t forged_seq, old_seq; /* points refused last; 0: none since */
	bool forged_told;
	uint64_t lacks_from; /* what the collector says it lacks; 0: nothing */
	uint64_t next_lack_us; /* told not before */
	struct frame_header empty_head; /* of a gap's body */
	uint8_t empty[32];
	size_t empty_len;

	unsigned depth;
	uint64_t resend_us, window_bytes;
	bool more; /* the last sending ended because enough was under way */

	struct pending pending[MAX_PENDING]; /* a command's tag is its place */
	unsigned n_pending, n_batches, n_evidence;
	bool evidence_told; /* that Redis does not take it */
	bool asking_committed, asking_control, asking_length;
	struct control_feed *control; /* NULL: none */
	uint64_t next_control_us;

	bool ready; /* connected, and knowing where to go on */
	uint64_t acked; /* Redis took everything up to here, in this pass */
	uint64_t high[SPOOL_CLASSES + 1]; /* the highest ever taken */
	uint64_t failed[SPOOL_CLASSES + 1]; /* first refused, 0: none */
	bool failing; /* any of them */
	unsigned refused_kinds; /* bits: commands last answered by an error */
	unsigned failures; /* in a row */
	uint64_t pause_until_us;
	uint64_t next_poll_us;
	unsigned losses; /* of the connection, in a row */
	uint64_t connect_us; /* not before */

	/* What stands in Redis, which the collector takes out. */
	bool knows_length;
	uint64_t length, since_length; /* entries; bytes put after */

	uint64_t progress_us; /* when something was committed, or nothing due */
	bool again; /* a probe was asked for */
	uint64_t stall_us; /* how long without is a stall: grows */
	uint64_t probe_end; /* last number of the probe, 0: none */
	uint64_t probe_hit_us; /* when the commit reached just there */
	struct spool_cursor probe;
	unsigned probe_left;

	struct sender_stats st;
	uint64_t
		told; /* bits: kinds of trouble logged since a write was taken */
};

#define TOLD_DOWN (UINT64_C(1) << REDIS_TROUBLES)
#define TOLD_AUTH (UINT64_C(2) << REDIS_TROUBLES)
#define TOLD_LINK (TOLD_DOWN | TOLD_AUTH)
#define TOLD_ALL UINT64_MAX

/*
 * Keeps the state, and the words for the statistics.  Each kind of trouble
 * ('bit') is logged once, until sender_taken() says that it is over: who
 * connects and may read has not written yet, and a replica lets him do both.
 */
void sender_set_state(struct sender *s, enum sender_state state, uint64_t bit,
		      const char *why);
/* Redis took something that was written: trouble of these 'bits' is over, and
 * the connection holds. */
void sender_taken(struct sender *s, uint64_t bits);
/* Between half and all of 'us'. */
uint64_t sender_jitter(uint64_t us, uint64_t now);
/* Whoever served us is gone: all is asked anew. */
void sender_lost_link(struct sender *s, uint64_t bit, const char *why);

/* What an answer means: sender_hear.c. */
void sender_hear(struct sender *s, const struct redis_answer *a, uint64_t now);
/* Sends all again that is not committed. */
void sender_rewind_all(struct sender *s);

#endif
