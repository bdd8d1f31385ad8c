/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "sensor/decode_peek.h"

#define ROUND_BATCHES 32
#define ROUND_FRAMES (ROUND_BATCHES * BATCH_FRAMES)
#define ROUNDS_IN_FLIGHT 3
#define MAX_WORKERS 64
#define BEHIND_US 20000

struct round {
	struct batch_frames *batch[ROUND_BATCHES];
	unsigned n_batches;
	uint8_t owner[ROUND_FRAMES]; /* worker of frame b * BATCH_FRAMES + i */
	struct outbox *box[MAX_WORKERS];
	unsigned remaining; /* workers not yet through */
	bool last;
	struct reload_change *change; /* comes before the first frame */
	uint64_t last_us, clock_us, last_number;
};

struct replay {
	const struct replay_settings *set;
	struct replay_result *result;
	struct round round[ROUNDS_IN_FLIGHT];
	/* Below: shared with the workers' threads. */
	pthread_mutex_t lock;
	pthread_cond_t ready, done;
	uint64_t published; /* rounds handed to the workers */
	/* Pacing. */
	uint64_t first_us, start_mono_us;
	bool quiet; /* the input has no more for now */
	bool behind; /* a paced replay has no time left to wait */
	/* The latest time seen: packet clocks may step back. */
	uint64_t now_us, number;
	/* The time by which flows end: of all packets, not of one worker's. */
	struct flow_clock clock;
};

struct thread_arg {
	struct replay *r;
	unsigned index;
};

static bool
stopped(const struct replay *r)
{
	return r->set->stop != NULL && *r->set->stop != 0;
}

static bool
wants_idle(const struct replay *r)
{
	return r->set->want_idle != NULL && *r->set->want_idle != 0;
}

/* Waits until a frame of capture time 'ts_us' is due. */
static void
pace(struct replay *r, uint64_t ts_us)
{
	uint64_t due, now;

	if (r->set->pace <= 0) {
		return;
	}
	if (r->start_mono_us == 0) {
		r->start_mono_us = clock_mono_us();
		r->first_us = ts_us;
	}
	if (ts_us < r->first_us) {
		return;
	}
	due = r->start_mono_us +
	      (uint64_t)((double)(ts_us - r->first_us) / r->set->pace);
	r->behind = clock_mono_us() > due + BEHIND_US;
	while ((now = clock_mono_us()) < due && !stopped(r)) {
		uint64_t left = MIN(due - now, (uint64_t)100000);
		struct timespec ts = { .tv_nsec = (long)left * 1000 };

		nanosleep(&ts, NULL);
		if (r->set->tick != NULL) {
			r->set->tick(r->set->tick_arg, r->set->n_workers == 1);
		}
	}
}

enum reading { READ_BATCH, READ_NOTHING, READ_END };

/* Fills one batch; nothing, when a pipe's writer has nothing for now. */
static enum reading
read_batch(struct replay *r, struct batch_frames *b)
{
	const struct capture_stats *n = capture_stats(r->set->capture);
	struct diag d;
	enum err e;

	while (!stopped(r)) {
		uint64_t cut_short = n->cut_short;

		e = capture_next(r->set->capture, b, &d);
		if (e == ERR_OK) {
			for (uint32_t i = 0; i < b->n; i++) {
				r->now_us = MAX(r->now_us, b->frame[i].ts_us);
				flow_clock_tick(&r->clock, b->frame[i].ts_us);
			}
			r->number = b->frame[b->n - 1].number;
			return READ_BATCH;
		}
		if (e == ERR_EOF) {
			return READ_END;
		}
		if (e == ERR_AGAIN) {
			b->n = 0;
			return READ_NOTHING;
		}
		if (n->cut_short > cut_short) {
			/* Whoever wrote it was killed: nothing is wrong with
			 * what is there. */
			log_warn("%s", d.msg);
		} else {
			log_err("%s", d.msg);
			r->result->damaged_files++;
		}
	}
	return READ_END;
}

/* Paced frames are handed on one by one, unless there are more than that. */
static void
limit_batch(struct replay *r)
{
	if (r->set->pace > 0) {
		capture_limit(r->set->capture, r->behind ? BATCH_FRAMES : 1);
	}
}

static void
fill_round(struct replay *r, struct round *rd)
{
	unsigned limit = r->set->pace > 0 ? 1 : ROUND_BATCHES;

	rd->n_batches = 0;
	rd->last = false;
	rd->change = reload_take(r->set->reload);
	r->quiet = false;
	limit_batch(r);
	while (rd->n_batches < limit && !r->quiet) {
		struct batch_frames *b = rd->batch[rd->n_batches];
		enum reading got = read_batch(r, b);

		if (got == READ_END) {
			rd->last = true;
			break;
		}
		if (got == READ_NOTHING) {
			r->quiet = true;
			break;
		}
		r->quiet = capture_rests(r->set->capture);
		for (uint32_t i = 0; i < b->n; i++) {
			/* the worker goes on from this look */
			b->frame[i].shape = decode_peek(&b->frame[i]);
			rd->owner[rd->n_batches * BATCH_FRAMES + i] =
				(uint8_t)(decode_pair_hash(&b->frame[i]) %
					  r->set->n_workers);
		}
		pace(r, b->frame[b->n - 1].ts_us);
		rd->n_batches++;
	}
	rd->last_us = r->now_us;
	rd->clock_us = r->clock.now_us;
	rd->last_number = r->number;
}

static void
exchange(struct reload_change *c, struct worker *w, unsigned index)
{
	c->matcher[index] = worker_change_rules(w, c->matcher[index]);
}

/* One worker's share of a round. */
static void
work(struct worker *w, unsigned index, const struct round *rd)
{
	struct outbox *out = rd->box[index];

	if (rd->change != NULL) {
		exchange(rd->change, w, index);
	}
	for (unsigned b = 0; b < rd->n_batches; b++) {
		struct batch_frames *batch = rd->batch[b];
		struct frame *own[BATCH_FRAMES];
		unsigned n = 0;

		for (uint32_t i = 0; i < batch->n; i++) {
			if (rd->owner[b * BATCH_FRAMES + i] == index) {
				own[n++] = &batch->frame[i];
			}
		}
		worker_frames(w, own, n, out);
	}
	if (rd->last) {
		worker_finish(w, rd->last_us, rd->last_number, out);
	} else {
		worker_expire(w, rd->clock_us, rd->last_number, out);
	}
}

static void *
worker_thread(void *p)
{
	struct thread_arg *a = p;
	struct replay *r = a->r;
	bool last = false;

	for (uint64_t k = 0; !last; k++) {
		struct round *rd = &r->round[k % ROUNDS_IN_FLIGHT];

		pthread_mutex_lock(&r->lock);
		while (r->published <= k) {
			pthread_cond_wait(&r->ready, &r->lock);
		}
		pthread_mutex_unlock(&r->lock);
		last = rd->last;
		work(r->set->workers[a->index], a->index, rd);
		pthread_mutex_lock(&r->lock);
		if (--rd->remaining == 0) {
			pthread_cond_signal(&r->done);
		}
		pthread_mutex_unlock(&r->lock);
	}
	return NULL;
}

static void
tick(const struct replay *r, bool idle)
{
	if (r->set->tick != NULL) {
		r->set->tick(r->set->tick_arg, idle);
	}
}

/*
 * Waits until all workers are through with 'rd', then merges it.  'idle': no
 * round was handed out behind it.
 */
static void
collect(struct replay *r, struct round *rd, bool idle)
{
	pthread_mutex_lock(&r->lock);
	while (rd->remaining > 0) {
		pthread_cond_wait(&r->done, &r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	if (rd->change != NULL) {
		/* the rounds before this one are merged */
		reload_settled(r->set->reload, rd->change);
	}
	sink_round(r->set->sink, rd->box, r->set->n_workers);
	if (r->set->pace > 0 || r->quiet) {
		sink_flush(r->set->sink);
	}
	for (unsigned i = 0; i < r->set->n_workers; i++) {
		outbox_reset(rd->box[i]);
	}
	if (rd->change != NULL) {
		/* the last alert of the former set is out */
		sink_wait(r->set->sink);
		reload_done(r->set->reload, rd->change);
		rd->change = NULL;
	}
	tick(r, idle);
}

static void
publish(struct replay *r, struct round *rd)
{
	pthread_mutex_lock(&r->lock);
	rd->remaining = r->set->n_workers;
	r->published++;
	pthread_cond_broadcast(&r->ready);
	pthread_mutex_unlock(&r->lock);
}

/* Tells threads that already run to stop, when not all could be started. */
static void
abandon(struct replay *r, unsigned started)
{
	struct round *rd = &r->round[0];

	rd->n_batches = 0;
	rd->change = NULL;
	rd->last = true;
	pthread_mutex_lock(&r->lock);
	rd->remaining = started;
	r->published++;
	pthread_cond_broadcast(&r->ready);
	pthread_mutex_unlock(&r->lock);
}

static enum err
run_threads(struct replay *r, struct diag *d)
{
	pthread_t thread[MAX_WORKERS];
	struct thread_arg arg[MAX_WORKERS];
	unsigned n = r->set->n_workers, started = 0;
	enum err e = ERR_OK;
	uint64_t k = 0, collected = 0;
	bool last = false;

	for (; started < n; started++) {
		arg[started] = (struct thread_arg){ r, started };
		if (pthread_create(&thread[started], NULL, worker_thread,
				   &arg[started]) != 0) {
			e = diag_set(d, ERR_IO,
				     "cannot start worker %u of %u; use fewer "
				     "--workers",
				     started + 1, n);
			abandon(r, started);
			break;
		}
	}
	for (; e == ERR_OK && !last; k++) {
		struct round *rd = &r->round[k % ROUNDS_IN_FLIGHT];

		while (collected < k &&
		       (k - collected == ROUNDS_IN_FLIGHT || wants_idle(r) ||
			r->quiet || r->set->pace > 0)) {
			collect(r, &r->round[collected % ROUNDS_IN_FLIGHT],
				collected + 1 == k);
			collected++;
		}
		fill_round(r, rd);
		last = rd->last;
		publish(r, rd);
	}
	for (; collected < k; collected++) {
		collect(r, &r->round[collected % ROUNDS_IN_FLIGHT],
			collected + 1 == k);
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(thread[i], NULL);
	}
	return e;
}

/* Between two frames; what was found under the former set goes out first. */
static void
change_alone(struct replay *r, struct worker *w, struct outbox *out)
{
	struct reload_change *c = reload_take(r->set->reload);

	if (c != NULL) {
		sink_round(r->set->sink, &out, 1);
		outbox_reset(out);
		reload_settled(r->set->reload, c);
		exchange(c, w, 0);
		sink_wait(r->set->sink); /* it names rules of the former set */
		reload_done(r->set->reload, c);
	}
}

static void
take_batch(struct worker *w, struct batch_frames *b, struct outbox *out)
{
	struct frame *v[BATCH_FRAMES];

	for (uint32_t i = 0; i < b->n; i++) {
		v[i] = &b->frame[i];
	}
	worker_frames(w, v, b->n, out);
}

/* Each frame in its time, and what it gave at once. */
static void
take_paced(struct replay *r, struct worker *w, const struct batch_frames *b,
	   struct outbox *out)
{
	for (uint32_t i = 0; i < b->n; i++) {
		pace(r, b->frame[i].ts_us);
		change_alone(r, w, out);
		worker_frame(w, &b->frame[i], out);
		if (out->n > 0) {
			sink_round(r->set->sink, &out, 1);
			sink_flush(r->set->sink);
			outbox_reset(out);
		}
	}
}

/* Everything in this thread, frame by frame when paced. */
static void
run_alone(struct replay *r)
{
	struct worker *w = r->set->workers[0];
	struct round *rd = &r->round[0];
	struct outbox *out = rd->box[0];
	enum reading got = READ_BATCH;
	unsigned batches = 0;

	while (got != READ_END) {
		got = read_batch(r, rd->batch[0]);
		change_alone(r, w, out);
		if (got == READ_BATCH && r->set->pace > 0) {
			take_paced(r, w, rd->batch[0], out);
		} else if (got == READ_BATCH) {
			take_batch(w, rd->batch[0], out);
		}
		r->quiet = got != READ_END && capture_rests(r->set->capture);
		if (got == READ_END) {
			worker_finish(w, r->now_us, r->number, out);
		} else if (got == READ_BATCH &&
			   ++batches % ROUND_BATCHES == 0) {
			worker_expire(w, r->clock.now_us, r->number, out);
		} else if (!r->quiet) {
			continue;
		}
		sink_round(r->set->sink, &out, 1);
		outbox_reset(out);
		if (r->quiet) {
			sink_flush(r->set->sink);
		}
		tick(r, true);
	}
}

static void
free_rounds(struct replay *r)
{
	for (unsigned k = 0; k < ROUNDS_IN_FLIGHT; k++) {
		for (unsigned b = 0; b < ROUND_BATCHES; b++) {
			batch_frames_free(r->round[k].batch[b]);
		}
		for (unsigned i = 0; i < r->set->n_workers; i++) {
			outbox_free(r->round[k].box[i]);
		}
	}
}

static bool
new_rounds(struct replay *r)
{
	bool alone = r->set->n_workers == 1;

	for (unsigned k = 0; k < (alone ? 1u : ROUNDS_IN_FLIGHT); k++) {
		for (unsigned b = 0; b < (alone ? 1u : ROUND_BATCHES); b++) {
			r->round[k].batch[b] = batch_frames_new();
			if (r->round[k].batch[b] == NULL) {
				return false;
			}
		}
		for (unsigned i = 0; i < r->set->n_workers; i++) {
			r->round[k].box[i] = outbox_new();
			if (r->round[k].box[i] == NULL) {
				return false;
			}
		}
	}
	return true;
}

enum err
replay_run(const struct replay_settings *s, struct replay_result *result,
	   struct diag *d)
{
	struct replay *r = calloc(1, sizeof(*r));
	enum err e = ERR_OK;

	*result = (struct replay_result){ 0 };
	if (r == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	if (s->n_workers == 0 || s->n_workers > MAX_WORKERS) {
		free(r);
		return diag_set(d, ERR_USAGE, "workers: 1 to %u", MAX_WORKERS);
	}
	r->set = s;
	r->result = result;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->ready, NULL);
	pthread_cond_init(&r->done, NULL);
	if (!new_rounds(r)) {
		e = diag_set(d, ERR_NOMEM, "out of memory for %u workers",
			     s->n_workers);
	} else if (s->n_workers == 1) {
		run_alone(r);
	} else {
		e = run_threads(r, d);
	}
	result->last_us = r->now_us;
	free_rounds(r);
	pthread_cond_destroy(&r->done);
	pthread_cond_destroy(&r->ready);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return e;
}
