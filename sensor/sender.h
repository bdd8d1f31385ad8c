/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender.h - from the spool to the Redis stream, until it is committed
 *
 * A state machine over one pool.  It sends what the spool holds, worst first,
 * sixteen batches in flight, and asks how far the collector has committed.
 * Redis' own reply to a batch frees nothing.
 *
 *   connect  ask for the committed point and for the stream's last entry, go
 *            on behind them: what Redis still holds is not sent again
 *   error    back to the first batch that was refused, after a pause
 *   stall    nothing committed for a while: a few batches from the committed
 *            point once more, less and less often; when just these get
 *            committed, Redis has lost the rest too, and all follow
 *   behind   the committed point is older than what was committed: what is
 *            freed in between is told as a gap
 *
 * Place    above spool_order.h, redis_pool.h and presence.h, below forward.h.
 * Threads  one.
 * Memory   the spool's and the pool's.
 * Cost     never waits, but for name resolution.
 */
#ifndef SENSOR_SENDER_H
#define SENSOR_SENDER_H

#include "common/redis_pool.h"
#include "sensor/control_feed.h"
#include "sensor/presence.h"
#include "sensor/spool.h"

#define SENDER_DEPTH 16 /* batches in flight */
#define SENDER_POLL_US UINT64_C(200000) /* committed point */

enum sender_state {
	SENDER_DOWN,
	SENDER_UP,
	SENDER_BUSY, /* OOM, LOADING, READONLY ...: trying again */
	SENDER_REFUSED, /* no permission: trying again, slowly */
};

struct sender_options {
	struct redis_options redis; /* strings outlive the sender */
	const char *name; /* SITE/SENSOR */
	unsigned depth; /* 0: SENDER_DEPTH; at most 32 */
	uint64_t resend_us; /* 0: ten seconds */
	uint64_t window_bytes; /* standing in Redis; 0: 128 MiB */
	struct control_feed *control; /* outlives the sender; NULL: none */
	struct sign_key *sign; /* likewise; signs what is sent */
	/* Likewise; who must have signed the committed point.  NULL: anybody
	 * who may write it is believed. */
	struct sign_key *collector;
};

struct sender_stats {
	enum sender_state state;
	uint64_t sent, resent; /* batches and gaps that Redis took */
	uint64_t bytes; /* of batches, compressed */
	uint64_t evidence_refused; /* its entries that Redis did not take */
	uint64_t connects, refused; /* connections made, commands refused */
	uint64_t errors[REDIS_TROUBLES]; /* by kind: replies, and the link's */
	/* Committed points that were not believed: each time that another one
	 * stood there. */
	uint64_t points_forged; /* not signed by the collector's key */
	uint64_t points_old; /* behind what is committed: played back, or
			      * Redis itself went back */
	char last_error[256];
};

struct sender;

/* 'spool' must outlive the sender.  ERR_USAGE with diag for a bad URL. */
enum err sender_new(struct sender **out, const struct sender_options *o,
		    struct spool *spool, struct diag *d) MUST_CHECK;
void sender_free(struct sender *s);

/* Other keys from now on; the former ones are used no more. */
void sender_set_keys(struct sender *s, struct sign_key *sign,
		     struct sign_key *collector);

/* Does what can be done now. */
void sender_step(struct sender *s);
/* Sends presence with the next step; asked for by whoever keeps the time. */
void sender_presence(struct sender *s, const struct presence_facts *f,
		     const struct presence_spool *sp, bool ended);
/*
 * One entry of the stream of kept packets that were asked for.  It is sent once:
 * what is lost on its way is asked for again by whoever wants it.  False: not
 * now.
 */
bool sender_evidence(struct sender *s,
		     const struct evidence_chunk *c) MUST_CHECK;
/* For poll(2): at most 'cap' sockets, and how long at most until
 * sender_step() wants to be called again. */
unsigned sender_wait(const struct sender *s, struct pollfd *fds, unsigned cap,
		     int *timeout_ms);

/* Whether Redis has taken everything that the spool holds. */
bool sender_all_sent(struct sender *s);
/*
 * When the stream holds fewer entries than batches wait to be committed, some
 * of them have got lost there: sends a few from the committed point on once
 * more, without waiting for a stall.  False when there is no such sign.
 */
bool sender_send_again(struct sender *s);
/* Whether no reply is outstanding. */
bool sender_quiet(const struct sender *s);
void sender_get_stats(const struct sender *s, struct sender_stats *out);

#endif
