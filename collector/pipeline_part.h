/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_part.h - the pipeline as one of several: as a part, or as the head
 *
 * A part stores and acknowledges, and hands on what alerts said (part_out.h);
 * the head takes in what parts handed on (part_in.h), as if they were alerts of
 * its own.  Without parts.of nothing of this is made.
 *
 * Place    within pipeline; above part_in and part_out.
 * Threads  the pipeline's.
 * Memory   that of part_in.h or part_out.h; 100 KiB for the points.
 * Cost     as these.
 */
#ifndef COLLECTOR_PIPELINE_PART_H
#define COLLECTOR_PIPELINE_PART_H

#include "collector/ingest.h"
#include "collector/part_in.h"
#include "collector/part_out.h"

struct pipeline;

/* A sensor's point as a former part published it. */
struct pipeline_start {
	unsigned stream;
	uint64_t epoch, seq;
};

struct pipeline_part {
	struct part_out *out; /* NULL: we are no part */
	struct part_in *in; /* NULL: we are not the head */
	unsigned known; /* streams whose point was asked for */
	struct pipeline_start starts[INGEST_MAX_STREAMS];
	unsigned n_starts;
	bool adopting; /* the transaction takes these over */
	struct part_sight found; /* the last that was looked up */
	uint64_t told_us; /* of trouble (monotonic) */
	bool away;
};

/* ERR_USAGE with diag when the store is another part's; ERR_NOMEM, ERR_IO. */
enum err pipeline_part_open(struct pipeline *p, struct diag *d) MUST_CHECK;
void pipeline_part_close(struct pipeline *p);
/* As pipeline_reload(). */
enum err pipeline_part_reload(struct pipeline *p) MUST_CHECK;

/* --- of a part --- */

/* Whether the sensor is ours to take in, or everybody's. */
bool pipeline_part_mine(void *arg, const char *site, const char *sensor);
/* How long the next read may wait, if it may be at all: 0 when the head has to
 * come further first. */
int pipeline_part_wait(const struct pipeline *p, int wait_ms);
bool pipeline_part_full(const struct pipeline *p);
/* Every sensor's point was asked for. */
bool pipeline_part_knows(const struct pipeline *p);
/* Between a read and its transaction: asks how far the sensors are that came to
 * us.  ERR_AGAIN with diag when Redis is away. */
enum err pipeline_part_adopt(struct pipeline *p, struct diag *d) MUST_CHECK;
/* At the beginning of the transaction, before any batch: what a former part
 * took in is not taken in again. */
enum err pipeline_part_begin(struct pipeline *p) MUST_CHECK;
/* A line of contacts, for the head; false in '*good': it is malformed. */
enum err pipeline_part_contacts(struct pipeline *p, const char *site,
				const char *sensor, struct view line,
				bool *good) MUST_CHECK;
void pipeline_part_committed(struct pipeline *p);

/* --- of both --- */

/*
 * Between two transactions.  A part sends and hears; '*n' stays 0.  The head
 * takes in what came, '*n' records; '*failed' when the transaction did, which is
 * open then.  Trouble with Redis is told once and tried again: ERR_AGAIN.
 */
enum err pipeline_part_turn(struct pipeline *p, size_t *n, bool *failed,
			    struct diag *d) MUST_CHECK;
/* Redis may be another one. */
void pipeline_part_renewed(struct pipeline *p);
/* A part: all is at the head.  The head: nothing more came at the last look. */
bool pipeline_part_idle(const struct pipeline *p);

#endif
