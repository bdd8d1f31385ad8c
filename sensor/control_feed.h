/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control_feed.h - control documents from the stream to the one they are for
 *
 * Remembers where in the stream it is and the newest version it took, the
 * latter in a file, so that an old document is refused after a restart too.
 *
 * Place    above common/control.h and redis_pool.h; below sender.
 * Threads  the forwarder's.
 * Memory   small and fixed.
 * Cost     one small command a second; a signature check a document.
 */
#ifndef SENSOR_CONTROL_FEED_H
#define SENSOR_CONTROL_FEED_H

#include "common/control.h"
#include "common/redis_pool.h"

#define CONTROL_PERIOD_US UINT64_C(1000000)

struct control_feed;

struct control_feed_options {
	struct sign_key *key; /* public; the feed's from now on */
	const char *site, *sensor;
	const char *state; /* file for the newest version; NULL: none */
	/* File for documents that hold until others come (posture, exercises),
	 * taken again at the next start; NULL: none. */
	const char *kept;
	/* A document for this sensor, newer than all before, and its text;
	 * must not block. */
	void (*take)(void *arg, const struct control_doc *doc,
		     struct view text);
	void *arg;
};

struct control_feed_stats {
	uint64_t version; /* newest taken; 0: none */
	uint64_t taken;
	uint64_t forged; /* not signed with our key */
	uint64_t replayed; /* for us, and not newer than what was taken */
	uint64_t unknown; /* signed, but not understood */
};

/* ERR_NOMEM only; 'key' is freed then as well. */
enum err control_feed_new(struct control_feed **out,
			  const struct control_feed_options *o,
			  struct diag *d) MUST_CHECK;
/* Hands on what 'kept' has; once, before anything is asked. */
void control_feed_recall(struct control_feed *c);
void control_feed_free(struct control_feed *c);
/* Another key, which is the feed's from now on. */
void control_feed_set_key(struct control_feed *c, struct sign_key *key);

/* Queues the question for what is new; as redis_pool_queue(). */
enum err control_feed_ask(struct control_feed *c, struct redis_pool *p,
			  uint64_t tag) MUST_CHECK;
/* The reply; true when more may be waiting. */
bool control_feed_hear(struct control_feed *c, const redisReply *r);
void control_feed_get_stats(const struct control_feed *c,
			    struct control_feed_stats *out);

#endif
