/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/exchange_apply.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/counterpart.h"
#include "collector/stix_in.h"
#include "collector/store_consult.h"
#include "collector/store_exercise.h"

struct applying {
	const struct exchange_apply *a;
	struct exchange_report *r;
	struct indicator_put put;
	char origin[STORE_PARTNER_ORIGIN_CAP];
	/* Consultations in which something was said. */
	struct consult_id *said;
	size_t n_said, cap_said;
	/* The last exercise that was asked for. */
	char asked[SEVERITY_NAME_CAP];
	bool known;
};

const char *
exchange_count_name(enum exchange_count c)
{
	static const char *const names[EXCHANGE_COUNTS] = {
		[EXCHANGE_BUNDLES] = "bundles",
		[EXCHANGE_OBJECTS] = "objects",
		[EXCHANGE_OTHERS] = "others",
		[EXCHANGE_INDICATORS_NEW] = "indicators-new",
		[EXCHANGE_INDICATORS_CHANGED] = "indicators-changed",
		[EXCHANGE_INDICATORS_SAME] = "indicators-same",
		[EXCHANGE_INDICATORS_REVOKED] = "indicators-revoked",
		[EXCHANGE_INDICATORS_HELD] = "indicators-held",
		[EXCHANGE_INDICATORS_EVICTED] = "indicators-evicted",
		[EXCHANGE_SIGHTINGS] = "sightings",
		[EXCHANGE_SIGHTINGS_SAME] = "sightings-same",
		[EXCHANGE_INCIDENTS] = "incidents",
		[EXCHANGE_INCIDENTS_SAME] = "incidents-same",
		[EXCHANGE_EVENTS] = "events",
		[EXCHANGE_EVENTS_SAME] = "events-same",
		[EXCHANGE_REPEATED] = "repeated",
		[EXCHANGE_REFUSED_UNSIGNED] = "refused:unsigned",
		[EXCHANGE_REFUSED_MALFORMED] = "refused:malformed",
		[EXCHANGE_REFUSED_UNKNOWN_KEY] = "refused:unknown-key",
		[EXCHANGE_REFUSED_FORGED] = "refused:forged",
		[EXCHANGE_REFUSED_MISADDRESSED] = "refused:misaddressed",
		[EXCHANGE_REFUSED_OLD_EPOCH] = "refused:old-epoch",
		[EXCHANGE_REFUSED_GAP] = "refused:gap",
		[EXCHANGE_REFUSED_FLOOD] = "refused:flood",
		[EXCHANGE_REFUSED_OVERSIZE] = "refused:oversize",
		[EXCHANGE_OBJECT_MALFORMED] = "object:malformed",
		[EXCHANGE_OBJECT_IMPERSONATED] = "object:impersonated",
		[EXCHANGE_OBJECT_TOO_MANY] = "object:too-many",
		[EXCHANGE_OBJECT_FOREIGN_SIDE] = "object:foreign-side",
		[EXCHANGE_OBJECT_FOREIGN_SITE] = "object:foreign-site",
		[EXCHANGE_OBJECT_UNKNOWN] = "object:unknown-indicator",
		[EXCHANGE_OBJECT_EXERCISE] = "object:exercise",
		[EXCHANGE_OBJECT_NO_ROOM] = "object:no-room",
	};

	return (size_t)c < EXCHANGE_COUNTS ? names[c] : "unknown";
}

uint64_t
exchange_report_refused(const struct exchange_report *r)
{
	uint64_t n = 0;

	for (int c = EXCHANGE_REFUSED; c < EXCHANGE_COUNTS; c++) {
		n += r->n[c];
	}
	return n;
}

static enum err
refuse(struct applying *t, enum exchange_count c, const char *id,
       const char *why)
{
	t->r->n[c]++;
	snprintf(t->r->why, sizeof(t->r->why), "%.100s: %.140s", id, why);
	return ERR_OK;
}

static void
on_refused(void *arg, enum stix_in_cause cause, const char *what)
{
	static const enum exchange_count counts[STIX_IN_CAUSES] = {
		[STIX_IN_MALFORMED] = EXCHANGE_OBJECT_MALFORMED,
		[STIX_IN_IMPERSONATED] = EXCHANGE_OBJECT_IMPERSONATED,
		[STIX_IN_TOO_MANY] = EXCHANGE_OBJECT_TOO_MANY,
	};
	struct applying *t = arg;

	t->r->n[counts[cause]]++;
	snprintf(t->r->why, sizeof(t->r->why), "%s", what);
}

/* -------------------------------------------------------------- exercises */

static void
found_exercise(void *arg, const struct store_exercise *e)
{
	(void)e;
	*(bool *)arg = true;
}

/* Whether such an exercise was ever ordered here; none always was. */
static enum err
knows_exercise(struct applying *t, const char *name, bool *is)
{
	enum err e = ERR_OK;

	*is = name[0] == '\0';
	if (*is) {
		return ERR_OK;
	}
	if (strcmp(name, t->asked) != 0) {
		t->known = false;
		e = store_exercise_each(t->a->db, name, found_exercise,
					&t->known);
		snprintf(t->asked, sizeof(t->asked), "%s",
			 e == ERR_OK ? name : "");
	}
	*is = t->known;
	return e;
}

/* ------------------------------------------------------------- indicators */

/* All sensors would be armed with it, and its alerts be real: the sightings of
 * the exercise say themselves what was seen. */
static enum err
pass_exercise(struct applying *t, const char *id, const char *exercise)
{
	bool known;
	enum err e = knows_exercise(t, exercise, &known);

	if (e == ERR_OK && !known) {
		return refuse(t, EXCHANGE_OBJECT_EXERCISE, id,
			      "no such exercise here");
	}
	t->r->n[EXCHANGE_OTHERS] += e == ERR_OK;
	return e;
}

static enum err
on_indicator(void *arg, const struct indicator *given, const char *exercise)
{
	static const enum exchange_count counts[] = {
		[INDICATOR_ADDED] = EXCHANGE_INDICATORS_NEW,
		[INDICATOR_CHANGED] = EXCHANGE_INDICATORS_CHANGED,
		[INDICATOR_SAME] = EXCHANGE_INDICATORS_SAME,
		[INDICATOR_STALE] = EXCHANGE_INDICATORS_SAME,
		[INDICATOR_GONE] = EXCHANGE_INDICATORS_REVOKED,
		[INDICATOR_NO_ROOM] = EXCHANGE_OBJECT_NO_ROOM,
	};
	struct applying *t = arg;
	struct indicator i = *given;
	enum err e;

	if (exercise[0] != '\0') {
		return pass_exercise(t, i.id, exercise);
	}
	i.source = t->origin;
	i.created_by = t->a->party;
	e = common_set_put(t->a->common, &i, &t->put,
			   &t->r->n[EXCHANGE_INDICATORS_EVICTED]);
	if (e != ERR_OK) {
		return e;
	}
	t->r->n[counts[t->put.outcome]]++;
	t->r->n[EXCHANGE_INDICATORS_HELD] += t->put.held;
	return ERR_OK;
}

/* -------------------------------------------------------------- sightings */

/* "NAME:PLACE"; false: the place is one of somebody else. */
static bool
site_of(const char *party, const char *place, char out[SIGHTING_NAME_CAP])
{
	size_t n = strlen(party);
	char name[SIGHTING_NAME_CAP];
	const char *colon = strchr(place, ':');

	if (colon != NULL) {
		if ((size_t)(colon - place) != n ||
		    memcmp(place, party, n) != 0) {
			return false;
		}
		place = colon + 1;
	}
	snprintf(name, sizeof(name), "%s", place[0] != '\0' ? place : "-");
	for (char *c = name; *c != '\0'; c++) {
		*c = (uint8_t)*c <= ' ' || *c == 0x7f || *c == ':' ? '_' : *c;
	}
	snprintf(out, SIGHTING_NAME_CAP, "%s:%.*s", party,
		 (int)(SIGHTING_NAME_CAP - MIN(n + 2, SIGHTING_NAME_CAP - 1u)),
		 name);
	return true;
}

/* When it was, as far as that can be: not in our future, nor so long that one
 * word of a partner ties all times together. */
static void
times_of(const struct stix_in_sighting *s, uint64_t now_us, uint64_t *first,
	 uint64_t *last)
{
	*last = s->last_us != 0 ? s->last_us : s->first_us;
	*last = *last != 0 ? MIN(*last, now_us) : now_us;
	*first = s->first_us != 0 ? MIN(s->first_us, *last) : *last;
	*first = MAX(*first, *last - MIN(*last, SIGHTING_PAST_US));
	*first = MAX(*first, UINT64_C(1));
	*last = MAX(*last, UINT64_C(1));
}

/* To the correlator: 'more' of what the indicator raised at that site. */
static enum err
correlate(struct applying *t, const struct stix_in_sighting *s,
	  const struct store_partner_sighting *is, uint64_t more)
{
	/* Not a flood: it says when it began and ended, not how it came. */
	struct sighting_set set = { .first_us = is->first_us,
				    .last_us = is->last_us,
				    .count = more,
				    .events = more,
				    .severity = 4,
				    .confidence = s->confidence,
				    .strong = true,
				    .past = true,
				    .what = (uint8_t)is->kind,
				    .said = MARKING_CLEAR,
				    .mark = s->o.mark };
	struct indicator_word w;
	enum err e;

	if (set.confidence == INDICATOR_CONFIDENCE_UNKNOWN) {
		set.confidence = 50;
	}
	snprintf(set.exercise, sizeof(set.exercise), "%s", is->exercise);
	snprintf(set.site, sizeof(set.site), "%s", is->place);
	snprintf(set.owner, sizeof(set.owner), "%s", is->party);
	sighting_of_indicator(&set, view_cstr(is->value));
	e = indicator_word_of(common_set_words(t->a->common), is->value,
			      t->a->now_us, &w);
	if (e != ERR_OK) {
		return e;
	}
	set.refuted = w.refuted && set.last_us > w.until_us;
	return correlate_add(t->a->correlate, &set);
}

/* What was seen: told in the bundle, or before. */
static enum err
value_of(struct applying *t, const struct stix_in_sighting *s,
	 struct store_partner_sighting *is, char value[INDICATOR_PATTERN_CAP])
{
	if (s->value != NULL) {
		is->value = s->value;
		is->kind = s->kind;
		return ERR_OK;
	}
	is->value = value;
	return store_partner_value(t->a->partners, s->of, t->put.origin,
				   &is->kind, value, INDICATOR_PATTERN_CAP);
}

/*
 * What goes on is always taken, whatever was new before it in this hour; what
 * costs as much as a new one has to have room: an id that means one thing today
 * and another tomorrow, or elsewhere, would be a way around that.
 */
static enum err
keep_sighting(struct applying *t, const struct stix_in_sighting *s,
	      const struct store_partner_sighting *is)
{
	enum store_partner_standing how;
	uint64_t more = 0;
	enum err e = store_partner_look(t->a->partners, is, &how, &more);
	bool costs = how != STORE_PARTNER_GROWN;

	if (e != ERR_OK || how == STORE_PARTNER_SAME) {
		t->r->n[EXCHANGE_SIGHTINGS_SAME] += e == ERR_OK;
		return e;
	}
	if (costs && *t->a->room == 0) {
		return refuse(t, EXCHANGE_OBJECT_NO_ROOM, is->id,
			      "too many new sightings in an hour");
	}
	e = store_partner_sighting(t->a->partners, is, how, t->a->now_us);
	if (e != ERR_OK) {
		return e;
	}
	t->r->n[EXCHANGE_SIGHTINGS]++;
	*t->a->room -= costs;
	return correlate(t, s, is, more);
}

static enum err
on_sighting(void *arg, const struct stix_in_sighting *s)
{
	struct applying *t = arg;
	struct store_partner_sighting is = { .party = t->a->party,
					     .id = s->o.id,
					     .exercise = s->o.exercise,
					     .count =
						     MAX(s->count, UINT64_C(1)),
					     .past = s->past };
	char value[INDICATOR_PATTERN_CAP], site[SIGHTING_NAME_CAP];
	char mark[MARKING_TEXT_CAP];
	bool known;
	enum err e = knows_exercise(t, s->o.exercise, &known);

	if (e != ERR_OK || s->o.revoked) {
		return e; /* what was seen stays seen */
	}
	if (!known) {
		return refuse(t, EXCHANGE_OBJECT_EXERCISE, s->o.id,
			      "no such exercise here");
	}
	if (!site_of(t->a->party, s->place, site)) {
		return refuse(t, EXCHANGE_OBJECT_FOREIGN_SITE, s->o.id,
			      s->place);
	}
	e = value_of(t, s, &is, value);
	if (e == ERR_NOTFOUND) {
		return refuse(t, EXCHANGE_OBJECT_UNKNOWN, s->o.id, s->of);
	}
	if (e != ERR_OK) {
		return e;
	}
	times_of(s, t->a->now_us, &is.first_us, &is.last_us);
	is.place = site;
	is.mark = marking_text(&s->o.mark, mark);
	return keep_sighting(t, s, &is);
}

/* -------------------------------------------------------------- incidents */

static enum err
on_incident(void *arg, const struct stix_in_incident *i)
{
	struct applying *t = arg;
	char mark[MARKING_TEXT_CAP];
	struct store_partner_incident is = {
		.party = t->a->party,
		.id = i->o.id,
		.title = i->title,
		.lead = i->lead,
		.support = i->support,
		.missions = i->missions,
		.sites = i->sites,
		.stages = i->stages,
		.exercise = i->o.exercise,
		.mark = marking_text(&i->o.mark, mark),
		.level = (unsigned)i->level,
		.score = (unsigned)i->score,
		.alerts = i->alerts,
		.first_us = i->first_us,
		.last_us = i->last_us,
		.modified_us = MAX(i->o.modified_us, i->o.created_us),
		.revoked = i->o.revoked,
	};
	bool known, fresh = false;
	enum err e = knows_exercise(t, i->o.exercise, &known);

	if (e == ERR_OK && !known) {
		return refuse(t, EXCHANGE_OBJECT_EXERCISE, i->o.id,
			      "no such exercise here");
	}
	if (e == ERR_OK) {
		e = store_partner_incident(t->a->partners, &is, t->a->now_us,
					   &fresh);
	}
	if (e == ERR_OK && fresh) {
		e = counterpart_keep(t->a->db, t->a->party, i->o.id, i->number,
				     i->actors);
	}
	t->r->n[fresh ? EXCHANGE_INCIDENTS : EXCHANGE_INCIDENTS_SAME] +=
		e == ERR_OK;
	return e;
}

/* ---------------------------------------------------------- consultations */

/* What they come to is worked out once for all that the bundle says. */
static enum err
note_said(struct applying *t, const struct consult_id *id)
{
	if (t->n_said == t->cap_said) {
		size_t cap = MAX(t->cap_said * 2, (size_t)64);
		struct consult_id *p = realloc(t->said, cap * sizeof(*p));

		if (p == NULL) {
			return ERR_NOMEM;
		}
		t->said = p;
		t->cap_said = cap;
	}
	t->said[t->n_said++] = *id;
	return ERR_OK;
}

static enum err
on_event(void *arg, const struct stix_in_object *o,
	 const struct consult_event *event)
{
	struct applying *t = arg;
	struct diag why = { "" };
	bool known, fresh = false, later = false;
	enum err e = knows_exercise(t, o->exercise, &known);

	if (e != ERR_OK) {
		return e;
	}
	if (!known || strcmp(o->exercise, event->exercise) != 0) {
		return refuse(t, EXCHANGE_OBJECT_EXERCISE, o->id,
			      known ? "it names another exercise than its event"
				    : "no such exercise here");
	}
	e = store_consult_take(t->a->db, event, t->a->party, &fresh, &later,
			       &why);
	switch (e) {
	case ERR_OK:
		t->r->n[fresh ? EXCHANGE_EVENTS : EXCHANGE_EVENTS_SAME]++;
		return later ? note_said(t, &event->id) : ERR_OK;
	case ERR_AUTH:
		return refuse(t, EXCHANGE_OBJECT_FOREIGN_SIDE, o->id, why.msg);
	case ERR_FORMAT:
		return refuse(t, EXCHANGE_OBJECT_MALFORMED, o->id, why.msg);
	case ERR_LIMIT:
		return refuse(t, EXCHANGE_OBJECT_NO_ROOM, o->id, why.msg);
	default:
		return e;
	}
}

enum err
exchange_apply(const struct exchange_apply *a, struct view bundle,
	       struct exchange_report *r)
{
	struct applying t = { .a = a, .r = r };
	struct stix_in_sink sink = { &t,          on_indicator, on_sighting,
				     on_incident, on_event,     on_refused };
	struct stix_in_report read;
	struct diag why = { "" };
	enum err e;

	store_partner_origin(a->party, t.origin);
	e = common_set_join(a->common, t.origin, a->quota, a->now_us, &t.put);
	if (e == ERR_OK) {
		e = stix_in_read(bundle, a->party, &sink, &read, &why);
		r->n[EXCHANGE_OBJECTS] += read.objects;
		r->n[EXCHANGE_OTHERS] += read.others;
	}
	if (e == ERR_FORMAT) {
		/* It is broken off: what stood before is taken. */
		e = refuse(&t, EXCHANGE_OBJECT_MALFORMED, "bundle", why.msg);
	}
	if (e == ERR_OK) {
		e = store_consult_refresh_all(a->db, t.said, t.n_said);
	}
	free(t.said);
	return e == ERR_OK ? common_set_leave(a->common) : e;
}
