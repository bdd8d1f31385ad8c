/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents by indicators that are no longer in force: they fall apart, in a
 * transaction for each indicator, as with a mute, and the reason is in their
 * logs.  What changed of the common set is followed by its change numbers; the
 * allow lists are read at the start and at SIGHUP, so that all indicators in
 * memory are asked once then.  To ask again changes nothing, so that the number up to which it
 * was followed may lag in the store.
 */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/correlate_case.h"
#include "collector/store_sql.h"
#include "common/clock.h"
#include "common/log.h"

/* Indicators of one turn that change something: batches wait meanwhile. */
#define AT_ONCE 16
#define TURN_US (US_PER_S / 100)
/* Places of the correlator, half a key each, of one look. */
#define PLACES 256
/* So far the number in the store may lag. */
#define SAVE_EVERY 10000
#define WHO "collector"

void
pipeline_refute_forget(struct pipeline *p)
{
	struct pipeline_refuted *r = &p->cases.refuted;

	r->loaded = r->placed = r->more = false;
	r->n = r->at = 0;
	r->place = 0;
}

void
pipeline_refute_all(struct pipeline *p)
{
	p->cases.refuted.placed = false;
	p->cases.refuted.place = 0;
}

static enum err
load(struct pipeline *p)
{
	struct pipeline_refuted *r = &p->cases.refuted;
	sqlite3_stmt *st = NULL;
	enum err e = ERR_IO;

	r->change = r->saved = 0;
	if (sqlite3_prepare_v2(store_db(p->store),
			       "SELECT value FROM counters WHERE"
			       " name='indicators_followed'",
			       -1, &st, NULL) == SQLITE_OK) {
		int rc = sqlite3_step(st);

		r->change = rc == SQLITE_ROW ? sql_u64(st, 0) : 0;
		e = rc == SQLITE_ROW || rc == SQLITE_DONE ? ERR_OK : ERR_IO;
	}
	sqlite3_finalize(st);
	r->saved = r->change;
	r->loaded = e == ERR_OK;
	return e;
}

static enum err
save(struct pipeline *p)
{
	struct pipeline_refuted *r = &p->cases.refuted;
	enum err e = store_begin(p->store);

	if (e == ERR_OK) {
		e = store_count(p->store, "indicators_followed",
				r->change - r->saved);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	if (e == ERR_OK) {
		r->saved = r->change;
	}
	return e;
}

/* ------------------------------------------------------------ what to ask */

static void
note(void *arg, const char *value)
{
	struct pipeline *p = arg;
	struct pipeline_refuted *r = &p->cases.refuted;
	struct sighting_set s;
	const char *key = s.keys[0].text;

	sighting_of_indicator(&s, view_cstr(value));
	if (s.n_keys > 0 && r->n < REFUTE_KEYS &&
	    (correlate_would_refute(p->correlate, key, 0) ||
	     correlate_would_believe(p->correlate, key))) {
		snprintf(r->keys[r->n++], SIGHTING_KEY_CAP, "%s", key);
	}
}

/* The next that are to be asked; '*done': there are none just now. */
static enum err
fill(struct pipeline *p, bool *done)
{
	struct pipeline_refuted *r = &p->cases.refuted;
	bool more = false;
	enum err e = ERR_OK;

	r->n = r->at = 0;
	if (!r->placed) {
		/* A place has few keys; what has no room is asked when it
		 * changes. */
		r->placed = correlate_each_indicator(p->correlate, &r->place,
						     PLACES, note, p);
		more = true;
	} else {
		e = indicator_words_since(common_set_words(p->common),
					  &r->change, REFUTE_KEYS, note, p,
					  &more);
	}
	*done = e == ERR_OK && !more && r->n == 0;
	return e;
}

/* ----------------------------------------------------------- carrying it out */

/* Nothing holds it together: what it was stays to be read. */
static enum err
dissolve(struct pipeline *p, const struct incident *i)
{
	struct store_incident_kept was;
	enum err e = store_incident_get(p->store, i->id, &was);

	if (e != ERR_OK || !was.found || was.closed) {
		return e;
	}
	e = store_incident_dissolve(p->store, i->id);
	if (e == ERR_OK) {
		e = pipeline_warn_withdraw(p, i->id);
	}
	if (e == ERR_OK) {
		e = pipeline_case_log(p, i->id, "dissolved",
				      "closed: nothing that is left of it "
				      "would be an incident");
	}
	log_info("incident %" PRId64 " is closed: nothing holds it together: "
		 "%s",
		 i->id, p->cases.why);
	if (e == ERR_OK && p->feed != NULL) {
		e = pipeline_assess(p, i, &was);
		if (e == ERR_OK) {
			e = feed_incident(p->feed, i->id, "dissolved",
					  &p->assessment, p->now_us);
		}
	}
	return e;
}

static enum err
log_each(struct pipeline *p, const int64_t *ids, unsigned n, const char *key,
	 bool refuted)
{
	char text[SIGHTING_KEY_CAP + 64];
	enum err e = ERR_OK;

	snprintf(text, sizeof(text), "indicator %s %s", key,
		 refuted ? "ties nothing any more" : "is in force again");
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = pipeline_case_log(p, ids[i],
				      refuted ? "refuted" : "believed", text);
	}
	return e;
}

static enum err
carry_out(struct pipeline *p, const char *key, const struct indicator_word *w)
{
	struct correlate_touched t;
	int64_t ids[CORRELATE_TOUCHED];
	unsigned n = 0;
	enum err e = w->refuted ? correlate_refute(p->correlate, key,
						   w->until_us, &t)
				: correlate_believe(p->correlate, key, &t);

	for (unsigned i = 0; e == ERR_OK && i < t.n; i++) {
		if (t.of[i]->id != 0) {
			ids[n++] = t.of[i]->id;
		}
	}
	if (e == ERR_OK) {
		e = log_each(p, ids, n, key, w->refuted);
	}
	if (e == ERR_OK) {
		e = pipeline_incidents(p);
	}
	for (unsigned i = 0; i < n && e == ERR_OK && w->refuted; i++) {
		const struct incident *is =
			correlate_find_incident(p->correlate, ids[i]);

		if (is != NULL && !correlate_stands(is)) {
			e = dissolve(p, is);
		}
	}
	return e;
}

/* Asks for its word; '*changed': that made a difference. */
static enum err
ask(struct pipeline *p, const char *key, bool *changed)
{
	struct indicator_word w;
	enum err e = indicator_word_of(common_set_words(p->common), key,
				       p->now_us, &w);

	*changed = e == ERR_OK &&
		   (w.refuted ? correlate_would_refute(p->correlate, key,
						       w.until_us)
			      : correlate_would_believe(p->correlate, key));
	if (!*changed) {
		return e;
	}
	p->cases.who = WHO;
	p->cases.why = w.reason;
	e = store_begin(p->store);
	if (e == ERR_OK) {
		e = carry_out(p, key, &w);
	}
	if (e == ERR_OK) {
		e = store_commit(p->store);
	}
	p->cases.who = p->cases.why = NULL;
	if (e == ERR_OK) {
		pipeline_warn_settled(p, true);
		p->committed = p->stats;
	}
	return e;
}

enum err
pipeline_refute_turn(struct pipeline *p)
{
	struct pipeline_refuted *r = &p->cases.refuted;
	uint64_t end = clock_mono_us() + TURN_US;
	unsigned changed = 0;
	bool done = false;
	enum err e = r->loaded ? ERR_OK : load(p);

	while (e == ERR_OK && !done && changed < AT_ONCE &&
	       clock_mono_us() < end) {
		if (r->at < r->n) {
			bool is = false;

			e = ask(p, r->keys[r->at++], &is);
			changed += is;
		} else {
			e = fill(p, &done);
		}
	}
	if (e == ERR_OK && done && r->change - r->saved >= SAVE_EVERY) {
		e = save(p);
	}
	r->more = e == ERR_OK && !done;
	return e;
}

/* ------------------------------------------------- what comes of a sighting */

/* An alert does not say how sure its indicator is; the set knows. */
enum err
pipeline_correlate_set(struct pipeline *p, const struct sighting_set *s)
{
	struct indicator_word w = { .confidence =
					    INDICATOR_CONFIDENCE_UNKNOWN };
	struct sighting_set other;
	bool refuted;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < s->n_keys && e == ERR_OK; i++) {
		if (s->keys[i].kind == KEY_INDICATOR && !w.refuted) {
			e = indicator_word_of(common_set_words(p->common),
					      s->keys[i].text, p->now_us, &w);
		}
	}
	refuted = w.refuted && s->last_us > w.until_us;
	if (e != ERR_OK || (!refuted && w.confidence > 100)) {
		return e == ERR_OK ? correlate_add(p->correlate, s) : e;
	}
	other = *s;
	other.refuted = s->refuted || refuted;
	if (w.confidence <= 100) {
		other.confidence = w.confidence;
	}
	return correlate_add(p->correlate, &other);
}

enum err
pipeline_refute_stands(struct pipeline *p, const struct incident *i,
		       bool *again)
{
	*again = false;
	return correlate_stands(i)
		       ? store_incident_dissolved(p->store, i->id, again)
		       : ERR_OK;
}
