/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs that memory has forgotten, and those that nobody knows any more. */
#include "collector/pipeline_state.h"

static enum err
put_back(void *arg, int64_t sensor, uint64_t epoch, uint64_t upto)
{
	struct pipeline *p = arg;

	return dedupe_load(p->dedupe, sensor, epoch, upto, false);
}

static enum err
put_range_back(void *arg, int64_t sensor, uint64_t epoch, uint64_t lo,
	       uint64_t hi)
{
	struct pipeline *p = arg;

	return dedupe_load_range(p->dedupe, sensor, epoch, lo, hi);
}

enum err
pipeline_know_epoch(struct pipeline *p, struct pipeline_tally *t,
		    uint64_t epoch, bool *forgotten)
{
	const struct store_epoch_to to = { put_back, put_range_back, p };
	enum store_epoch is;
	enum err e;

	*forgotten = false;
	if (dedupe_knows(p->dedupe, t->sensor, epoch)) {
		return ERR_OK;
	}
	e = store_epoch_find(p->store, t->sensor, epoch, &to, &is);
	if (e != ERR_OK) {
		return e;
	}
	*forgotten = is == STORE_EPOCH_FORGOTTEN;
	t->new_epoch |= is == STORE_EPOCH_NEW;
	p->stats.epochs_fetched += is == STORE_EPOCH_KEPT;
	return ERR_OK;
}

static void
forget(void *arg, int64_t sensor, uint64_t epoch)
{
	struct pipeline *p = arg;

	dedupe_forget(p->dedupe, sensor, epoch);
}

enum err
pipeline_trim_epochs(struct pipeline *p)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < p->n_touched && e == ERR_OK; i++) {
		const struct pipeline_tally *t = &p->tallies[p->touched[i]];

		if (t->new_epoch) {
			e = store_epoch_trim(p->store, t->sensor, forget, p);
		}
	}
	return e;
}
