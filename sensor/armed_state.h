/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armed_state.h - what the files of armed share, and nobody else
 *
 * Place    below armed.c, armed_ask.c and armed_fetch.c.
 * Threads  the thread's own, but for what is atomic.
 * Memory   one.
 * Cost     none.
 */
#ifndef SENSOR_ARMED_STATE_H
#define SENSOR_ARMED_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/redis_pool.h"
#include "rules/ioc_live.h"
#include "sensor/armed.h"
#include "sensor/armed_file.h"

#define ARMED_ID_CAP 48
/* Where a document has the time of its making. */
#define DELTA_MADE_AT 40

struct armed {
	struct armed_options o;
	struct ioc_live *live;
	struct pattern_list *patterns;
	uint64_t patterns_told; /* their changes, to who loads sets */
	struct armed_set *set;
	struct armed_file *file;
	struct redis_pool *pool;
	pthread_t thread;
	bool running;
	uint64_t connects;
	char last_id[ARMED_ID_CAP]; /* of the stream */
	bool base_wanted; /* the stream does not lead on */
	bool caught_up; /* it had, since the connection stands */
	bool idle; /* the stream had nothing */
	bool asked; /* for all that are armed */
	struct ioc_live_walk walk; /* how far, when not */
	uint64_t looked_us; /* a base was last asked for; monotonic */
	uint64_t renew_us; /* no base for a shorter file before */
	bool forged_told, bad_told, away_told;
	_Atomic bool ending, key_wanted, reachable, unsaved;
	_Atomic uint64_t lag_us, most_lag_us, reads_failed, taken_us;
};

/* Whether it is time to look for a base. */
bool armed_base_due(const struct armed *a);
/* Takes the base that Redis has, if it is newer or the file is long. */
enum err armed_fetch(struct armed *a) MUST_CHECK;
/* Counts and tells what went wrong; frees an error reply. */
enum err armed_answer(struct armed *a, enum err e, redisReply *r,
		      struct diag *d) MUST_CHECK;
void armed_refused(struct armed *a, enum armed_verdict v, const char *what,
		   const struct diag *d);
/* armed_set_tell()'s: 'arg' is the struct armed. */
void armed_told(void *arg, const struct indicator *i, bool on);
void armed_saved(struct armed *a, enum err e, const struct diag *d);

#endif
