/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_link.h - one connection to one server, and what to do when it is gone
 *
 * hiredis formats commands and parses replies; socket, TLS, time limits and
 * memory limits are ours, so that a broker that hangs or lies costs time and
 * nothing else.
 *
 * Place    above redis_sock.h and redis_reply.h, below redis_pool.h, which
 *          both programs use.
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

#include "common/redis_reply.h"
#include "common/redis_tls.h"
#include "common/redis_url.h"

#define REDIS_MAX_PENDING ((size_t)16 << 20)
#define REDIS_MAX_REPLY ((size_t)64 << 20)
#define REDIS_MAX_ELEMENTS (1 << 20)
#define REDIS_MAX_QUEUED ((size_t)64 << 20)
#define REDIS_CONNECT_MS 5000 /* one attempt, unless redis_dial has another */

struct redis_link;

/* Whom to call and how; what it points to outlives the link. */
struct redis_dial {
	struct redis_endpoint at;
	const char *name; /* for messages; NULL: host and port */
	const char *user, *pass; /* pass NULL: no AUTH; user "": the default */
	unsigned db;
	const struct redis_tls_files *tls; /* NULL: plain */
	bool master; /* its ROLE must be that */
	unsigned backoff_max_ms; /* 0: 5000 */
	unsigned connect_ms; /* 0: REDIS_CONNECT_MS */
	uint64_t *troubles; /* REDIS_TROUBLES counters, or NULL */
};

/* Does not connect.  ERR_NOMEM. */
enum err redis_link_new_to(struct redis_link **out,
			   const struct redis_dial *dial,
			   struct diag *d) MUST_CHECK;
/* The same to the one server that a URL names, with TLS as it comes for
 * rediss://.  ERR_USAGE with diag for any other URL. */
enum err redis_link_new(struct redis_link **out, const char *url,
			struct diag *d) MUST_CHECK;
void redis_link_free(struct redis_link *l);
/* For messages, without user and password; lives as long as 'l'. */
const char *redis_link_name(const struct redis_link *l);
/* Closes; the next attempt goes there, at once. */
void redis_link_retarget(struct redis_link *l, const struct redis_endpoint *at);

/*
 * Connects, AUTHs and SELECTs within 'timeout_ms'.  ERR_AGAIN while backing
 * off (jittered, 100 ms to 5 s) and when it did not work this time (the diag
 * says why, while backing off that of the last attempt); ERR_AUTH on WRONGPASS/NOAUTH/NOPERM.  No-op when up.
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
/* Closes, and puts the next attempt off as after a failure. */
void redis_link_fail(struct redis_link *l, enum redis_trouble why);
/* Milliseconds until the next attempt is allowed; 0: now. */
uint64_t redis_link_backoff_ms(const struct redis_link *l);

/* Queues a command; argv/len as redisFormatCommandArgv.  Copies.  ERR_LIMIT
 * when REDIS_MAX_QUEUED wait already. */
enum err redis_link_queue(struct redis_link *l, int argc, const char **argv,
			  const size_t *len) MUST_CHECK;
/* The same with bytes that redisFormatCommand() made. */
enum err redis_link_queue_raw(struct redis_link *l, const char *cmd,
			      size_t len) MUST_CHECK;
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

#endif
