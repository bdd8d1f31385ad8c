/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_link_state.h - the inside of a link, for redis_link*.c and nobody else
 *
 * Place    above redis_sock.h, below redis_link.c and redis_link_connect.c.
 * Threads  one.
 * Memory   the link's.
 */
#ifndef COMMON_REDIS_LINK_STATE_H
#define COMMON_REDIS_LINK_STATE_H

#include "common/redis_link.h"
#include "common/redis_sock.h"

enum link_state { DOWN, CONNECTING, SECURING, GREETING, UP };

/* What is asked before anything else, in this order. */
enum question { ASK_AUTH = 1, ASK_DB = 2, ASK_ROLE = 4, ASK_PING = 8 };

struct redis_link {
	struct redis_dial dial;
	struct redis_url *url; /* what 'dial' points to, if it is ours */
	char name[REDIS_URL_TEXT + 64];
	enum link_state state;
	struct redis_sock sock;
	uint64_t attempt_us; /* when this attempt began */

	unsigned failures; /* in a row */
	uint64_t retry_us; /* not before */
	uint64_t rng;
	enum redis_trouble trouble; /* of the failure being told */
	struct diag last; /* why it is down; empty when it is up, or unknown */

	redisReader *reader;
	redisReplyObjectFunctions fn; /* hiredis' own, but for arrays */
	void *(*make_array)(const redisReadTask *, int);
	uint64_t fed; /* bytes given to the reader since the last reply */
	char *out; /* formatted commands */
	size_t out_len, out_pos, out_cap;
	bool out_secret; /* a password stands in it, sent or not */
	unsigned unanswered;
	uint64_t heard_us; /* last byte in, or first command out */
	unsigned questions; /* of the greeting, still to be answered */
	uint8_t *in;
};

/* As link_queue(), of a command with a password: it is wiped from memory once it
 * is sent, or given up. */
enum err link_queue_secret(struct redis_link *l, int argc,
			   const char **argv) MUST_CHECK;
/* As redis_link_queue(), whatever the state. */
enum err link_queue(struct redis_link *l, int argc, const char **argv,
		    const size_t *len) MUST_CHECK;
/*
 * Moves bytes both ways until a reply is whole, the deadline has passed
 * (ERR_AGAIN) or the connection is gone (ERR_CLOSED; not yet closed here).
 */
enum err link_exchange(struct redis_link *l, uint64_t deadline_us,
		       redisReply **out, struct diag *d) MUST_CHECK;
uint64_t link_deadline_in(int ms);
/* Says what is wrong with this server, notes of what kind it is, and returns
 * ERR_CLOSED. */
enum err link_trouble(struct redis_link *l, enum redis_trouble t,
		      struct diag *d, const char *what);
/* The same of what the socket said; ERR_OK and ERR_AGAIN pass. */
enum err link_sock_trouble(struct redis_link *l, enum err e,
			   struct diag *d) MUST_CHECK;

#endif
