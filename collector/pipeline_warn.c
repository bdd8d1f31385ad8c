/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/pipeline_warn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/pipeline_state.h"
#include "collector/store_sql.h"
#include "collector/store_warning.h"
#include "common/clock.h"
#include "common/delta.h"
#include "common/indicator_value.h"
#include "common/log.h"

/* Keys of one incident that are looked up in one batch. */
#define MAX_LOOKUPS 256
/* Offered in one turn. */
#define MAX_OFFERS 64
#define MAX_FOLLOWED 256
#define FOLLOW_US US_PER_S
#define RETRY_US US_PER_S
/* By which a sensor's clock may be behind ours. */
#define CLOCKS_US (15 * US_PER_S)
/* A sensor that has not taken it by then is told of by "indicators armed". */
#define FOLLOW_FOR_US (UINT64_C(3600) * US_PER_S)

/* ------------------------------------------------------------ what is told */

static enum err
tell(struct pipeline *p, const struct store_warning *w)
{
	static const char *const means[WARNING_STATES] = {
		[WARNING_GIVEN] = "all sites are armed",
		[WARNING_HELD] = "the gate holds it",
		[WARNING_KNOWN] = "all sites were armed already",
		[WARNING_REFUSED] = "the common set has no room",
	};

	const char *mean = means[w->state];

	if (w->state == WARNING_GIVEN && p->cfg.control_key == NULL) {
		mean = "the common set has it; no sensor is told, as there is "
		       "no control.sign-key";
	}
	log_info("warning: %s %s, first seen at %s, incident %" PRId64 ": %s",
		 indicator_kind_name(w->kind), w->value, w->site, w->incident,
		 mean);
	return p->feed != NULL ? feed_warning(p->feed, w, clock_wall_us())
			       : ERR_OK;
}

/* ----------------------------------------------------------- what is noted */

/* A site of a partner is told as "NAME:PLACE" of owner NAME; what was seen there
 * is the partner's to warn of. */
static bool
is_partners(const struct run_site *s)
{
	size_t n = strlen(s->owner);

	return n > 0 && strncmp(s->site, s->owner, n) == 0 && s->site[n] == ':';
}

/* Where it was seen first by an alert that counts; NULL: nowhere. */
static const struct run_site *
first_site(const struct run *r)
{
	const struct run_site *first = NULL;

	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		if (s->strong > 0 && !is_partners(s) &&
		    (first == NULL || s->first_us < first->first_us)) {
			first = s;
		}
	}
	return first;
}

/* A key that ends in a hash is nobody's value, nor is one in lower case where
 * case counts (sighting.c). */
static bool
kind_of(const struct run *r, enum indicator_kind *out)
{
	if (strlen(r->key) >= SIGHTING_KEY_CAP - 1) {
		return false;
	}
	switch ((enum key_kind)r->kind) {
	case KEY_ADDRESS:
		*out = INDICATOR_IP;
		return true;
	case KEY_DOMAIN:
		*out = INDICATOR_DOMAIN;
		return true;
	case KEY_CERT:
		*out = INDICATOR_CERT_SHA1;
		return true;
	case KEY_INDICATOR:
		*out = (enum indicator_kind)r->what;
		return r->what < INDICATOR_KINDS && *out != INDICATOR_URL &&
		       *out != INDICATOR_USER_AGENT &&
		       *out != INDICATOR_PATTERN;
	default:
		return false;
	}
}

/* Who may see the key: whoever may see all that was said of it and all places
 * at which it was seen.  What bears no mark is for nobody. */
static const char *
mark_of(const struct run *r, char text[MARKING_TEXT_CAP])
{
	struct marking m = r->mark != NULL ? *r->mark : mark_nobody;

	if (r->said != NULL) {
		marking_join(&m, r->said);
	}
	for (const struct run_site *s = r->sites; s != NULL; s = s->next) {
		if (s->mark != NULL) {
			marking_join(&m, s->mark);
		}
	}
	return marking_text(&m, text);
}

static enum err
note(struct pipeline *p, const struct run *r, int64_t incident, unsigned level,
     uint64_t cause_us)
{
	const struct run_site *site = first_site(r);
	char value[INDICATOR_VALUE_CAP], mark[MARKING_TEXT_CAP];
	struct store_warning w = { .value = value,
				   .severity = r->severity,
				   .confidence = r->confidence,
				   .incident = incident,
				   .level = level,
				   .first_us = r->first_us,
				   .cause_us = cause_us,
				   .stored_us = p->now_us };
	uint64_t valid = p->cfg.warn.valid_us, forgotten = 0;
	bool added = false, refused = false;
	struct diag why;
	size_t len;
	enum err e;

	if (site == NULL || !kind_of(r, &w.kind) ||
	    indicator_value_canon(w.kind, true, view_cstr(r->key), value, &len,
				  &why) != ERR_OK) {
		return ERR_OK;
	}
	w.site = site->site;
	w.mark = mark_of(r, mark);
	e = store_warning_note(
		store_db(p->store), &w, p->now_us - MIN(p->now_us, valid),
		r->kind == KEY_INDICATOR, &added, &refused, &forgotten);
	p->warn.pending |= added && w.state == WARNING_NOTED;
	p->stats.warnings_refused += refused;
	if (e == ERR_OK && added && w.state == WARNING_KNOWN) {
		w.last_site = w.last_sensor = "";
		e = tell(p, &w);
	}
	return e == ERR_OK
		       ? store_count(p->store, "warnings_forgotten", forgotten)
		       : e;
}

enum err
pipeline_warn_incident(struct pipeline *p, const struct incident *i, bool all)
{
	const struct assessment *a = &p->assessment;
	unsigned n = 0;
	enum err e = ERR_OK;

	if (!p->cfg.warn.on || a->exercise[0] != '\0' ||
	    a->level < p->cfg.warn.level) {
		return ERR_OK;
	}
	for (const struct run *r = i->members;
	     r != NULL && e == ERR_OK && n < MAX_LOOKUPS; r = r->next_member) {
		if ((all || r->dirty) && r->exercise[0] == '\0' &&
		    (r->kind == KEY_ADDRESS || r->kind == KEY_DOMAIN ||
		     r->kind == KEY_CERT)) {
			e = note(p, r, i->id, a->level, a->last_us);
			n++;
		}
	}
	return e;
}

enum err
pipeline_warn_run(struct pipeline *p, const struct run *r)
{
	return p->cfg.warn.on && r->kind == KEY_INDICATOR &&
			       r->exercise[0] == '\0'
		       ? note(p, r, r->incident != NULL ? r->incident->id : 0,
			      0, r->first_us)
		       : ERR_OK;
}

/* ------------------------------------------------------- and then offered */

static enum err
offer(void *arg, const struct store_warning *w)
{
	struct pipeline *p = arg;
	uint64_t now = clock_wall_us();
	char text[96];
	struct store_warning is = *w;
	struct indicator i = {
		.kind = w->kind,
		.exact = true,
		.marked = true,
		.severity = (uint8_t)w->severity,
		.confidence = (uint8_t)MIN(w->confidence, 100u),
		.valid_from_us = w->stored_us,
		.valid_until_us = w->stored_us + p->cfg.warn.valid_us,
		.modified_us = w->stored_us,
		.value = w->value,
		.id = "",
		.source = INDICATOR_WARNING_SOURCE,
		.created_by = "",
		.description = text,
		.labels = "",
		.tactic = "",
		.kill_chain = "",
	};
	struct indicator_put put;
	enum err e;

	if (i.confidence == 0) {
		i.confidence = INDICATOR_CONFIDENCE_UNKNOWN;
	}
	mark_read_kept(&i.mark, view_cstr(w->mark));
	snprintf(text, sizeof(text), "incident %" PRId64, w->incident);
	if (w->incident == 0) {
		snprintf(text, sizeof(text), "seen at a site");
	}
	e = common_set_offer(p->common, INDICATOR_WARNING_SOURCE, &i, now,
			     &put);
	if (e != ERR_OK) {
		return e;
	}
	is.state = put.outcome == INDICATOR_NO_ROOM ? WARNING_REFUSED
		   : put.held                       ? WARNING_HELD
						    : WARNING_GIVEN;
	is.indicator = put.id;
	is.offered_us = now;
	e = store_warning_offered(store_db(p->store), w->id, is.state, put.id,
				  is.offered_us);
	if (e != ERR_OK) {
		return e;
	}
	p->stats.warnings += is.state == WARNING_GIVEN;
	p->stats.warnings_held += is.state == WARNING_HELD;
	p->committed.warnings = p->stats.warnings;
	p->committed.warnings_held = p->stats.warnings_held;
	p->warn.open |= is.state == WARNING_GIVEN;
	return tell(p, &is);
}

/* ---------------------------------------------------------- and followed */

/* When the last of those sensors that are there had 'change' in force; not
 * before all say so. */
static enum err
followed(sqlite3 *db, struct store_warning *w, char site[SIGHTING_NAME_CAP],
	 char sensor[SIGHTING_NAME_CAP], bool *all)
{
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_ERROR;

	*all = true;
	w->sensors = 0;
	if (sqlite3_prepare_v2(
		    db,
		    "SELECT site,sensor,json_extract(presence,"
		    "'$.indicator_version'),json_extract(presence,"
		    "'$.indicators_taken_us') FROM sensors WHERE state='live'"
		    " AND json_valid(presence) AND json_extract(presence,"
		    "'$.indicator_version')<>''",
		    -1, &st, NULL) == SQLITE_OK) {
		while (*all && (rc = sqlite3_step(st)) == SQLITE_ROW) {
			uint64_t epoch = 0, version = 0, taken;

			taken = strtoull(sql_text(st, 3), NULL, 10);
			*all = delta_version_read(sql_text(st, 2), &epoch,
						  &version) &&
			       version >= w->change;
			w->sensors += *all;
			if (*all && taken >= w->armed_us) {
				w->armed_us = taken;
				snprintf(site, SIGHTING_NAME_CAP, "%s",
					 sql_text(st, 0));
				snprintf(sensor, SIGHTING_NAME_CAP, "%s",
					 sql_text(st, 1));
			}
		}
	}
	sqlite3_finalize(st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : ERR_IO;
}

static enum err
follow(void *arg, const struct store_warning *w)
{
	struct pipeline *p = arg;
	struct store_warning is = *w;
	char site[SIGHTING_NAME_CAP] = "", sensor[SIGHTING_NAME_CAP] = "";
	bool all = false;
	enum err e;

	if (clock_wall_us() > w->offered_us + FOLLOW_FOR_US) {
		return ERR_OK;
	}
	p->warn.open = true;
	is.armed_us = 0;
	e = followed(store_db(p->store), &is, site, sensor, &all);
	if (e != ERR_OK || !all || is.sensors == 0) {
		return e;
	}
	/* Who took the set whole does not say when: it has it now. */
	is.armed_us = is.armed_us + CLOCKS_US < is.offered_us
			      ? clock_wall_us()
			      : MAX(is.armed_us, is.offered_us);
	is.last_site = site;
	is.last_sensor = sensor;
	return store_warning_armed(store_db(p->store), &is);
}

enum err
pipeline_warn_turn(struct pipeline *p, struct diag *d)
{
	struct pipeline_warn *w = &p->warn;
	sqlite3 *db = store_db(p->store);
	uint64_t now = clock_mono_us();
	enum err e = ERR_OK;

	if (!p->cfg.warn.on) {
		return ERR_OK; /* and nothing is pending: the pipeline may wait */
	}
	if (w->look) {
		w->pending = w->open = true;
		w->look = false;
	}
	if (w->failed && now < w->next_us) {
		return ERR_OK;
	}
	if (w->pending) {
		int64_t before = sqlite3_total_changes(db);

		e = store_warning_each(db, WARNING_NOTED, 0, MAX_OFFERS, offer,
				       p);
		w->pending =
			e == ERR_AGAIN || sqlite3_total_changes(db) != before;
	}
	if ((e == ERR_OK || e == ERR_AGAIN) && w->open && now >= w->next_us) {
		enum err f;

		w->open = false;
		w->next_us = now + FOLLOW_US;
		f = store_warning_each(db, WARNING_GIVEN, 0, MAX_FOLLOWED,
				       follow, p);
		e = f != ERR_OK ? f : e;
	}
	if (e != ERR_OK && e != ERR_AGAIN) {
		if (!w->failed) {
			log_warn("warnings: %s; trying on", sqlite3_errmsg(db));
		}
		w->look = true;
		w->pending = false;
		w->next_us = now + RETRY_US;
	}
	w->failed = e != ERR_OK && e != ERR_AGAIN;
	return p->feed != NULL ? feed_flush(p->feed, d) : ERR_OK;
}
