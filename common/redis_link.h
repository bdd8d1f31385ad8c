/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_link.h - one connection to Redis, and what to do when it is not there
 *
 * hiredis formats commands and parses replies; socket, time limits and memory
 * limits are ours, so that a broker that hangs or lies costs time and nothing
 * else.
 *
 * Place    above log.h; both programs use it.
 * Threads  one link, one thread.
 * Memory   bytes read but not yet a reply are capped (REDIS_MAX_PENDING), as
 *          are the bytes and elements of one reply and what waits to be sent;
 *          beyond it the link is closed or the command refused.
 * Cost     pipelined: many commands, one write.  Nothing blocks longer than
 *          asked, but for name resolution (use an address, or a unix socket,
 *          where that matters).
 */
#ifndef COMMON_REDIS_LINK_H
#define COMMON_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "common/err.h"

#define REDIS_MAX_PENDING ((size_t)16 << 20)
#define REDIS_MAX_REPLY ((size_t)64 << 20)
#define REDIS_MAX_ELEMENTS (1 << 20)
#define REDIS_MAX_QUEUED ((size_t)64 << 20)
#define REDIS_CONNECT_MS 5000 /* one attempt of redis_link_connect_step() */

struct redis_link;

/*
 * redis://[user:password@]host[:port][/db], unix:///path[?db=N] or
 * unix://user:password@/path.  rediss:// is recognised and refused with a
 * reason until TLS is built in.  ERR_USAGE with diag for a bad URL; does not
 * connect.
 */
enum err redis_link_new(struct redis_link **out, const char *url,
			struct diag *d) MUST_CHECK;
void redis_link_free(struct redis_link *l);
/* The URL without user and password, for messages; lives as long as 'l'. */
const char *redis_link_name(const struct redis_link *l);

/*
 * Connects, AUTHs and SELECTs within 'timeout_ms'.  ERR_AGAIN while backing
 * off (jittered, 100 ms to 5 s) and when it did not work this time (the diag
 * says why); ERR_AUTH on WRONGPASS/NOAUTH/NOPERM.  No-op when up.
 */
enum err redis_link_connect(struct redis_link *l, int timeout_ms,
			    struct diag *d) MUST_CHECK;
/*
 * The same in steps, for a thread that has other work: goes on with the
 * attempt for at most 'wait_ms' (0: without waiting).  ERR_AGAIN with
 * *waiting set: not finished or backing off, call again; ERR_AGAIN without:
 * this attempt failed.
 */
enum err redis_link_connect_step(struct redis_link *l, int wait_ms,
				 bool *waiting, struct diag *d) MUST_CHECK;
bool redis_link_up(const struct redis_link *l);
void redis_link_close(struct redis_link *l);

/* Queues a command; argv/len as redisFormatCommandArgv.  Copies.  ERR_LIMIT
 * when REDIS_MAX_QUEUED wait already. */
enum err redis_link_queue(struct redis_link *l, int argc, const char **argv,
			  const size_t *len) MUST_CHECK;
/* Sends what is queued and waits for the next reply; the caller frees it with
 * freeReplyObject().  ERR_CLOSED: the link is down, all unanswered commands
 * are lost.  ERR_AGAIN: timeout (the link is closed too).  ERR_USAGE: nothing
 * is unanswered. */
enum err redis_link_reply(struct redis_link *l, int timeout_ms,
			  redisReply **out, struct diag *d) MUST_CHECK;
/*
 * The same, but a link that has nothing to say within 'wait_ms' stays up:
 * ERR_AGAIN.  With nothing unanswered it only sees to the socket.
 */
enum err redis_link_poll(struct redis_link *l, int wait_ms, redisReply **out,
			 struct diag *d) MUST_CHECK;
unsigned redis_link_unanswered(const struct redis_link *l);
/* How long the oldest state of "nothing heard" lasts, 0 with nothing
 * unanswered: the caller closes a link that hangs. */
uint64_t redis_link_silent_ms(const struct redis_link *l);
/* The socket for poll(2) and what to wait for; -1 when there is none. */
int redis_link_fd(const struct redis_link *l, short *events);

/* One command, one reply: queue and wait, printf style like redisCommand
 * (%s, %b, %llu).  An error reply is returned as a reply, not as an err.
 * ERR_USAGE while others are unanswered. */
enum err redis_link_call(struct redis_link *l, int timeout_ms, redisReply **out,
			 struct diag *d, const char *fmt, ...) MUST_CHECK;

/* What an error reply means: ERR_AGAIN for OOM, LOADING, READONLY, BUSY,
 * CLUSTERDOWN, MASTERDOWN, TRYAGAIN, MISCONF, NOREPLICAS; ERR_AUTH for NOPERM,
 * NOAUTH, WRONGPASS; ERR_FORMAT otherwise; ERR_OK when it is no error. */
enum err redis_reply_err(const redisReply *r);

#endif
