/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/replay_state.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"

#define BEHIND_US 20000

static bool
stopped(const struct replay *r)
{
	return r->set->stop != NULL &&
	       __atomic_load_n(r->set->stop, __ATOMIC_RELAXED) != 0;
}

void
replay_pace(struct replay *r, uint64_t ts_us)
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
			r->set->tick(r->set->tick_arg,
				     r->collected == r->published);
		}
	}
}

enum reading
replay_read(struct replay *r, struct batch_frames *b)
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

/* Between two frames; what was found under the former set goes out first. */
static void
change_alone(struct replay *r, struct worker *w, struct outbox *out)
{
	struct reload_change *c = reload_take(r->set->reload);

	if (c != NULL) {
		sink_round(r->set->sink, &out, 1);
		outbox_reset(out);
		reload_settled(r->set->reload, c);
		replay_exchange(c, w, 0);
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
	worker_expect(w, b->next);
	worker_frames(w, v, b->n, out);
}

/* Each frame in its time, and what it gave at once. */
static void
take_paced(struct replay *r, struct worker *w, const struct batch_frames *b,
	   struct outbox *out)
{
	for (uint32_t i = 0; i < b->n; i++) {
		replay_pace(r, b->frame[i].ts_us);
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
	struct batch_frames *b = r->alone;
	struct outbox *out = r->out;
	enum reading got = READ_BATCH;
	unsigned batches = 0;

	if (r->set->pace <= 0) {
		capture_spread(r->set->capture);
	}
	while (got != READ_END) {
		got = replay_read(r, b);
		change_alone(r, w, out);
		if (got == READ_BATCH && r->set->pace > 0) {
			take_paced(r, w, b, out);
		} else if (got == READ_BATCH) {
			take_batch(w, b, out);
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
		replay_tick(r, true);
	}
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
	pthread_cond_init(&r->moved, NULL);
	if (s->n_workers > 1) {
		e = replay_rounds(r, d);
	} else if ((r->alone = batch_frames_new()) == NULL ||
		   (r->out = outbox_new()) == NULL) {
		e = diag_set(d, ERR_NOMEM, "out of memory");
	} else {
		run_alone(r);
	}
	result->last_us = r->now_us;
	batch_frames_free(r->alone);
	outbox_free(r->out);
	pthread_cond_destroy(&r->moved);
	pthread_mutex_destroy(&r->lock);
	free(r);
	return e;
}
