/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm_state.h - what arm*.c share, and nobody else
 *
 * Place    below arm.c, arm_chain.c and arm_base.c.
 * Threads  the publisher's, but for what stands below 'lock'.
 * Memory   one.
 * Cost     none.
 */
#ifndef COLLECTOR_ARM_STATE_H
#define COLLECTOR_ARM_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "collector/arm.h"
#include "common/redis_pool.h"

#define ARM_ANSWER_MS 5000
#define ARM_ID_CAP 48

/* The base that Redis has, or is being written. */
struct arm_base {
	uint64_t epoch, number, to;
	uint32_t parts;
	uint64_t bytes, records;
};

struct arm {
	struct arm_options o;
	struct sign_key *key;
	struct redis_pool *pool;
	struct delta_writer *delta, *part;
	pthread_t thread;
	bool running;
	_Atomic bool ending;

	uint64_t first_version; /* of the source, when we began */
	uint64_t connects; /* that were looked at */
	unsigned heeded; /* epochs that sensors brought about, since: */
	uint64_t heeded_us;
	/* The sensor furthest behind, when it was last compared. */
	uint64_t low_before, low_published, low_us;
	unsigned low_same;
	bool looked; /* what Redis has is known */
	uint64_t look_us; /* when to look again; monotonic */
	uint64_t epoch, published; /* epoch 0: a new one is to begin */
	bool chained; /* deltas lead on from 'published' */
	char last_id[ARM_ID_CAP]; /* of the stream */

	struct arm_base base, next;
	bool building, rebase;
	bool lost; /* Redis forgot: sensors are told of the next base */
	uint64_t cursor; /* of 'next' */
	uint64_t delta_bytes;
	char base_id[ARM_ID_CAP]; /* last_id when 'base' was done */

	pthread_mutex_t lock;
	uint64_t seen_epoch, seen_version; /* the greatest that a sensor told */
	uint64_t low; /* the least of our epoch since; UINT64_MAX: none */
	struct arm_status st;
};

/* --- arm_chain.c --- */

/* Finds out what Redis has, and whether we can go on from there. */
enum err arm_look(struct arm *a, struct diag *d) MUST_CHECK;
/* The epoch ends here: another one begins with a base. */
void arm_begin_epoch(struct arm *a, uint64_t above, const char *why);
/* Whether sensors run what we never published, or one is stuck. */
void arm_heed_sensors(struct arm *a);
/* One delta, if there is something new; 'more' when that was not all. */
enum err arm_publish(struct arm *a, bool *more, struct diag *d) MUST_CHECK;

/* --- arm_base.c --- */

/* A slice of the base that is wanted; 'more' while it is not done. */
enum err arm_base_step(struct arm *a, bool *more, struct diag *d) MUST_CHECK;
/* What was written so far is not gone on with. */
void arm_base_forget(struct arm *a);

/* A command was answered: ERR_IO for an error, which frees the reply. */
enum err arm_good(enum err e, redisReply *r, struct diag *d) MUST_CHECK;

#endif
