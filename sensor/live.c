/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/live_state.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/thread.h"

#define ROUND_US UINT64_C(50000)
#define HOLD_SLACK_US 5000
/* What one worker's round may bring: events, and the records of them. */
#define ROUND_BYTES_MAX ((size_t)6 << 20)

/* --- opening and closing --- */

static void
worker_gone(struct live_worker *w)
{
	if (w == NULL) {
		return;
	}
	for (unsigned i = 0; i < LIVE_MAX_INTERFACES; i++) {
		batch_frames_free(w->tap[i].batch);
	}
	if (w->wake_fd >= 0) {
		close(w->wake_fd);
	}
	outbox_free(w->out);
	outbox_free(w->full);
	free(w);
}

static enum err
add_worker(struct live *l, unsigned k, struct diag *d)
{
	struct live_worker *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	l->worker[k] = w;
	w->live = l;
	w->index = k;
	w->out = outbox_new();
	w->full = outbox_new();
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd < 0) {
		return diag_set(d, ERR_IO, "eventfd: %s", strerror(errno));
	}
	for (unsigned i = 0; i < l->n_ports; i++) {
		w->tap[i].iface = (uint16_t)(i + 1);
		w->tap[i].batch = batch_frames_new();
		if (w->tap[i].batch == NULL) {
			return diag_set(d, ERR_NOMEM, "out of memory");
		}
	}
	return w->out != NULL && w->full != NULL
		       ? ERR_OK
		       : diag_set(d, ERR_NOMEM, "out of memory");
}

/*
 * After so long a packet of the interface can be read for certain: the kernel
 * looks at a block after its time-out, and hands it over at the latest when it
 * looks again.
 */
static uint64_t
hold_us(const struct capture_live_options *o)
{
	return (o->immediate ? 0 : 2 * (uint64_t)o->timeout_ms * 1000) +
	       HOLD_SLACK_US;
}

static enum err
open_ports(struct live *l, struct diag *d)
{
	for (unsigned i = 0; i < l->n_ports; i++) {
		struct live_port *p = &l->port[i];
		enum err e;

		p->conf = &l->conf->iface[i];
		l->hold_us = MAX(l->hold_us, hold_us(&p->conf->open));
		e = live_port_open(l, p, d);
		if (e == ERR_AGAIN) {
			log_warn("%s; waiting for it to be set up", d->msg);
		} else if (e != ERR_OK) {
			return e == ERR_NOTFOUND ? ERR_USAGE : e;
		}
	}
	return ERR_OK;
}

enum err
live_open(struct live **out, const struct live_conf *c, unsigned n_workers,
	  struct diag *d)
{
	struct live *l;
	enum err e = ERR_OK;

	*out = NULL;
	if (n_workers == 0 || n_workers > LIVE_MAX_WORKERS) {
		return diag_set(d, ERR_USAGE, "workers: 1 to %d",
				LIVE_MAX_WORKERS);
	}
	l = calloc(1, sizeof(*l));
	if (l == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->go_on, NULL);
	l->conf = c;
	l->n_ports = c->n;
	l->n_workers = n_workers;
	l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->done_fd < 0) {
		e = diag_set(d, ERR_IO, "eventfd: %s", strerror(errno));
	} else if (getrandom(&l->key, sizeof(l->key), 0) != sizeof(l->key)) {
		e = diag_set(d, ERR_IO, "getrandom: %s", strerror(errno));
	}
	for (unsigned k = 0; k < n_workers && e == ERR_OK; k++) {
		e = add_worker(l, k, d);
	}
	if (e == ERR_OK) {
		e = iface_watch_open(&l->watch, d);
	}
	if (e == ERR_OK) {
		e = open_ports(l, d);
	}
	if (e != ERR_OK) {
		live_close(l);
		return e;
	}
	*out = l;
	return ERR_OK;
}

void
live_close(struct live *l)
{
	if (l == NULL) {
		return;
	}
	for (unsigned i = 0; i < l->n_ports; i++) {
		for (unsigned k = 0; k < LIVE_MAX_WORKERS; k++) {
			capture_live_close(l->port[i].fresh[k]);
			if (l->worker[k] != NULL) {
				capture_live_close(l->worker[k]->tap[i].handle);
			}
		}
	}
	for (unsigned k = 0; k < LIVE_MAX_WORKERS; k++) {
		worker_gone(l->worker[k]);
	}
	iface_watch_close(l->watch);
	if (l->done_fd >= 0) {
		close(l->done_fd);
	}
	pthread_cond_destroy(&l->go_on);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* --- rounds --- */

static bool
all_closed(const struct live *l, uint64_t round)
{
	for (unsigned k = 0; k < l->n_workers; k++) {
		const struct live_worker *w = l->worker[k];

		if (atomic_load_explicit(&w->closed, memory_order_acquire) <
		    round) {
			return false;
		}
	}
	return true;
}

/* Asks all workers to close a round, and waits until they did. */
static void
close_rounds(struct live *l, enum live_mode mode)
{
	uint64_t round = atomic_load(&l->wanted) + 1, one = 1;
	struct pollfd p = { .fd = l->done_fd, .events = POLLIN };

	/* before the round is asked for: then it is theirs again */
	for (unsigned k = 0; k < l->n_workers; k++) {
		if (l->worker[k]->ended) {
			atomic_store(&l->worker[k]->closed, round);
		}
	}
	l->mode = mode;
	atomic_store_explicit(&l->wanted, round, memory_order_release);
	for (unsigned k = 0; k < l->n_workers; k++) {
		struct live_worker *w = l->worker[k];

		if (write(w->wake_fd, &one, sizeof(one)) < 0) {
			/* it is full: the worker is awake */
			continue;
		}
	}
	while (!all_closed(l, round)) {
		uint64_t n;

		(void)poll(&p, 1, -1);
		if (read(l->done_fd, &n, sizeof(n)) < 0) {
			continue; /* a signal, or all was read before */
		}
	}
}

static void
merge(struct live *l)
{
	struct outbox *box[LIVE_MAX_WORKERS];

	for (unsigned k = 0; k < l->n_workers; k++) {
		box[k] = l->worker[k]->full;
	}
	sink_round(l->set->sink, box, l->n_workers);
	sink_flush(l->set->sink);
	for (unsigned k = 0; k < l->n_workers; k++) {
		outbox_reset(box[k]);
		/* the sink gives another one back */
		box[k]->bytes_max = ROUND_BYTES_MAX;
	}
}

static void
go_on(struct live *l)
{
	pthread_mutex_lock(&l->lock);
	l->resumed = atomic_load(&l->wanted);
	pthread_cond_broadcast(&l->go_on);
	pthread_mutex_unlock(&l->lock);
}

/* At rest: every worker goes over to the new rules between two packets. */
static void
exchange_rules(struct live *l, struct reload_change *c)
{
	reload_settled(l->set->reload, c);
	for (unsigned k = 0; k < l->n_workers; k++) {
		c->matcher[k] = worker_change_rules(l->worker[k]->worker,
						    c->matcher[k]);
	}
	l->change = c;
	l->change_mark = sink_mark(l->set->sink);
}

/* The former set goes when the last alert that names its rules is out. */
static void
finish_change(struct live *l)
{
	if (l->change != NULL && sink_passed(l->set->sink, l->change_mark)) {
		reload_done(l->set->reload, l->change);
		l->change = NULL;
	}
}

static void
tick(struct live *l, bool idle)
{
	if (l->set->tick != NULL) {
		l->set->tick(l->set->tick_arg, idle);
	}
}

static void
one_round(struct live *l)
{
	bool ports = live_ports_watch(l, clock_mono_us());
	bool counters = l->set->want_idle != NULL && *l->set->want_idle != 0;
	struct reload_change *change = reload_take(l->set->reload);
	bool at_rest = ports || counters || change != NULL;
	struct diag d;

	close_rounds(l, at_rest ? LIVE_REST : LIVE_RUN);
	merge(l);
	if (at_rest) {
		if (ports && live_ports_change(l, &d) != ERR_OK) {
			log_err("%s", d.msg);
		}
		if (change != NULL) {
			exchange_rules(l, change);
		}
	}
	live_ports_publish(l);
	finish_change(l);
	tick(l, at_rest);
	if (at_rest) {
		go_on(l);
	}
}

/* Until the next round is due, or a signal comes. */
static void
wait_round(const struct live *l, uint64_t began_us)
{
	uint64_t now = clock_mono_us();

	if (now < began_us + ROUND_US && *l->set->stop == 0) {
		(void)poll(NULL, 0,
			   (int)((began_us + ROUND_US - now + 999) / 1000));
	}
}

static bool
all_ended(const struct live *l)
{
	for (unsigned k = 0; k < l->n_workers; k++) {
		if (!l->worker[k]->ended) {
			return false;
		}
	}
	return true;
}

/* What the rings hold is read; nothing more comes in. */
static void
run_out(struct live *l)
{
	sink_end_live(l->set->sink);
	while (!all_ended(l)) {
		uint64_t began = clock_mono_us();

		close_rounds(l, LIVE_END);
		merge(l);
		live_ports_publish(l);
		tick(l, false);
		if (!all_ended(l) && clock_mono_us() < began + ROUND_US) {
			(void)poll(NULL, 0, ROUND_US / 2000);
		}
	}
}

static enum err
start_threads(struct live *l, unsigned *started, struct diag *d)
{
	for (*started = 0; *started < l->n_workers; ++*started) {
		struct live_worker *w = l->worker[*started];
		int rc = thread_start(&w->thread, THREAD_WORKER,
				      live_worker_run, w);

		if (rc != 0) {
			return diag_set(d, ERR_IO,
					"cannot start worker %u of %u: %s; use "
					"fewer --workers",
					*started + 1, l->n_workers,
					strerror(rc));
		}
	}
	return ERR_OK;
}

static void
end_change(struct live *l)
{
	struct reload_change *c = l->change;

	if (c != NULL) {
		sink_wait(l->set->sink);
		reload_done(l->set->reload, c);
		l->change = NULL;
	}
}

enum err
live_run(struct live *l, const struct live_settings *s, struct diag *d)
{
	unsigned started = 0;
	enum err e;

	l->set = s;
	for (unsigned k = 0; k < l->n_workers; k++) {
		l->worker[k]->worker = s->workers[k];
		l->worker[k]->out->bytes_max = ROUND_BYTES_MAX;
		l->worker[k]->full->bytes_max = ROUND_BYTES_MAX;
	}
	e = live_ports_change(l, d);
	if (e != ERR_OK) {
		sink_end_live(s->sink);
		return e;
	}
	e = start_threads(l, &started, d);
	if (e != ERR_OK) {
		l->n_workers = started;
	}
	while (e == ERR_OK && *s->stop == 0) {
		uint64_t began = clock_mono_us();

		one_round(l);
		wait_round(l, began);
	}
	run_out(l);
	for (unsigned k = 0; k < started; k++) {
		pthread_join(l->worker[k]->thread, NULL);
	}
	end_change(l);
	live_ports_close(l);
	return e;
}

/* --- counters --- */

unsigned
live_interfaces(const struct live *l)
{
	return l->n_ports;
}

void
live_get_counters(struct live *l, unsigned i, struct live_counters *out)
{
	pthread_mutex_lock(&l->lock);
	*out = l->told[i];
	pthread_mutex_unlock(&l->lock);
}

void
live_sum(struct live *l, struct capture_stats *out)
{
	*out = (struct capture_stats){ 0 };
	for (unsigned i = 0; i < l->n_ports; i++) {
		struct live_counters n;

		live_get_counters(l, i, &n);
		out->frames += n.delivered;
		out->bytes += n.bytes;
		out->truncated += n.truncated;
	}
}

void
live_get_load(const struct live *l, unsigned worker, struct live_load *out)
{
	*out = l->worker[worker]->load;
}
