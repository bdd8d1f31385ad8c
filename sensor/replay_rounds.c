/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several workers.  No thread does nothing but read: whoever is ahead, and so
 * would have to wait for the next round, reads it for all, and merges those
 * that everybody is through with ("keeping", one worker at a time).  So as many
 * threads as workers are busy, and what is common to all is done by the one
 * with the least work of its own.
 */
#include "sensor/replay_state.h"

#include <stdlib.h>

#include "common/thread.h"

/* Rounds to be ready beyond the one a worker begins: then it is likely that
 * nobody has to wait while one is read. */
#define ROUNDS_READY 1

struct thread_arg {
	struct replay *r;
	unsigned index;
};

static struct round *
round_of(struct replay *r, uint64_t k)
{
	return &r->round[k % ROUNDS_IN_FLIGHT];
}

/* What a frame costs besides what each of its bytes does, in bytes. */
#define FRAME_COST 256
/* Of what a worker was given, so much is forgotten with each round. */
#define LOAD_DECAY 16

/* Who is given a pair of addresses not seen before: the one with least to do.
 * Told by frames and bytes, not by the clock: the same for each run. */
static unsigned
least_loaded(const struct replay *r)
{
	unsigned least = 0;

	for (unsigned w = 1; w < r->set->n_workers; w++) {
		if (r->load[w] < r->load[least]) {
			least = w;
		}
	}
	return least;
}

static inline unsigned
owner_of(struct replay *r, uint32_t pair)
{
	unsigned w = pair_owner_known(r->owners, pair);

	return LIKELY(w != PAIR_OWNER_NONE)
		       ? w
		       : pair_owner(r->owners, pair, least_loaded(r));
}

static inline void
give(struct replay *r, struct round *rd, unsigned worker, struct frame *f,
     bool part)
{
	struct share *s = &rd->share[worker];

	if (UNLIKELY(part)) {
		s->part[s->n_parts++] = (uint16_t)s->n;
	}
	s->frame[s->n++] = f;
	r->load[worker] += f->caplen + FRAME_COST;
}

/* A frame that has not plainly one owner: tunnels, fragments, no IP. */
static void
deal_parts(struct replay *r, struct round *rd, struct frame *f)
{
	unsigned n_workers = r->set->n_workers, n = 0;
	bool owns[MAX_WORKERS] = { false };
	struct decode_pairs p;

	decode_pairs(worker_decoder(r->set->workers[0]), f, &p);
	for (unsigned i = 0; i < p.n; i++) {
		if (i == 0 || p.hash[i] != 0) {
			unsigned w = owner_of(r, p.hash[i]);

			n += !owns[w];
			owns[w] = true;
		}
	}
	for (unsigned w = 0; w < n_workers; w++) {
		if (owns[w] || p.fragment) {
			give(r, rd, w, f, n > 1 || p.fragment);
		}
	}
}

/* Gives the frames of a batch to those who own them. */
static void
deal(struct replay *r, struct round *rd, struct batch_frames *b)
{
	const struct decoder *d = worker_decoder(r->set->workers[0]);

	for (uint32_t i = 0; i < b->n; i++) {
		struct frame *f = &b->frame[i];
		uint32_t pair = decode_lone_pair(d, f);

		if (LIKELY(pair != 0)) {
			give(r, rd, owner_of(r, pair), f, false);
		} else {
			deal_parts(r, rd, f);
		}
	}
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

	for (unsigned i = 0; i < r->set->n_workers; i++) {
		rd->share[i].n = rd->share[i].n_parts = 0;
		r->load[i] -= r->load[i] / LOAD_DECAY;
	}
	rd->n_batches = 0;
	rd->last = false;
	rd->change = reload_take(r->set->reload);
	r->quiet = false;
	limit_batch(r);
	while (rd->n_batches < limit && !r->quiet) {
		struct batch_frames *b = r->spare[r->n_spare - 1];
		enum reading got = replay_read(r, b);

		if (got == READ_END) {
			rd->last = true;
			break;
		}
		if (got == READ_NOTHING) {
			r->quiet = true;
			break;
		}
		r->quiet = capture_rests(r->set->capture);
		r->copied = b->map == NULL;
		deal(r, rd, b);
		replay_pace(r, b->frame[b->n - 1].ts_us);
		rd->batch[rd->n_batches++] = b;
		r->n_spare--;
	}
	rd->last_us = r->now_us;
	rd->clock_us = r->clock.now_us;
	rd->last_number = r->number;
}

/* One worker's share of a round. */
static void
work(const struct replay *r, unsigned index, const struct round *rd)
{
	const struct share *s = &rd->share[index];
	struct worker *w = r->set->workers[index];
	struct outbox *out = rd->box[index];
	unsigned at = 0;

	if (rd->change != NULL) {
		replay_exchange(rd->change, w, index);
	}
	for (unsigned i = 0; i < s->n_parts; i++) {
		worker_frames(w, &s->frame[at], s->part[i] - at, out);
		worker_frame_part(w, s->frame[s->part[i]], r->owners, index,
				  out);
		at = s->part[i] + 1u;
	}
	worker_frames(w, &s->frame[at], s->n - at, out);
	if (rd->last) {
		worker_finish(w, rd->last_us, rd->last_number, out);
	} else {
		worker_expire(w, rd->clock_us, rd->last_number, out);
	}
}

/*
 * Merges a round that all workers are through with.  'idle': none was handed
 * out behind it.
 */
static void
collect(struct replay *r, struct round *rd, bool idle)
{
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
	while (rd->n_batches > 0) {
		r->spare[r->n_spare++] = rd->batch[--rd->n_batches];
	}
	if (rd->change != NULL) {
		/* the last alert of the former set is out */
		sink_wait(r->set->sink);
		reload_done(r->set->reload, rd->change);
		rd->change = NULL;
	}
	replay_tick(r, idle);
}

/* Whether the next round may be read now. */
static bool
may_fill(const struct replay *r)
{
	bool alone =
		r->quiet || r->set->pace > 0 ||
		(r->set->want_idle != NULL &&
		 __atomic_load_n(r->set->want_idle, __ATOMIC_RELAXED) != 0);
	uint64_t open = r->published - r->collected;
	uint64_t most = r->copied ? ROUNDS_COPIED : ROUNDS_IN_FLIGHT;

	return !r->ended && open < (alone ? 1 : most);
}

/*
 * One piece of what is common to all.  Called with the lock, which is given up
 * meanwhile.  False when workers have to be waited for.
 */
static bool
keep(struct replay *r)
{
	struct round *next = round_of(r, r->published);
	struct round *oldest = round_of(r, r->collected);
	bool idle = r->collected + 1 == r->published;

	if (r->collected < r->published && oldest->remaining == 0) {
		pthread_mutex_unlock(&r->lock);
		collect(r, oldest, idle);
		pthread_mutex_lock(&r->lock);
		r->collected++;
		return true;
	}
	if (may_fill(r)) {
		pthread_mutex_unlock(&r->lock);
		fill_round(r, next);
		pthread_mutex_lock(&r->lock);
		next->remaining = r->set->n_workers;
		r->ended = next->last;
		r->published++;
		return true;
	}
	return false;
}

/* Waits for the round, or sees to it that it comes. */
static const struct round *
await_round(struct replay *r, uint64_t k)
{
	pthread_mutex_lock(&r->lock);
	for (;;) {
		bool there = r->published > k;
		bool ready = r->published > k + ROUNDS_READY || r->ended;
		bool kept = false;

		if (there && (ready || r->keeping)) {
			break;
		}
		if (!r->keeping) {
			r->keeping = true;
			kept = keep(r);
			r->keeping = false;
			pthread_cond_broadcast(&r->moved);
		}
		if (!kept && there) {
			break;
		}
		if (!kept) {
			pthread_cond_wait(&r->moved, &r->lock);
		}
	}
	pthread_mutex_unlock(&r->lock);
	return round_of(r, k);
}

static void
run_worker(struct replay *r, unsigned index)
{
	bool last = false;

	for (uint64_t k = 0; !last; k++) {
		const struct round *rd = await_round(r, k);

		last = rd->last;
		work(r, index, rd);
		pthread_mutex_lock(&r->lock);
		if (--round_of(r, k)->remaining == 0) {
			pthread_cond_broadcast(&r->moved);
		}
		pthread_mutex_unlock(&r->lock);
	}
}

static void *
worker_thread(void *p)
{
	struct thread_arg *a = p;

	run_worker(a->r, a->index);
	return NULL;
}

static void
free_rounds(struct replay *r)
{
	for (unsigned k = 0; k < ROUNDS_IN_FLIGHT; k++) {
		struct round *rd = &r->round[k];

		for (unsigned b = 0; b < rd->n_batches; b++) {
			batch_frames_free(rd->batch[b]);
		}
		for (unsigned i = 0; i < r->set->n_workers; i++) {
			outbox_free(rd->box[i]);
		}
		free(rd->share);
	}
	while (r->n_spare > 0) {
		batch_frames_free(r->spare[--r->n_spare]);
	}
}

static bool
new_round(struct round *rd, unsigned n_workers)
{
	for (unsigned i = 0; i < n_workers; i++) {
		rd->box[i] = outbox_new();
		if (rd->box[i] == NULL) {
			return false;
		}
	}
	rd->share = calloc(n_workers, sizeof(*rd->share));
	return rd->share != NULL;
}

static bool
new_rounds(struct replay *r)
{
	for (unsigned k = 0; k < ROUNDS_IN_FLIGHT; k++) {
		if (!new_round(&r->round[k], r->set->n_workers)) {
			return false;
		}
	}
	while (r->n_spare < ARRAY_LEN(r->spare)) {
		r->spare[r->n_spare] = batch_frames_new();
		if (r->spare[r->n_spare] == NULL) {
			return false;
		}
		r->n_spare++;
	}
	return true;
}

/* Lets the threads begin; with nothing, when not all could be started. */
static void
begin(struct replay *r, unsigned started)
{
	struct round *rd = &r->round[0];

	pthread_mutex_lock(&r->lock);
	r->keeping = false;
	if (started < r->set->n_workers) {
		rd->last = true;
		rd->remaining = r->set->n_workers;
		r->published = 1;
		r->ended = true;
	}
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
}

enum err
replay_rounds(struct replay *r, struct diag *d)
{
	pthread_t thread[MAX_WORKERS];
	struct thread_arg arg[MAX_WORKERS];
	unsigned n = r->set->n_workers, started = 1;

	r->owners = pair_owners_new(n);
	if (r->owners == NULL || !new_rounds(r)) {
		free(r->owners);
		free_rounds(r);
		return diag_set(d, ERR_NOMEM, "out of memory for %u workers",
				n);
	}
	r->keeping = true;
	for (; started < n; started++) {
		arg[started] = (struct thread_arg){ r, started };
		if (thread_start(&thread[started], THREAD_REPLAY, worker_thread,
				 &arg[started]) != 0) {
			break;
		}
	}
	begin(r, started);
	if (started == n) {
		run_worker(r, 0);
	}
	for (unsigned i = 1; i < started; i++) {
		pthread_join(thread[i], NULL);
	}
	/* the rest, which nobody had to wait for */
	while (started == n && r->collected < r->published) {
		collect(r, round_of(r, r->collected),
			r->collected + 1 == r->published);
		r->collected++;
	}
	free(r->owners);
	free_rounds(r);
	return started == n ? ERR_OK
			    : diag_set(d, ERR_IO,
				       "cannot start worker %u of %u; use "
				       "fewer --workers",
				       started + 1, n);
}
