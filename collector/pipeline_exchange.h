/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_exchange.h - what partners tell, between two batches of our sensors
 *
 * A bundle is applied in one transaction of its own with the point that says
 * so, and only then is it deleted and the party told.  Sensors go first: after
 * each batch of theirs a slice of at most PIPELINE_EXCHANGE_US is given to the
 * parties in turn, so that none of them holds up another.
 *
 * Place    the pipeline's own: above exchange_in and exchange_apply.
 * Threads  the pipeline's.
 * Memory   a few hundred bytes a party, and that of exchange_in.
 * Cost     a round trip for each party five times a second.
 */
#ifndef COLLECTOR_PIPELINE_EXCHANGE_H
#define COLLECTOR_PIPELINE_EXCHANGE_H

#include "common/err.h"

#define PIPELINE_EXCHANGE_US UINT64_C(100000)

struct pipeline;
struct pipeline_exchange;

/* NULL in '*out' when no party is set. */
enum err pipeline_exchange_new(struct pipeline_exchange **out,
			       struct pipeline *p, struct diag *d) MUST_CHECK;
void pipeline_exchange_free(struct pipeline_exchange *x);
/* As pipeline_posture_turn(); 'x' may be NULL. */
enum err pipeline_exchange_turn(struct pipeline_exchange *x,
				struct diag *d) MUST_CHECK;
/* Keys and policy are read again (pipeline_config.read_exchange); what cannot
 * be is told, counted, and the former stay. */
void pipeline_exchange_reload(struct pipeline_exchange *x);
/* More waits: do not wait before the next turn. */
bool pipeline_exchange_busy(const struct pipeline_exchange *x);
/* How long the pipeline may wait for its sensors, at most 'wait_ms'. */
int pipeline_exchange_wait(const struct pipeline_exchange *x, int wait_ms);
/* The longest turn since the start, in microseconds. */
uint64_t pipeline_exchange_longest(const struct pipeline_exchange *x);
/* A transaction was given up: the points are read again. */
void pipeline_exchange_forget(struct pipeline_exchange *x);

#endif
