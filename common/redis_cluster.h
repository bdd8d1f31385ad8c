/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redis_cluster.h - which slot a key has, and what nodes say of slots
 *
 * Place    above redis_reply.h and redis_url.h, below redis_pool.h.
 * Threads  pure.
 * Memory   caller's.
 * Cost     a slot is some hundred shifts: per command, not per packet.
 */
#ifndef COMMON_REDIS_CLUSTER_H
#define COMMON_REDIS_CLUSTER_H

#include "common/redis_reply.h"
#include "common/redis_url.h"

#define REDIS_SLOTS 16384

/* CRC16 (XMODEM) of the key, or of what stands in its first {...}. */
unsigned redis_cluster_slot(struct view key);

/* "MOVED slot host:port" or "ASK slot host:port". */
struct redis_redirect {
	bool ask;
	unsigned slot;
	struct redis_endpoint at; /* host "": that of who said so */
};

/* False when 'r' is no such error, or an unreadable one. */
bool redis_redirect_parse(const redisReply *r,
			  struct redis_redirect *out) MUST_CHECK;

/*
 * The reply to CLUSTER SLOTS: 'fn' for each range with the master's address
 * ('at->host' may be "" as above).  What makes no sense is passed over.
 */
void redis_cluster_ranges(const redisReply *r,
			  void (*fn)(void *arg, unsigned from, unsigned to,
				     const struct redis_endpoint *at),
			  void *arg);

#endif
