/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_desk.h - questions for kept packets, one after the other
 *
 *   the forwarder's thread    evidence_desk_ask(), evidence_desk_next()
 *   the evidence's thread     evidence_desk_step()
 *
 * One question is worked on at a time, and the next begins when all of the
 * answer was handed out; EVIDENCE_ASKS wait, and more are refused and counted.
 *
 * Place    above evidence_cut and evidence_dir; below evidence.
 * Threads  as above; what they share is under a lock held for copies only.
 * Memory   evidence_cut's, when something was asked for the first time.
 * Cost     a step: that of evidence_cut.
 */
#ifndef SENSOR_EVIDENCE_DESK_H
#define SENSOR_EVIDENCE_DESK_H

#include "sensor/evidence_cut.h"
#include "sensor/evidence_dir.h"

#define EVIDENCE_ASKS 8

struct evidence_desk;

struct evidence_desk *evidence_desk_new(uint32_t snaplen); /* NULL: no memory */
void evidence_desk_free(struct evidence_desk *k);
/* False: too many wait. */
bool evidence_desk_ask(struct evidence_desk *k,
		       const struct evidence_ask *a) MUST_CHECK;
/* Works on what is asked, with the files that are there; true: there is more
 * to do at once. */
bool evidence_desk_step(struct evidence_desk *k, struct evidence_dir *dir);
/* The next piece of an answer, valid until evidence_desk_sent() says that it is
 * on its way; false: there is none. */
bool evidence_desk_next(struct evidence_desk *k,
			struct evidence_chunk *out) MUST_CHECK;
void evidence_desk_sent(struct evidence_desk *k);

#endif
