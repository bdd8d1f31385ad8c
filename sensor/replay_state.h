/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_state.h - the inside of a replay: what it reads, the rounds in flight
 *
 * Internal: included by replay.c and replay_rounds.c only.
 *
 * Place    with replay.
 * Threads  as said at each part of struct replay.
 * Memory   as replay.h.
 * Cost     as replay.h.
 */
#ifndef SENSOR_REPLAY_STATE_H
#define SENSOR_REPLAY_STATE_H

#include <pthread.h>

#include "sensor/replay.h"

#define ROUND_BATCHES 32
#define ROUND_FRAMES (ROUND_BATCHES * BATCH_FRAMES)
/* So many let a worker go on while another has much to do in one round, or is
 * not given a core for some milliseconds. */
#define ROUNDS_IN_FLIGHT 16
/* Of pipes and compressed files frames are copied: these rounds' slabs may
 * take 64 MiB in all.  More gives no speed, as reading is what holds up. */
#define ROUNDS_COPIED 4
#define MAX_WORKERS 64

/* One worker's frames of a round, in the capture's order. */
struct share {
	struct frame *frame[ROUND_FRAMES];
	/* Which of them are other workers', too: places in 'frame'. */
	uint16_t part[ROUND_FRAMES];
	unsigned n, n_parts;
};

struct round {
	struct batch_frames *batch[ROUND_BATCHES]; /* the first n_batches */
	struct share *share; /* one a worker */
	struct outbox *box[MAX_WORKERS];
	unsigned n_batches;
	unsigned remaining; /* workers not yet through; under the lock */
	bool last;
	struct reload_change *change; /* comes before the first frame */
	uint64_t last_us, clock_us, last_number;
};

struct replay {
	const struct replay_settings *set;
	struct replay_result *result;

	/* Of several workers: see replay_rounds.c. */
	struct round round[ROUNDS_IN_FLIGHT];
	pthread_mutex_t lock; /* for what follows, up to 'ended' */
	pthread_cond_t moved; /* any of it changed */
	bool keeping; /* a worker reads or merges */
	uint64_t published; /* rounds handed to the workers */
	uint64_t collected; /* of these, merged */
	bool ended; /* the last was handed out */

	struct pair_owners *owners;
	/* Batches of no round; the latest that was given back goes first, so
	 * that no more slabs are ever touched than are needed at once. */
	struct batch_frames *spare[ROUNDS_IN_FLIGHT * ROUND_BATCHES];
	unsigned n_spare;
	bool copied; /* the latest frames are in a slab */

	/* Below: of the one thread, or of the worker that is 'keeping'. */
	struct batch_frames *alone; /* of a lone worker */
	struct outbox *out;
	/* Pacing. */
	uint64_t first_us, start_mono_us;
	uint64_t load[MAX_WORKERS]; /* given to each of late, see deal() */
	bool quiet; /* the input has no more for now */
	bool behind; /* a paced replay has no time left to wait */
	/* The latest time seen: packet clocks may step back. */
	uint64_t now_us, number;
	/* The time by which flows end: of all packets, not of one worker's. */
	struct flow_clock clock;
};

enum reading { READ_BATCH, READ_NOTHING, READ_END };

/* Fills one batch; nothing, when a pipe's writer has nothing for now. */
enum reading replay_read(struct replay *r, struct batch_frames *b);
/* Waits until a frame of capture time 'ts_us' is due. */
void replay_pace(struct replay *r, uint64_t ts_us);

/* replay_rounds.c: two or more workers, this thread one of them. */
enum err replay_rounds(struct replay *r, struct diag *d) MUST_CHECK;

static inline void
replay_exchange(struct reload_change *c, struct worker *w, unsigned index)
{
	c->matcher[index] = worker_change_rules(w, c->matcher[index]);
}

static inline void
replay_tick(const struct replay *r, bool idle)
{
	if (r->set->tick != NULL) {
		r->set->tick(r->set->tick_arg, idle);
	}
}

#endif
