/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/flow_timer.h"

#include <stdio.h>

#include "common/clock.h"

#define TIMEOUT_MAX_S (30 * 86400)
#define TIMER_ENDED 0xff /* struct flow's 'timer' when on the ended list */

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
flow_timers_init(struct flow_timers *t, const struct conf *conf)
{
	char key[64];

	memset(t, 0, sizeof(*t));
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

static uint64_t
distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

void
flow_clock_tick(struct flow_clock *c, uint64_t ts_us)
{
	if (LIKELY(distance(ts_us, c->now_us) <= FLOW_DISORDER_US)) {
		c->now_us = MAX(c->now_us, ts_us);
		c->claim_us = 0;
	} else if (c->now_us == 0 ||
		   (c->claim_us != 0 && c->claim_us != ts_us &&
		    distance(c->claim_us, ts_us) <= FLOW_DISORDER_US)) {
		c->now_us = ts_us;
		c->claim_us = 0;
	} else {
		c->claim_us = ts_us;
	}
}

static struct flow_list *
list_of(struct flow_timers *t, const struct flow *f)
{
	return f->timer == TIMER_ENDED ? &t->ended : &t->active[f->timer];
}

static void
list_push(struct flow_list *l, struct flow *f)
{
	f->older = l->newest;
	f->newer = NULL;
	if (l->newest != NULL) {
		l->newest->newer = f;
	} else {
		l->oldest = f;
	}
	l->newest = f;
}

static void
list_cut(struct flow_list *l, struct flow *f)
{
	if (f->older != NULL) {
		f->older->newer = f->newer;
	} else {
		l->oldest = f->newer;
	}
	if (f->newer != NULL) {
		f->newer->older = f->older;
	} else {
		l->newest = f->older;
	}
}

static uint8_t
timer_of(const struct flow *f)
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
	f->timer = timer_of(f);
	list_push(&t->active[f->timer], f);
}

void
flow_timers_touch(struct flow_timers *t, struct flow *f)
{
	uint8_t timer = timer_of(f);

	if (f->timer == TIMER_ENDED ||
	    (f->timer == timer && f->newer == NULL)) {
		return;
	}
	list_cut(&t->active[f->timer], f);
	f->timer = timer;
	list_push(&t->active[timer], f);
}

void
flow_timers_remove(struct flow_timers *t, struct flow *f)
{
	list_cut(list_of(t, f), f);
	t->n_ended -= f->timer == TIMER_ENDED;
}

void
flow_timers_end(struct flow_timers *t, struct flow *f, enum flow_end end)
{
	flow_timers_remove(t, f);
	f->end = end;
	f->timer = TIMER_ENDED;
	list_push(&t->ended, f);
	t->n_ended++;
	t->sorted = false;
}

bool
flow_timers_over(const struct flow_timers *t, const struct flow *f,
		 uint64_t ts_us)
{
	return distance(ts_us, f->last_us) > t->timeout_us[f->timer];
}

struct flow *
flow_timers_due(const struct flow_timers *t)
{
	for (unsigned i = 0; i < N_TIMERS; i++) {
		struct flow *f = t->active[i].oldest;

		if (f != NULL && distance(t->clock.now_us, f->last_us) >
					 t->timeout_us[i] + FLOW_DISORDER_US) {
			return f;
		}
	}
	return NULL;
}

/*
 * Share of the timeout, not idle time: else a flood of new flows, which are
 * young by nature, would push out the established ones.
 */
struct flow *
flow_timers_victim(const struct flow_timers *t)
{
	struct flow *victim = NULL;
	double worst = -1;

	for (unsigned i = 0; i < N_TIMERS; i++) {
		struct flow *f = t->active[i].oldest;
		double part;

		if (f == NULL) {
			continue;
		}
		part = ((double)distance(t->clock.now_us, f->last_us) + 1) /
		       ((double)t->timeout_us[i] + 1);
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

/* Merges two chains that run through 'newer'. */
static struct flow *
merge(struct flow *a, struct flow *b)
{
	struct flow *head = NULL, **tail = &head;

	while (a != NULL && b != NULL) {
		struct flow **first = comes_first(a, b) ? &a : &b;

		*tail = *first;
		tail = &(*first)->newer;
		*first = *tail;
	}
	*tail = a != NULL ? a : b;
	return head;
}

/* Bottom-up merge sort in place: run[i] holds a sorted chain of 2^i flows. */
static struct flow *
sort_chain(struct flow *f)
{
	struct flow *run[40] = { NULL }, *rest = NULL;

	while (f != NULL) {
		struct flow *one = f;
		unsigned i = 0;

		f = f->newer;
		one->newer = NULL;
		while (run[i] != NULL) {
			one = merge(run[i], one);
			run[i++] = NULL;
		}
		run[i] = one;
	}
	for (unsigned i = 0; i < ARRAY_LEN(run); i++) {
		rest = merge(run[i], rest);
	}
	return rest;
}

bool
flow_timers_end_all(struct flow_timers *t)
{
	struct flow *f;

	for (unsigned i = 0; i < N_TIMERS; i++) {
		while ((f = t->active[i].oldest) != NULL) {
			f->flags |= FLOW_UNLINKED;
			f->next = NULL;
			flow_timers_end(t, f, FLOW_END_SHUTDOWN);
		}
	}
	if (t->sorted) {
		return false;
	}
	f = sort_chain(t->ended.oldest);
	t->ended.oldest = t->ended.newest = NULL;
	while (f != NULL) {
		struct flow *after = f->newer;

		list_push(&t->ended, f);
		f = after;
	}
	t->sorted = true;
	return true;
}
