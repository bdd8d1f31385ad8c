/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker's thread: from its handles through its pipeline.  Whatever it
 * does besides is done between two batches, and never waits for anybody but
 * for packets - or, at rest, for the keeper, who only counts meanwhile.
 */
#include "sensor/live_state.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define SLEEP_MS 1000 /* at most: the keeper wakes it for each round */
/* At the end: what a ring does not give for so long stays there. */
#define GIVE_UP_US UINT64_C(3000000)

/* --- reading --- */

static void
refill(struct live_worker *w, struct live_tap *t)
{
	enum err e;

	t->at = 0;
	t->batch->n = 0;
	e = capture_live_read(t->handle, t->batch, t->iface, &t->why);
	t->more = e == ERR_OK;
	t->broken = e == ERR_CLOSED;
	if (!t->more) {
		tap_clock_empty(&t->clock, clock_mono_us());
	} else if (UNLIKELY(t->clock.watched)) {
		tap_clock_check(&t->clock, t->batch, clock_wall_us(),
				clock_mono_us(), w->live->hold_us);
	}
}

static bool
comes_before(const struct frame *a, const struct frame *b)
{
	return a->ts_us != b->ts_us ? a->ts_us < b->ts_us : a->ts_ns < b->ts_ns;
}

static struct live_tap *
earliest(struct live_worker *w)
{
	struct live_tap *best = NULL;

	for (unsigned i = 0; i < w->live->n_ports; i++) {
		struct live_tap *t = &w->tap[i];

		if (t->at < t->batch->n &&
		    (best == NULL ||
		     comes_before(&t->batch->frame[t->at],
				  &best->batch->frame[best->at]))) {
			best = t;
		}
	}
	return best;
}

static void
refill_all(struct live_worker *w)
{
	unsigned n_taps = w->live->n_ports;

	w->looked_us = n_taps > 1 ? clock_wall_us() : 0;
	w->n_open = 0;
	for (unsigned i = 0; i < n_taps; i++) {
		struct live_tap *t = &w->tap[i];

		if (t->handle != NULL && !t->broken && t->at == t->batch->n) {
			refill(w, t);
		}
		w->n_open += t->handle != NULL && !t->broken;
	}
}

/*
 * Whether no earlier frame can come by another handle.  One that has nothing to
 * show may have a packet of before in a block that the kernel fills yet; so a
 * frame waits until that had to be handed over.  Stamps of the future are of
 * another clock, or the clock was set: they cannot be waited for.
 */
static bool
may_go(struct live_worker *w, const struct frame *f)
{
	unsigned shown = 0;

	if (w->n_open < 2) {
		return true;
	}
	for (unsigned i = 0; i < w->live->n_ports; i++) {
		const struct live_tap *t = &w->tap[i];

		shown += t->handle != NULL && !t->broken && t->at < t->batch->n;
	}
	if (shown == w->n_open || f->ts_us > w->looked_us ||
	    f->ts_us + w->live->hold_us <= w->looked_us) {
		return true;
	}
	w->held_us = f->ts_us + w->live->hold_us;
	return false;
}

/*
 * The next frames of all handles in the order of their time: the two
 * directions of a link may come from two taps.  A handle that may have more is
 * asked before the others go on.
 */
static unsigned
gather(struct live_worker *w)
{
	struct live_tap *t;
	unsigned n = 0;

	w->held_us = 0;
	refill_all(w);
	while (n < LIVE_GATHER && (t = earliest(w)) != NULL) {
		struct frame *f = &t->batch->frame[t->at];

		if (!may_go(w, f)) {
			break;
		}
		t->at++;
		w->frame[n++] = f;
		t->last_us = MAX(t->last_us, f->ts_us);
		if (t->at == t->batch->n && t->more) {
			break;
		}
	}
	return n;
}

/* Until there is a packet, or the keeper calls. */
static void
sleep_until_called(struct live_worker *w)
{
	struct pollfd p[LIVE_MAX_INTERFACES + 1];
	int timeout = SLEEP_MS;
	nfds_t n = 0;
	uint64_t calls;

	p[n++] = (struct pollfd){ .fd = w->wake_fd, .events = POLLIN };
	for (unsigned i = 0; i < w->live->n_ports; i++) {
		struct live_tap *t = &w->tap[i];

		/* one whose frames wait has nothing to be woken for */
		if (t->handle != NULL && !t->broken && t->at == t->batch->n) {
			p[n++] = (struct pollfd){
				.fd = capture_live_fd(t->handle),
				.events = POLLIN,
			};
		}
	}
	if (w->held_us > 0) {
		timeout = (int)((w->held_us - w->looked_us + 999) / 1000);
	}
	if (poll(p, n, timeout) > 0 && (p[0].revents & POLLIN) != 0 &&
	    read(w->wake_fd, &calls, sizeof(calls)) < 0 && errno != EAGAIN) {
		log_err("worker %u: eventfd: %s", w->index, strerror(errno));
	}
}

/* --- rounds --- */

/* The packets' time now: it goes on while none comes. */
static uint64_t
packet_time(const struct live_worker *w, uint64_t mono_us)
{
	return w->clock.now_us + (mono_us - w->clock_mono_us);
}

static void
count_taps(struct live_worker *w)
{
	w->load = (struct live_load){ .busy = w->busy };
	for (unsigned i = 0; i < w->live->n_ports; i++) {
		struct live_tap *t = &w->tap[i];

		if (t->handle == NULL) {
			continue;
		}
		capture_live_count(t->handle, &t->told.n);
		/* what is read and waits for another handle waits */
		for (uint32_t k = t->at; k < t->batch->n; k++) {
			t->told.n.delivered--;
			t->told.n.bytes -= t->batch->frame[k].caplen;
		}
		t->told.last_us = t->last_us;
		t->told.broken = t->broken;
		t->told.clock_off = t->clock.off;
		t->told.clock_shift_us = t->clock.shift_us;
		w->load.waiting += t->told.n.seen - t->told.n.dropped -
				   t->told.n.delivered;
	}
}

/* Whether all that the handles hold is read, or will not come any more. */
static bool
is_dry(struct live_worker *w, uint64_t now_us)
{
	uint64_t n = 0;

	if (w->load.waiting == 0 && earliest(w) == NULL) {
		return true;
	}
	for (unsigned i = 0; i < w->live->n_ports; i++) {
		n += w->tap[i].told.n.delivered;
	}
	if (n != w->progress_n) {
		w->progress_n = n;
		w->progress_us = now_us;
	}
	return now_us - w->progress_us > GIVE_UP_US;
}

static void
end_flows(struct live_worker *w, enum live_mode mode)
{
	uint64_t mono = clock_mono_us(), now;

	if (mode == LIVE_END && !w->shut) {
		w->shut = true;
		w->progress_us = mono;
		for (unsigned i = 0; i < w->live->n_ports; i++) {
			if (w->tap[i].handle != NULL) {
				capture_live_shut(w->tap[i].handle);
			}
		}
		count_taps(w);
	}
	now = packet_time(w, mono);
	if (w->shut && is_dry(w, mono)) {
		worker_finish(w->worker, now, now, w->out);
		w->ended = true;
	} else if (w->clock.now_us > 0) {
		worker_expire(w->worker, now, now, w->out);
	}
}

static void
rest(struct live_worker *w, uint64_t round)
{
	struct live *l = w->live;

	pthread_mutex_lock(&l->lock);
	while (l->resumed < round) {
		pthread_cond_wait(&l->go_on, &l->lock);
	}
	pthread_mutex_unlock(&l->lock);
}

static void
close_round(struct live_worker *w, uint64_t round)
{
	struct live *l = w->live;
	enum live_mode mode = l->mode;
	struct outbox *full = w->out;
	uint64_t one = 1;

	count_taps(w);
	end_flows(w, mode);
	/* The other one was emptied before this round was asked for. */
	w->out = w->full;
	w->full = full;
	atomic_store_explicit(&w->closed, round, memory_order_release);
	if (write(l->done_fd, &one, sizeof(one)) < 0 && errno != EAGAIN) {
		log_err("worker %u: eventfd: %s", w->index, strerror(errno));
	}
	if (mode == LIVE_REST) {
		rest(w, round);
	}
}

static void
pin(const struct live_worker *w)
{
	const struct live_conf *c = w->live->conf;
	cpu_set_t set;
	int rc;

	if (c->n_cpus == 0) {
		return;
	}
	CPU_ZERO(&set);
	CPU_SET(c->cpu[w->index % c->n_cpus], &set);
	rc = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (rc != 0) {
		log_warn("capture.cpu-affinity: worker %u cannot run on "
			 "processor %d: %s",
			 w->index + 1, c->cpu[w->index % c->n_cpus],
			 strerror(rc));
	}
}

void *
live_worker_run(void *arg)
{
	struct live_worker *w = arg;
	uint64_t closed = 0;

	pin(w);
	while (!w->ended) {
		unsigned n = gather(w);
		uint64_t wanted;

		live_look_at_load(w);
		if (n > 0) {
			worker_frames(w->worker, w->frame, n, w->out);
			flow_clock_tick(&w->clock, w->frame[n - 1]->ts_us);
			w->clock_mono_us = clock_mono_us();
			w->busy++;
		} else {
			w->busy = 0;
		}
		wanted = atomic_load_explicit(&w->live->wanted,
					      memory_order_acquire);
		if (wanted != closed) {
			close_round(w, wanted);
			closed = wanted;
		} else if (n == 0) {
			sleep_until_called(w);
		}
	}
	return NULL;
}
