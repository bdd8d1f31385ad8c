/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - capture files through the workers, round by round
 *
 * A round is a fixed number of frames.  Each goes to the workers that own the
 * pairs of addresses of its packets; when all workers are through with a round
 * the sink merges what they found.  The same capture thus gives the same lines
 * in the same order with any number of workers.
 *
 * Place    above worker, sink and reload; below main.
 * Threads  with one worker everything runs in the caller's thread; otherwise
 *          the caller is the first worker, and the others have a thread each.
 *          The one that would have to wait reads and merges for all, and calls
 *          tick(): never two at a time.
 * Memory   a batch; of several workers, sixteen rounds in flight, or four of
 *          frames that had to be copied (64 MiB).
 * Cost     two locks per round and worker.
 */
#ifndef SENSOR_REPLAY_H
#define SENSOR_REPLAY_H

#include <signal.h>

#include "sensor/capture.h"
#include "sensor/reload.h"
#include "sensor/sink.h"
#include "sensor/worker.h"

struct replay_settings {
	struct capture *capture;
	struct worker **workers;
	unsigned n_workers;
	struct sink *sink;
	/* Where new rules come from, or NULL: taken between two rounds, by all
	 * workers before the same frame. */
	struct reload *reload;
	double pace; /* 0: as fast as possible; 1: as recorded; 10: ten times */
	const volatile sig_atomic_t *stop;
	/* Called between rounds.  'idle': no worker runs, so that what is
	 * theirs may be read; soon the case once 'want_idle' is not 0. */
	void (*tick)(void *arg, bool idle);
	const volatile sig_atomic_t *want_idle; /* or NULL */
	void *tick_arg;
};

struct replay_result {
	unsigned damaged_files;
	uint64_t last_us; /* capture time of the last frame */
};

/* Reads to the end (or stop), ends all flows.  ERR_NOMEM, ERR_IO (a thread
 * could not be started) with diag; damaged files are logged and counted. */
enum err replay_run(const struct replay_settings *s, struct replay_result *r,
		    struct diag *d) MUST_CHECK;

#endif
