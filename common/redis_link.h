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
 * Memory   unread reply bytes are capped (REDIS_MAX_PENDING); beyond it the
 *          link is closed.
 * Cost     pipelined: many commands, one write.
 */
#ifndef COMMON_REDIS_LINK_H
#define COMMON_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "common/err.h"

#define REDIS_MAX_PENDING ((size_t)16 << 20)

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

/* Connects, AUTHs and SELECTs within 'timeout_ms'.  ERR_AGAIN while backing
 * off (jittered, 100 ms to 5 s); ERR_AUTH on WRONGPASS/NOAUTH/NOPERM. */
enum err redis_link_connect(struct redis_link *l, int timeout_ms,
			    struct diag *d) MUST_CHECK;
bool redis_link_up(const struct redis_link *l);
void redis_link_close(struct redis_link *l);

/* Queues a command; argv/len as redisFormatCommandArgv.  Copies. */
enum err redis_link_queue(struct redis_link *l, int argc, const char **argv,
			  const size_t *len) MUST_CHECK;
/* Sends what is queued and waits for the next reply; the caller frees it with
 * freeReplyObject().  ERR_CLOSED: the link is down, all unanswered commands
 * are lost.  ERR_AGAIN: timeout (the link is closed too). */
enum err redis_link_reply(struct redis_link *l, int timeout_ms,
			  redisReply **out, struct diag *d) MUST_CHECK;
unsigned redis_link_unanswered(const struct redis_link *l);

/* One command, one reply: queue and wait, printf style like redisCommand
 * (%s, %b, %llu).  An error reply is returned as a reply, not as an err. */
enum err redis_link_call(struct redis_link *l, int timeout_ms, redisReply **out,
			 struct diag *d, const char *fmt, ...) MUST_CHECK;

/* What an error reply means: ERR_AGAIN for OOM, LOADING, READONLY, BUSY,
 * CLUSTERDOWN, MASTERDOWN, TRYAGAIN; ERR_AUTH for NOPERM, NOAUTH, WRONGPASS;
 * ERR_FORMAT otherwise. */
enum err redis_reply_err(const redisReply *r);

#endif
