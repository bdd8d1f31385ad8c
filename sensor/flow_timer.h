/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow_timer.h - which flows are over, by packet time
 *
 * Internal header, included only by flow.c and flow_timer.c.
 *
 * A timing wheel that is asked, not told: a packet only stores its time in
 * the flow.  Each flow stands in the slot where its time would be up as of
 * when it was put there; when that slot comes up and the flow was used since,
 * it moves on to where its time is up now.  Only a change of state that brings
 * the end forward moves a flow at once.  Slots are 65 ms, the wheel 18 minutes;
 * what ends later waits in its last slot and is looked at again.
 *
 * Time that runs backwards by more than FLOW_DISORDER_US makes one pass over
 * all flows: those that now lie in the future are over.
 *
 * Place    between flow.h and flow.c.
 * Threads  one worker.
 * Memory   lists run through the flows, by index.
 * Cost     a packet: nothing; a flow: a link, and a look for each timeout.
 */
#ifndef SENSOR_FLOW_TIMER_H
#define SENSOR_FLOW_TIMER_H

#include "sensor/flow_records.h"

enum timer_proto {
	TIMER_TCP,
	TIMER_UDP,
	TIMER_ICMP,
	TIMER_OTHER,
	N_TIMER_PROTOS
};

#define N_TIMERS (N_TIMER_PROTOS * 3)

#define WHEEL_SLOTS 16384
#define WHEEL_SHIFT 16 /* a slot is 2^16 us */

struct flow_timers {
	uint64_t timeout_us[N_TIMERS];
	struct flow_clock clock;
	struct flow_records *rec;
	uint64_t hand; /* slots before this one are empty */
	uint64_t left_us; /* no flow in the hand's slot ends before */
	uint32_t pending; /* of the hand's slot, to be looked at */
	uint32_t n_active; /* on the wheel, or pending */
	uint32_t ended_first, ended_last; /* for the worker to end */
	uint32_t n_ended;
	uint32_t sample; /* where to look for a victim */
	bool stepped_back; /* 'clock' went back by more than the disorder */
	bool sorted; /* all flows are ended, in order of first packet */
	uint64_t used[WHEEL_SLOTS / 64];
	uint32_t slot[WHEEL_SLOTS];
};

void flow_timers_init(struct flow_timers *t, struct flow_records *rec,
		      const struct conf *conf);

/* The timeout by protocol and state. */
uint8_t flow_timer_of(const struct flow *f);
/* A new flow, its 'timer' not yet set. */
void flow_timers_add(struct flow_timers *t, struct flow *f);
/* The flow's state changed. */
void flow_timers_restate(struct flow_timers *t, struct flow *f);
/* Moves it to the ended list; it is out of the index. */
void flow_timers_end(struct flow_timers *t, struct flow *f, enum flow_end end);
/* Takes an ended flow off its list. */
void flow_timers_forget(struct flow_timers *t, struct flow *f);

/* The next ended flow, or NULL. */
static inline struct flow *
flow_timers_ended(const struct flow_timers *t)
{
	return t->ended_first != 0 ? &t->rec->v[t->ended_first] : NULL;
}

static inline uint64_t
flow_time_between(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static inline void
flow_timers_tick(struct flow_timers *t, uint64_t ts_us)
{
	uint64_t before = t->clock.now_us;

	flow_clock_tick(&t->clock, ts_us);
	if (UNLIKELY(t->clock.now_us < before)) {
		t->stepped_back = true;
	}
}

/* Whether a packet at 'ts_us' comes too late (or too early) for 'f'. */
static inline bool
flow_timers_over(const struct flow_timers *t, const struct flow *f,
		 uint64_t ts_us)
{
	return flow_time_between(ts_us, f->last_us) > t->timeout_us[f->timer];
}

/* A flow idle for its timeout and the disorder allowed; NULL if none. */
struct flow *flow_timers_due(struct flow_timers *t);
/* Of some flows the one that has used up the largest part of its timeout. */
struct flow *flow_timers_victim(struct flow_timers *t);
/* Moves every flow to 'ended', in order of first packet; true when the order
 * is new and the index is to be emptied. */
bool flow_timers_end_all(struct flow_timers *t);

#endif
