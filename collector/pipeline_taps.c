/* SPDX-License-Identifier: Apache-2.0 */
/* Observations that were taken for events of their own until the clocks of their
 * sensors were compared. */
#include "collector/pipeline_state.h"

#include "common/clock.h"

/* The incidents that counted it as an event count it as an alert only. */
static void
uncount(struct pipeline *p, const struct taps_joined *j)
{
	struct alert real;
	int inject;
	const struct alert *a =
		pipeline_exercise_judge(p->exercises, j->a, &real, &inject);

	sighting_from_alert(a, p->cfg.missions, &p->set);
	p->set.alert = j->was;
	if (!p->set.past) {
		/* It was counted at one of these times, or between. */
		p->set.first_us = MIN(j->us, p->set.first_us);
		p->set.last_us = MAX(j->us, p->set.last_us);
	}
	correlate_uncount(p->correlate, &p->set);
}

static enum err
on_joined(void *arg, const struct taps_joined *j)
{
	struct pipeline *p = arg;

	if (j->a == NULL) {
		return ERR_OK; /* its frame is no longer kept */
	}
	uncount(p, j);
	return p->feed != NULL ? feed_joined(p->feed, j->site, j->sensor,
					     j->was, j->event, p->now_us)
			       : ERR_OK;
}

enum err
pipeline_rejoin(struct pipeline *p)
{
	return taps_rejoin(p->taps, on_joined, p);
}

static enum err
rejoin_more(struct pipeline *p)
{
	enum err e = store_begin(p->store);

	if (e == ERR_OK) {
		e = pipeline_rejoin(p);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	return e == ERR_OK ? store_commit(p->store) : e;
}

enum err
pipeline_taps_turn(struct pipeline *p, struct diag *d)
{
	if (!taps_busy(p->taps)) {
		return ERR_OK;
	}
	p->now_us = clock_wall_us();
	if (rejoin_more(p) != ERR_OK) {
		return pipeline_recover(p, d);
	}
	p->committed = p->stats;
	return p->feed != NULL ? feed_flush(p->feed, d) : ERR_OK;
}
