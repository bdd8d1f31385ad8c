/* SPDX-License-Identifier: Apache-2.0 */
/* Sightings to incidents, and what is said of them. */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector/correlator_store.h"
#include "collector/situation.h"
#include "common/clock.h"
#include "common/log.h"

static enum err
on_merged(void *arg, int64_t from, int64_t into)
{
	struct pipeline *p = arg;
	char text[96];
	enum err e = store_incident_merge(p->store, from, into);

	p->stats.incidents_merged++;
	snprintf(text, sizeof(text),
		 "incident %" PRId64 " turned out to be part of this one",
		 from);
	if (e == ERR_OK) {
		e = pipeline_consult_merged(p, from, into);
	}
	if (e == ERR_OK) {
		e = pipeline_warn_merged(p, from, into);
	}
	if (e == ERR_OK) {
		e = situation_forget(store_db(p->store), from);
	}
	if (e == ERR_OK) {
		e = pipeline_case_log(p, into, "merged", text);
	}
	snprintf(text, sizeof(text), "now part of incident %" PRId64, into);
	if (e == ERR_OK) {
		e = pipeline_case_log(p, from, "merged", text);
	}
	log_info("incident %" PRId64 " is now part of incident %" PRId64, from,
		 into);
	return e;
}

/* What is to be said of a change: NULL when it is more of the same. */
static const char *
what_changed(const struct incident *i, const struct store_incident_kept *was,
	     const struct assessment *a)
{
	if (!was->found) {
		return i->split_from != 0 ? "split" : "opened";
	}
	return a->score > was->score || a->level > was->level ? "raised" : NULL;
}

static enum err
tell(struct pipeline *p, int64_t id, const char *what,
     const struct store_incident_kept *was)
{
	const struct assessment *a = &p->assessment;
	char text[768];
	enum err e = ERR_OK;

	if (was->found && was->closed) {
		e = store_incident_reopen(p->store, id);
		if (e == ERR_OK) {
			e = store_incident_log(p->store, id, p->now_us,
					       "correlate", "open",
					       "new evidence after it was "
					       "closed");
		}
	}
	snprintf(text, sizeof(text), "level %u %s, score %u, %s%s%s: %s",
		 a->level, severity_level_name(a->level), a->score,
		 a->lead[0] != '\0' ? "lead " : "no owner known", a->lead,
		 a->exercise[0] != '\0' ? ", exercise" : "", a->title);
	if (e == ERR_OK) {
		/* That it was split its log has from who did so. */
		e = store_incident_log(p->store, id, p->now_us, "correlate",
				       was->found ? what : "opened", text);
	}
	log_info("incident %" PRId64 " %s: %s", id, what, text);
	if (e == ERR_OK && p->feed != NULL) {
		e = feed_incident(p->feed, id, what, a, p->now_us);
	}
	return e;
}

/* What it is together with others decides whether owners are to talk. */
static enum err
weigh_together(struct pipeline *p, int64_t id)
{
	struct situation s = { .n = 0 };
	enum err e = situation_of(store_db(p->store), id, &s);

	if (e == ERR_OK && s.n > 1 && s.level > p->assessment.level) {
		log_debug("incident %" PRId64 " is one of %u together at "
			  "level %u",
			  id, s.n, s.level);
	}
	return e == ERR_OK ? pipeline_consult(p, id,
					      MAX(s.level, p->assessment.level))
			   : e;
}

enum err
pipeline_assess(struct pipeline *p, const struct incident *i,
		struct store_incident_kept *was)
{
	struct assessment *a = &p->assessment;
	enum err e = pipeline_silence_of(p, i, &a->silences);

	a->before = (struct assess_before){ .lead = "" };
	if (e == ERR_OK && i->id != 0) {
		e = store_incident_get(p->store, i->id, was);
	}
	/* That it is worth less is to come of a reason, not of a full memory. */
	if (e == ERR_OK && was->found && i->trimmed && !i->lessened) {
		e = store_incident_before(p->store, i->id, &a->before);
	}
	return e == ERR_OK ? assess_incident(i, p->cfg.missions,
					     &p->cases.silences, a)
			   : e;
}

static enum err
on_incident(void *arg, struct incident *i)
{
	struct pipeline *p = arg;
	struct assessment *a = &p->assessment;
	struct store_incident_kept was = { 0 };
	struct store_incident_change c;
	const char *what;
	bool again = false;
	enum err e = pipeline_assess(p, i, &was);

	if (e == ERR_OK && was.found) {
		e = store_incident_mark(p->store, i->id, &a->mark);
	}
	if (e == ERR_OK && was.closed) {
		e = pipeline_refute_stands(p, i, &again);
	}
	if (e != ERR_OK ||
	    (was.found && !again && was.score == a->score &&
	     was.n_owners == a->n_owners &&
	     was.summary_hash == XXH3_64bits(a->summary.p, a->summary.len))) {
		return e == ERR_OK && p->weigh_anew && !was.closed
			       ? weigh_together(p, i->id)
			       : e;
	}
	c = (struct store_incident_change){
		.id = was.found ? i->id : 0,
		.exercise = a->exercise,
		.title = a->title,
		.lead = a->lead,
		.support = a->support,
		.score = a->score,
		.level = a->level,
		.first_us = a->first_us,
		.last_us = a->last_us,
		.at_us = p->now_us,
		.summary = json_view(&a->summary),
		.mark = &a->mark,
	};
	e = store_incident_put(p->store, &c, &i->id);
	p->stats.incidents_opened += !was.found;
	if (e == ERR_OK) {
		e = situation_keep(store_db(p->store), i->id,
				   json_view(&a->keys));
	}
	if (e == ERR_OK) {
		e = pipeline_silence_keep(p, i->id, &a->silences);
	}
	if (e == ERR_OK && i->split_from != 0) {
		e = pipeline_case_parted(p, i);
	}
	what = again ? "raised" : what_changed(i, &was, a);
	if (e == ERR_OK && what != NULL) {
		e = tell(p, i->id, what, &was);
	}
	if (e == ERR_OK) {
		e = pipeline_warn_incident(p, i, what != NULL);
	}
	/* More of the same alerts leaves the picture as it is. */
	return e == ERR_OK && (what != NULL || p->weigh_anew ||
			       was.n_owners != a->n_owners)
		       ? weigh_together(p, i->id)
		       : e;
}

static enum err
on_run(void *arg, const struct run *r)
{
	struct pipeline *p = arg;

	enum err e = store_run(p->store, r);

	return e == ERR_OK ? pipeline_warn_run(p, r) : e;
}

static enum err
on_gone(void *arg, uint64_t run)
{
	struct pipeline *p = arg;

	return store_run_gone(p->store, run);
}

enum err
pipeline_sight(struct pipeline *p, const struct sighting_set *s)
{
	enum err e = ERR_OK;

	if (!sighting_batch_add(p->sightings, s)) {
		e = pipeline_correlate(p);
		if (e == ERR_OK && !sighting_batch_add(p->sightings, s)) {
			e = ERR_LIMIT;
		}
	}
	return e;
}

enum err
pipeline_correlate(struct pipeline *p)
{
	enum err e = ERR_OK;
	unsigned n = sighting_batch_len(p->sightings);

	correlate_clock(p->correlate, clock_wall_us());
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		const struct sighting_set *s =
			sighting_batch_get(p->sightings, i);

		e = pipeline_correlate_set(p, s);
		if (e == ERR_OK) {
			e = common_set_seen(p->common, s);
		}
	}
	sighting_batch_reset(p->sightings);
	return e;
}

enum err
pipeline_correlators_declare(struct pipeline *p)
{
	const struct pipeline_config *cfg = &p->cfg;
	enum err e = store_begin(p->store);

	if (e == ERR_OK) {
		e = correlator_store_declare(
			store_db(p->store), &cfg->correlate, &cfg->finding,
			&cfg->correlators, cfg->correlators_file);
	}
	return e == ERR_OK ? store_commit(p->store) : e;
}

enum err
pipeline_correlator_found(struct pipeline *p, const char *kind, uint64_t n)
{
	return n > 0 ? correlator_store_found(store_db(p->store), kind, n,
					      p->now_us)
		     : ERR_OK;
}

/* What began incidents since it was last counted. */
static enum err
count_opened(struct pipeline *p)
{
	struct correlate_stats now, *was = &p->counted;
	enum err e;

	correlate_stats(p->correlate, &now);
	e = pipeline_correlator_found(p, "shared", now.shared - was->shared);
	if (e == ERR_OK) {
		e = pipeline_correlator_found(p, "stages",
					      now.stages - was->stages);
	}
	if (e == ERR_OK) {
		e = pipeline_correlator_found(p, "flood",
					      now.flood - was->flood);
	}
	*was = now;
	return e;
}

enum err
pipeline_incidents(struct pipeline *p)
{
	struct correlate_sink sink = { p, on_merged, on_incident, on_run,
				       on_gone };
	enum err e;

	correlate_clock(p->correlate, clock_wall_us());
	e = correlate_flush(p->correlate, &sink);

	return e == ERR_OK ? count_opened(p) : e;
}
