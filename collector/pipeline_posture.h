/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline_posture.h - an order of posture, from the store to all it is for
 *
 * picketctl writes the order down; the pipeline finds it, changes what is its
 * own to change (the thresholds of correlation), and tells the sensors by a
 * signed document.  A sensor that does not obey after a while is told again, by
 * itself and less and less often: it may have been away for longer than the
 * stream of documents remembers.
 *
 * Place    the pipeline's own: above store_posture and control_send.
 * Threads  the pipeline's.
 * Memory   some bytes for each sensor that had to be told again.
 * Cost     one look at the store each half second.
 */
#ifndef COLLECTOR_PIPELINE_POSTURE_H
#define COLLECTOR_PIPELINE_POSTURE_H

#include "common/err.h"

struct pipeline;
struct pipeline_facts;
struct pipeline_posture;

/* Writes down which levels there are, and sets what is ordered already before
 * anything is read from the store.  'p' has its store and its settings. */
enum err pipeline_posture_new(struct pipeline_posture **out, struct pipeline *p,
			      struct diag *d) MUST_CHECK;
void pipeline_posture_free(struct pipeline_posture *t);
/*
 * Between two transactions, while Redis is there.  What Redis refuses is tried
 * again; ERR_IO, ERR_NOMEM with diag when the store cannot be read.
 */
enum err pipeline_posture_turn(struct pipeline_posture *t,
			       struct diag *d) MUST_CHECK;
/* Fills in the facts' members of that name. */
void pipeline_posture_facts(const struct pipeline_posture *t,
			    struct pipeline_facts *out);

#endif
