/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_timer.h - which flows are over, by packet time
 *
 * Internal header, included only by flow.c and flow_timer.c.  One list for
 * each pair of protocol class and flow state, oldest use first: all flows of
 * a list share one timeout, so only heads need a look.
 *
 * Place    between flow.h and flow.c.
 * Threads  one worker.
 * Memory   lists run through the flows.
 * Cost     touch and move are a few pointer writes; N_TIMERS heads to check.
 */
#ifndef SENSOR_FLOW_TIMER_H
#define SENSOR_FLOW_TIMER_H

#include "sensor/flow.h"

enum timer_proto {
	TIMER_TCP,
	TIMER_UDP,
	TIMER_ICMP,
	TIMER_OTHER,
	N_TIMER_PROTOS
};

#define N_TIMERS (N_TIMER_PROTOS * 3)

struct flow_list {
	struct flow *oldest, *newest;
};

struct flow_timers {
	struct flow_list active[N_TIMERS];
	struct flow_list ended; /* out of the hash, for the worker to end */
	uint64_t timeout_us[N_TIMERS];
	struct flow_clock clock;
	unsigned n_ended;
	bool sorted; /* 'ended' holds all flows in order of first packet */
};

void flow_timers_init(struct flow_timers *t, const struct conf *conf);

/* A new flow, its 'timer' not yet set. */
void flow_timers_add(struct flow_timers *t, struct flow *f);
/* The flow was used at last_us, or its state changed. */
void flow_timers_touch(struct flow_timers *t, struct flow *f);
/* Moves it to the ended list; it is out of the hash. */
void flow_timers_end(struct flow_timers *t, struct flow *f, enum flow_end end);
/* Takes it off whichever list it is on. */
void flow_timers_remove(struct flow_timers *t, struct flow *f);

/* Whether a packet at 'ts_us' comes too late (or too early) for 'f'. */
bool flow_timers_over(const struct flow_timers *t, const struct flow *f,
		      uint64_t ts_us);

/* A flow idle for its timeout and the disorder allowed; NULL if none. */
struct flow *flow_timers_due(const struct flow_timers *t);
/* The flow that has used up the largest part of its timeout. */
struct flow *flow_timers_victim(const struct flow_timers *t);
/* Moves every flow to 'ended', in order of first packet; true when the order
 * is new and the hash is to be emptied. */
bool flow_timers_end_all(struct flow_timers *t);

#endif
