/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence.h - packets of alerts on disk: the thread that writes them
 *
 *   evidence_open()             before the process is confined
 *   evidence_tap(v, i)     ->   worker_settings.evidence
 *   evidence_run()              the directory, and the thread
 *   evidence_set_mode()         as the posture says, while no worker runs
 *   evidence_end()              all that was kept is written
 *
 * What is kept stays where it is, but for what somebody asks for, with the key
 * whose orders this sensor obeys (evidence_desk.h).
 *
 * Place    above evidence_dir and evidence_conf; below stats and main.
 * Threads  one of its own; evidence_get_counters() while no worker runs.
 * Memory   evidence.buffer and half a megabyte a worker.
 * Cost     the thread's: two copies and a part of a write a packet.
 */
#ifndef SENSOR_EVIDENCE_H
#define SENSOR_EVIDENCE_H

#include "sensor/evidence_conf.h"
#include "sensor/evidence_desk.h"

struct evidence;

struct evidence_counters {
	struct evidence_tap_counters tap;
	struct evidence_dir_counters dir;
	enum evidence_mode mode;
};

/* ERR_NOMEM; ERR_USAGE: evidence.total-size is too small for so many workers,
 * each of which has two files open. */
enum err evidence_open(struct evidence **out, const struct evidence_conf *c,
		       unsigned n_workers, bool patient,
		       struct diag *d) MUST_CHECK;
/* Once the process is confined, before the first packet.  As
 * evidence_dir_open(). */
enum err evidence_run(struct evidence *v, struct diag *d) MUST_CHECK;
/* NULL of NULL. */
struct evidence_tap *evidence_tap(struct evidence *v, unsigned worker);
/* No worker runs.  False: evidence_run() did not succeed, and none is set. */
bool evidence_set_mode(struct evidence *v, enum evidence_mode mode);
/* Workers have ended: writes what they left, and ends.  NULL is fine. */
void evidence_end(struct evidence *v);
/* For who asks for kept packets, and for who carries the answer away. */
struct evidence_desk *evidence_desk(struct evidence *v);
void evidence_close(struct evidence *v);
void evidence_get_counters(struct evidence *v, struct evidence_counters *out);

#endif
