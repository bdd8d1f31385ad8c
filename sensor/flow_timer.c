/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flow_timer.h"

#include <stdio.h>

#include "common/clock.h"

#define TIMEOUT_MAX_S (30 * 86400)

#define WHEEL_MASK (WHEEL_SLOTS - 1)
/* Flows that are compared when one has to go. */
#define SAMPLE 16
/* Records that are looked at for them: some may be free, or ended. */
#define SAMPLE_STEPS 1024

static const struct {
	const char *name;
	uint32_t seconds[3]; /* by enum flow_state */
} defaults[N_TIMER_PROTOS] = {
	[TIMER_TCP] = { "tcp", { 60, 600, 60 } },
	[TIMER_UDP] = { "udp", { 30, 300, 60 } },
	[TIMER_ICMP] = { "icmp", { 30, 300, 60 } },
	[TIMER_OTHER] = { "default", { 30, 300, 60 } },
};

static const char *const state_names[3] = { "new", "established", "closed" };

void
flow_timers_init(struct flow_timers *t, struct flow_records *rec,
		 const struct conf *conf)
{
	char key[64];

	memset(t, 0, sizeof(*t));
	t->rec = rec;
	for (unsigned p = 0; p < N_TIMER_PROTOS; p++) {
		for (unsigned s = 0; s < 3; s++) {
			snprintf(key, sizeof(key), "flow-timeouts.%s.%s",
				 defaults[p].name, state_names[s]);
			t->timeout_us[p * 3 + s] =
				conf_u64(conf, key, defaults[p].seconds[s], 0,
					 TIMEOUT_MAX_S) *
				US_PER_S;
		}
	}
}

void
flow_clock_leap(struct flow_clock *c, uint64_t ts_us)
{
	if (c->now_us == 0 ||
	    (c->claim_us != 0 && c->claim_us != ts_us &&
	     flow_time_between(c->claim_us, ts_us) <= FLOW_DISORDER_US)) {
		c->now_us = ts_us;
		c->claim_us = 0;
	} else {
		c->claim_us = ts_us;
	}
}

static bool
is_active(const struct flow *f)
{
	return f->timer < N_TIMERS;
}

static uint64_t
add_times(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static uint64_t
patience(const struct flow_timers *t, const struct flow *f)
{
	return t->timeout_us[f->timer] + FLOW_DISORDER_US;
}

/*
 * The flow is over behind this time.  One whose packet had a clock that is not
 * believed, in the future or the past, has its time from now on: then it is
 * looked at, and is over unless time came to agree.
 */
static uint64_t
deadline_of(const struct flow_timers *t, const struct flow *f)
{
	uint64_t now = t->clock.now_us, wait = patience(t, f);

	return add_times(flow_time_between(now, f->last_us) > wait ? now
								   : f->last_us,
			 wait);
}

static bool
is_due(const struct flow_timers *t, const struct flow *f)
{
	return flow_time_between(t->clock.now_us, f->last_us) > patience(t, f);
}

static void
list_push(struct flow_timers *t, uint32_t *head, struct flow *f)
{
	uint32_t i = flow_index_of(t->rec, f);

	f->prev = 0;
	f->next = *head;
	if (*head != 0) {
		t->rec->v[*head].prev = i;
	}
	*head = i;
}

static void
list_cut(struct flow_timers *t, uint32_t *head, struct flow *f)
{
	if (f->prev != 0) {
		t->rec->v[f->prev].next = f->next;
	} else {
		*head = f->next;
	}
	if (f->next != 0) {
		t->rec->v[f->next].prev = f->prev;
	}
}

/* Puts 'f' into the slot of its deadline, or as near as the wheel has one. */
static void
wheel_put(struct flow_timers *t, struct flow *f)
{
	uint64_t deadline = deadline_of(t, f);
	uint64_t at = deadline >> WHEEL_SHIFT;

	if (at <= t->hand) {
		at = t->hand;
		t->left_us = MIN(t->left_us, deadline);
	}
	at = MIN(at, t->hand + WHEEL_MASK) & WHEEL_MASK;
	f->slot = (uint16_t)at;
	list_push(t, &t->slot[at], f);
	t->used[at / 64] |= (uint64_t)1 << (at % 64);
}

static void
wheel_take(struct flow_timers *t, struct flow *f)
{
	bool pending = t->pending == flow_index_of(t->rec, f);

	list_cut(t, pending ? &t->pending : &t->slot[f->slot], f);
	if (t->slot[f->slot] == 0) {
		t->used[f->slot / 64] &= ~((uint64_t)1 << (f->slot % 64));
	}
}

uint8_t
flow_timer_of(const struct flow *f)
{
	enum timer_proto p = f->proto == IPP_TCP   ? TIMER_TCP
			     : f->proto == IPP_UDP ? TIMER_UDP
			     : f->proto == IPP_ICMP || f->proto == IPP_ICMPV6
				     ? TIMER_ICMP
				     : TIMER_OTHER;

	return (uint8_t)(p * 3 + f->state);
}

void
flow_timers_add(struct flow_timers *t, struct flow *f)
{
	f->timer = flow_timer_of(f);
	if (t->n_active++ == 0) {
		/* The wheel is empty: it may turn at once. */
		t->hand = t->clock.now_us >> WHEEL_SHIFT;
	}
	wheel_put(t, f);
}

void
flow_timers_restate(struct flow_timers *t, struct flow *f)
{
	uint64_t stands;

	if (!is_active(f)) {
		return;
	}
	f->timer = flow_timer_of(f);
	stands = t->hand + ((f->slot - t->hand) & WHEEL_MASK);
	if (deadline_of(t, f) >> WHEEL_SHIFT < stands) {
		wheel_take(t, f);
		wheel_put(t, f);
	}
}

void
flow_timers_end(struct flow_timers *t, struct flow *f, enum flow_end end)
{
	uint32_t i = flow_index_of(t->rec, f);

	wheel_take(t, f);
	t->n_active--;
	f->end = (uint8_t)end;
	f->timer = FLOW_TIMER_ENDED;
	f->prev = t->ended_last;
	f->next = 0;
	if (t->ended_last != 0) {
		t->rec->v[t->ended_last].next = i;
	} else {
		t->ended_first = i;
	}
	t->ended_last = i;
	t->n_ended++;
	t->sorted = false;
}

void
flow_timers_forget(struct flow_timers *t, struct flow *f)
{
	if (t->ended_last == flow_index_of(t->rec, f)) {
		t->ended_last = f->prev;
	}
	list_cut(t, &t->ended_first, f);
	t->n_ended--;
}

/* Every flow is to be looked at: time ran backwards. */
static void
wheel_rewind(struct flow_timers *t)
{
	memset(t->slot, 0, sizeof(t->slot));
	memset(t->used, 0, sizeof(t->used));
	t->pending = 0;
	for (uint32_t i = t->rec->n; i-- > 1;) {
		if (is_active(&t->rec->v[i])) {
			t->rec->v[i].slot = 0;
			list_push(t, &t->pending, &t->rec->v[i]);
		}
	}
}

/* The first slot in use from 'from' to 'to', or 'to'. */
static uint64_t
next_used(const struct flow_timers *t, uint64_t from, uint64_t to)
{
	uint64_t last = MIN(to, from + WHEEL_MASK);

	while (from <= last) {
		uint64_t w = t->used[(from & WHEEL_MASK) / 64] >> (from % 64);

		if (w != 0) {
			from += (unsigned)__builtin_ctzll(w);
			return MIN(from, to);
		}
		from = (from | 63) + 1;
	}
	return to;
}

/* Flows of one slot lie anywhere: the one after the next is sent for. */
static void
fetch_ahead(const struct flow_timers *t, const struct flow *f)
{
	const struct flow *ahead = &t->rec->v[t->rec->v[f->next].next];

	__builtin_prefetch(&ahead->last_us, 1);
	__builtin_prefetch(&ahead->tcp);
	__builtin_prefetch(&ahead->next, 1);
}

/* What was used since it was put there moves on; the first that is over. */
static struct flow *
look_at_pending(struct flow_timers *t)
{
	while (t->pending != 0) {
		struct flow *f = &t->rec->v[t->pending];

		fetch_ahead(t, f);
		if (is_due(t, f)) {
			return f;
		}
		list_cut(t, &t->pending, f);
		wheel_put(t, f);
	}
	return NULL;
}

struct flow *
flow_timers_due(struct flow_timers *t)
{
	uint64_t now = t->clock.now_us >> WHEEL_SHIFT;

	if (UNLIKELY(t->stepped_back ||
		     (now < t->hand &&
		      (t->hand - now) << WHEEL_SHIFT > FLOW_DISORDER_US))) {
		wheel_rewind(t);
		t->hand = now;
		t->left_us = UINT64_MAX;
		t->stepped_back = false;
	}
	for (;;) {
		struct flow *f = look_at_pending(t);
		uint32_t *slot = &t->slot[t->hand & WHEEL_MASK];

		if (f != NULL) {
			return f;
		}
		if (*slot != 0 && t->left_us < t->clock.now_us) {
			t->pending = *slot;
			*slot = 0;
			t->used[(t->hand & WHEEL_MASK) / 64] &=
				~((uint64_t)1 << (t->hand % 64));
			t->left_us = UINT64_MAX;
			continue;
		}
		if (t->hand >= now) {
			return NULL;
		}
		t->hand = next_used(t, t->hand + 1, now);
		t->left_us = 0;
	}
}

/*
 * Share of the timeout, not idle time or time left: else a flood of new flows,
 * which are young by nature, would push out the established ones, or those
 * whose timeout is short.
 */
struct flow *
flow_timers_victim(struct flow_timers *t)
{
	struct flow *victim = NULL;
	double worst = -1;
	unsigned seen = 0;

	for (unsigned i = 0; i < SAMPLE_STEPS && seen < SAMPLE; i++) {
		struct flow *f;
		double part;

		t->sample = t->sample + 1 < t->rec->n ? t->sample + 1 : 1;
		f = &t->rec->v[t->sample];
		if (!is_active(f)) {
			continue;
		}
		seen++;
		part = ((double)flow_time_between(t->clock.now_us, f->last_us) +
			1) /
		       ((double)t->timeout_us[f->timer] + 1);
		if (part > worst) {
			worst = part;
			victim = f;
		}
	}
	return victim;
}

static bool
comes_first(const struct flow *a, const struct flow *b)
{
	return a->first_us != b->first_us ? a->first_us < b->first_us
					  : a->id <= b->id;
}

/* Merges two chains that run through 'next'. */
static uint32_t
merge(struct flow *v, uint32_t a, uint32_t b)
{
	uint32_t head = 0, *tail = &head;

	while (a != 0 && b != 0) {
		uint32_t *first = comes_first(&v[a], &v[b]) ? &a : &b;

		*tail = *first;
		tail = &v[*first].next;
		*first = *tail;
	}
	*tail = a != 0 ? a : b;
	return head;
}

/* Cuts the chain '*f' behind its longest sorted beginning. */
static uint32_t
cut_run(struct flow *v, uint32_t *f)
{
	uint32_t head = *f, last = head;

	while (v[last].next != 0 && comes_first(&v[last], &v[v[last].next])) {
		last = v[last].next;
	}
	*f = v[last].next;
	v[last].next = 0;
	return head;
}

/* Merge sort in place of the runs that are there: flows mostly stand in the
 * order in which they were opened. */
static uint32_t
sort_chain(struct flow *v, uint32_t f)
{
	uint32_t run[32] = { 0 }, rest = 0;

	while (f != 0) {
		uint32_t one = cut_run(v, &f);
		unsigned i = 0;

		for (; run[i] != 0; i++) {
			one = merge(v, run[i], one);
			run[i] = 0;
		}
		run[i] = one;
	}
	for (unsigned i = 0; i < ARRAY_LEN(run); i++) {
		rest = merge(v, run[i], rest);
	}
	return rest;
}

/* Every flow, ended or not, as one chain through 'next'. */
static uint32_t
chain_all(struct flow_timers *t)
{
	uint32_t head = 0, *tail = &head;

	for (uint32_t i = 1; i < t->rec->n; i++) {
		struct flow *f = &t->rec->v[i];

		if (f->timer == FLOW_TIMER_FREE) {
			continue;
		}
		if (f->timer != FLOW_TIMER_ENDED) {
			f->flags |= FLOW_UNLINKED;
			f->end = FLOW_END_SHUTDOWN;
			f->timer = FLOW_TIMER_ENDED;
		}
		*tail = i;
		tail = &f->next;
	}
	*tail = 0;
	return head;
}

bool
flow_timers_end_all(struct flow_timers *t)
{
	struct flow *v = t->rec->v;
	uint32_t last = 0;

	if (t->sorted && t->n_active == 0) {
		return false;
	}
	t->ended_first = sort_chain(v, chain_all(t));
	for (uint32_t i = t->ended_first; i != 0; i = v[i].next) {
		v[i].prev = last;
		last = i;
	}
	t->ended_last = last;
	t->n_ended += t->n_active;
	t->n_active = 0;
	t->pending = 0;
	memset(t->slot, 0, sizeof(t->slot));
	memset(t->used, 0, sizeof(t->used));
	t->sorted = true;
	return true;
}
