/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange_send.h - bundles into a partner's Redis, and its point back
 *
 * Bundles are added to picket:exchange:{US} in order, EXCHANGE_WINDOW at most
 * beyond the point that the partner signed, so that its Redis need not hold
 * more of us than that.  After a connection was lost, or when the point stands
 * still and the stream is empty, sending goes on behind the point: what was
 * added twice is applied once.  A partner that reads nothing for long is not
 * sent more copies than a few windows.
 *
 * Place    above exchange_frame, exchange_out_store and redis_pool; below
 *          exchange_out.
 * Threads  one a sender.
 * Memory   one bundle, signed.
 * Cost     a round trip a bundle and one for the point; waits at most
 *          EXCHANGE_ANSWER_MS for a server that hangs.
 */
#ifndef COLLECTOR_EXCHANGE_SEND_H
#define COLLECTOR_EXCHANGE_SEND_H

#include "collector/exchange_conf.h"
#include "collector/exchange_out_store.h"

#define EXCHANGE_WINDOW 32
#define EXCHANGE_ANSWER_MS 5000

/* What the other side says that it has; nobody's word but a signed one. */
struct exchange_heard {
	bool known; /* a point was there, and it was the partner's */
	uint64_t epoch, seq;
};

struct exchange_sender;

/* ERR_USAGE with diag for a URL or file of TLS that cannot be used. */
enum err exchange_sender_new(struct exchange_sender **out,
			     const struct exchange_conf *conf,
			     const struct exchange_party *party,
			     struct diag *d) MUST_CHECK;
void exchange_sender_free(struct exchange_sender *s);
/* From here on by these, whose party is reached the same way. */
void exchange_sender_use(struct exchange_sender *s,
			 const struct exchange_conf *conf,
			 const struct exchange_party *party);

/*
 * Connects if it must, reads the point, and sends what waits; 'own' signs.
 * state->sent moves on; '*sent' bundles went.  ERR_AGAIN while it cannot be
 * reached, ERR_IO, ERR_AUTH, with diag.
 */
enum err exchange_send(struct exchange_sender *s, sqlite3 *db,
		       struct sign_key *own, struct exchange_state *state,
		       struct exchange_heard *heard, unsigned *sent,
		       struct diag *d) MUST_CHECK;
/* Another epoch begins: nothing of it was sent. */
void exchange_sender_forget(struct exchange_sender *s);

#endif
