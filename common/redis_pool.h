/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_pool.h - Redis as a whole: one server, a watched pair, or a cluster
 *
 * A command goes in with its key, its reply comes out with the tag it was
 * given; which server it went to, and how often it was sent on, is decided in
 * here:
 *
 *   single    one link
 *   sentinel  the Sentinels are asked for the master, whose own ROLE must
 *             confirm it; again after every loss and every READONLY
 *   cluster   one link a node; MOVED and ASK are followed, at most
 *             REDIS_POOL_HOPS times a command, and slots remembered
 *
 * A server that answers MOVED makes "single" a cluster.  A command whose
 * server went away before it answered comes back without a reply: whether it
 * was done nobody knows, and to send it again is the caller's to decide.
 * Replies of one server come in the order of its commands; between servers
 * there is none.
 *
 * Place    above redis_link.h, redis_cluster.h and redis_options.h; both
 *          programs use it.
 * Threads  one pool, one thread.
 * Memory   unanswered commands, at most REDIS_MAX_QUEUED bytes of them, and
 *          the links; at most REDIS_POOL_NODES of those.
 * Cost     one copy more than the link's; never waits longer than asked, but
 *          for name resolution.
 */
#ifndef COMMON_REDIS_POOL_H
#define COMMON_REDIS_POOL_H

#include <poll.h>

#include "common/redis_link.h"
#include "common/redis_options.h"

#define REDIS_POOL_NODES 128
#define REDIS_POOL_HOPS 5
#define REDIS_SILENCE_MS 5000 /* a server that hangs is given up */

struct redis_pool;

/* ERR_USAGE with diag: a bad URL, or a file of TLS that cannot be used.
 * Strings of 'o' outlive the pool.  Does not connect. */
enum err redis_pool_new(struct redis_pool **out, const struct redis_options *o,
			struct diag *d) MUST_CHECK;
void redis_pool_free(struct redis_pool *p);
/* The URL without user and password, for messages. */
const char *redis_pool_name(const struct redis_pool *p);
/* Commands may name keys of one slot only, and must not block. */
bool redis_pool_is_cluster(const struct redis_pool *p);

/*
 * Connects to whoever serves 'key' (NULL: anyone), going on for at most
 * 'wait_ms' (0: without waiting).  ERR_AGAIN with *waiting set: not finished
 * or backing off, call again; ERR_AGAIN without: this attempt failed, diag
 * says why.  ERR_AUTH: user or password refused; trying again is right.
 */
enum err redis_pool_connect_step(struct redis_pool *p, const char *key,
				 int wait_ms, bool *waiting,
				 struct diag *d) MUST_CHECK;
/* The same until it stands, failed or 'timeout_ms' passed. */
enum err redis_pool_connect(struct redis_pool *p, const char *key,
			    int timeout_ms, struct diag *d) MUST_CHECK;
bool redis_pool_up(const struct redis_pool *p, const char *key);
/* Grows with every connection made: whoever remembers what a server knew
 * about him looks again. */
uint64_t redis_pool_connects(const struct redis_pool *p);
/* Closes all; nothing is unanswered any more. */
void redis_pool_close(struct redis_pool *p);

/*
 * Takes a command (copied) for whoever serves 'key'; 'len' as for
 * redisFormatCommandArgv().  It may wait for a connection.  ERR_LIMIT when
 * REDIS_MAX_QUEUED bytes are unanswered, ERR_NOMEM.
 */
enum err redis_pool_queue(struct redis_pool *p, const char *key, int argc,
			  const char **argv, const size_t *len,
			  uint64_t tag) MUST_CHECK;

struct redis_answer {
	uint64_t tag;
	redisReply *reply; /* the caller's to free; NULL: lost */
};

/* Moves bytes until something is answered or 'wait_ms' passed (ERR_AGAIN). */
enum err redis_pool_poll(struct redis_pool *p, int wait_ms,
			 struct redis_answer *out) MUST_CHECK;
unsigned redis_pool_unanswered(const struct redis_pool *p);
/*
 * Waits for the answers to all that is unanswered, which are not kept.  ERR_AGAIN
 * with diag: one was lost, or did not come for 'timeout_ms', and all is closed
 * then.  ERR_FORMAT with diag: all came, and one of them is an error.
 */
enum err redis_pool_settle(struct redis_pool *p, int timeout_ms,
			   struct diag *d) MUST_CHECK;
/* For poll(2): at most 'cap' sockets and what to wait for. */
unsigned redis_pool_fds(const struct redis_pool *p, struct pollfd *fds,
			unsigned cap);
/* Why the last command was lost, or connection failed; "" when none was. */
const char *redis_pool_why(const struct redis_pool *p);

/*
 * One command, one reply, printf style like redisCommand() (%s, %b, %llu);
 * connects when it must.  An error reply is returned as a reply, not as an
 * err.  ERR_USAGE while others are unanswered.
 */
enum err redis_pool_call(struct redis_pool *p, const char *key, int timeout_ms,
			 redisReply **out, struct diag *d, const char *fmt,
			 ...) MUST_CHECK;
/*
 * For what has no key (SCAN): the same at each server that holds a part,
 * from 0 on; ERR_NOTFOUND behind the last.
 */
enum err redis_pool_call_at(struct redis_pool *p, unsigned part, int timeout_ms,
			    redisReply **out, struct diag *d, const char *fmt,
			    ...) MUST_CHECK;

/* How often each kind of trouble was met, REDIS_TROUBLES counters. */
const uint64_t *redis_pool_troubles(const struct redis_pool *p);

#endif
