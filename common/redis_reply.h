/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_reply.h - what an error of Redis means, and its name in the counters
 *
 * Place    above err.h.
 * Threads  pure.
 * Memory   caller's.
 * Cost     a few comparisons for an error, none for anything else.
 */
#ifndef COMMON_REDIS_REPLY_H
#define COMMON_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#include "common/err.h"

/* Kinds of trouble: what Redis says, and what befalls the connection. */
enum redis_trouble {
	REDIS_NO_TROUBLE,
	REDIS_OOM,
	REDIS_READONLY, /* a replica now: the master is elsewhere */
	REDIS_LOADING,
	REDIS_BUSY,
	REDIS_CLUSTERDOWN,
	REDIS_MASTERDOWN,
	REDIS_TRYAGAIN,
	REDIS_MISCONF,
	REDIS_NOREPLICAS,
	REDIS_NOPERM,
	REDIS_NOAUTH,
	REDIS_WRONGPASS,
	REDIS_MOVED,
	REDIS_ASK,
	REDIS_OTHER, /* any other error reply */
	REDIS_UNREACHABLE, /* no address, or nobody listens */
	REDIS_CLOSED,
	REDIS_SILENT,
	REDIS_GARBAGE, /* no reply of Redis, or one above the limits */
	REDIS_TLS,
	REDIS_NOT_MASTER, /* by its own word */
	REDIS_TROUBLES,
};

/* REDIS_NO_TROUBLE when 'r' is no error. */
enum redis_trouble redis_reply_trouble(const redisReply *r);
/* A word of small letters for counters: "oom", "readonly" ... */
const char *redis_trouble_name(enum redis_trouble t);

/* What to do about it, for messages; NULL when that is not known. */
const char *redis_trouble_mend(enum redis_trouble t);

/* What an error reply means: ERR_AGAIN for OOM, LOADING, READONLY, BUSY,
 * CLUSTERDOWN, MASTERDOWN, TRYAGAIN, MISCONF, NOREPLICAS, MOVED and ASK;
 * ERR_AUTH for NOPERM, NOAUTH, WRONGPASS; ERR_FORMAT otherwise; ERR_OK when it
 * is no error. */
enum err redis_reply_err(const redisReply *r);

#endif
