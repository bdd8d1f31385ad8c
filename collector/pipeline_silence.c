/* SPDX-License-Identifier: Apache-2.0 */
/* Sensors that went blind near an incident's alerts. */
#include "collector/pipeline_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "collector/correlate_case.h"
#include "collector/silence_store.h"
#include "common/clock.h"
#include "common/log.h"

enum err
pipeline_silence_of(struct pipeline *p, const struct incident *i,
		    struct silence_list *list)
{
	list->n = 0;
	return i->id != 0 ? silence_of(store_db(p->store), i->id, list)
			  : ERR_OK;
}

enum err
pipeline_silence_keep(struct pipeline *p, int64_t incident,
		      const struct silence_list *list)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < list->n && e == ERR_OK; i++) {
		const struct silence *s = &list->s[i];
		char at[CLOCK_ISO_CAP], text[256];
		bool fresh = false;

		e = silence_keep(store_db(p->store), incident, s, &fresh);
		if (e != ERR_OK || !fresh) {
			continue;
		}
		clock_iso(s->from_us, at);
		snprintf(text, sizeof(text),
			 "sensor %s/%s went blind at %s: %s", s->site,
			 s->sensor, at, s->cause);
		log_info("incident %" PRId64 ": %s", incident, text);
		e = store_incident_log(p->store, incident, p->now_us,
				       "correlate", "silence", text);
		if (e == ERR_OK) {
			e = store_count(p->store, "correlator_silence", 1);
		}
		if (e == ERR_OK) {
			e = pipeline_correlator_found(p, "silence", 1);
		}
	}
	return e;
}

/* Whether one of those that were just read is near it. */
static bool
is_near(void *arg, const struct incident *i)
{
	const struct pipeline_cases *c = arg;
	struct silence_list list = { .n = 0 };

	if (i->members->exercise[0] != '\0') {
		return false;
	}
	for (const struct run *r = i->members; r != NULL && list.n == 0;
	     r = r->next_member) {
		for (const struct run_site *s = r->sites; s != NULL;
		     s = s->next) {
			if (s->strong != 0) {
				silences_near(&c->silences, c->silences_due,
					      s->site, s->first_us, s->last_us,
					      &list);
			}
		}
	}
	return list.n > 0;
}

enum err
pipeline_silence_turn(struct pipeline *p)
{
	struct silences *r = &p->cases.silences;
	unsigned n = 0, touched;
	enum err e;

	r->on = p->cfg.correlate.silence;
	r->window_us = p->cfg.correlate.silence_seconds * US_PER_S;
	e = silence_read(store_db(p->store), r, &n);
	if (e != ERR_OK) {
		return e;
	}
	p->cases.silences_due = MIN(p->cases.silences_due + n, r->n);
	if (!r->on || p->cases.silences_due == 0) {
		return ERR_OK;
	}
	touched = correlate_look_again(p->correlate, is_near, &p->cases);
	if (touched > 0) {
		e = store_begin(p->store);
		if (e == ERR_OK) {
			e = pipeline_incidents(p);
		}
		e = e == ERR_OK ? store_commit(p->store) : e;
	}
	if (e == ERR_OK) {
		p->committed = p->stats;
		p->cases.silences_due = 0;
	}
	return e;
}
